"""A step-up is for one session, one holder of one key, one access: nobody else lives on it."""

from typing import Any

from ostiary.sessions import Asked, SessionLedger, StepUpProof

NS = 1_000_000_000
STRONG = "urn:ostiary:acr:phishing-resistant"


def asked(at_s: int, **told: Any) -> Asked:
    given: dict[str, Any] = {"names": ("s1",), "client_id": "web", **told}
    return Asked(
        "acme", subject="user:ann", now_ns=at_s * NS, action="read", resource_type="doc", resource_id="1", **given
    )


def proof(at_s: int, **told: Any) -> StepUpProof:
    given: dict[str, Any] = {"session_id": "s1", **told}
    return StepUpProof(
        tenant="acme",
        subject="user:ann",
        acr=STRONG,
        amr=("pop",),
        proven_ns=at_s * NS,
        expires_ns=(at_s + 300) * NS,
        action="read",
        resource_type="doc",
        resource_id="1",
        cause="dec_1",
        **given,
    )


def test_what_she_proved_outside_of_any_session_does_not_serve_a_stolen_one() -> None:
    ledger = SessionLedger()
    ledger.touch(asked(1))
    assert ledger.prove(proof(2, session_id=""))
    assert ledger.standing(asked(3, names=())).proof is not None
    assert ledger.standing(asked(3)).proof is None
