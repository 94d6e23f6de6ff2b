"""What another domain's token says of itself must not pass for names of ours: handlers act on these facts."""

from typing import Any


def test_a_foreign_claim_names_no_enforcement_point_model_or_decision_of_ours(listening: Any) -> None:
    """A playbook that disables the token `pep` switched off whichever one the transmitter named."""
    said = {"credential_type": "password", "pep": "gateway", "model": "sha256:" + "a" * 64, "decision_id": "dec_1"}
    listening.intake.pushed("idp", listening.token(said=said), None)
    (trigger,) = listening.triggers
    assert trigger.facts["credential_type"] == "password"
    assert not {"pep", "model", "decision_id"} & set(trigger.facts)
    ((_, _, payload, _),) = listening.records
    ((kept,),) = [payload["set"]["events"].values()]
    assert kept["pep"] == "gateway", "the record tells all that was said"
