"""One session under two names, by token and as it is told: what it lost under one is lost under the other too."""

from typing import Any

from ostiary.sessions import Asked, SessionLedger, SessionState, StepUpProof

NS = 1_000_000_000
TOLD = "user\nann\ns1"


def by_token(at_s: int, **told: Any) -> Asked:
    return Asked("acme", ("s1",), "user:ann", at_s * NS, "export", "doc", "1", **told)


def as_told(at_s: int, **told: Any) -> Asked:
    return Asked("acme", (TOLD, "s1"), "user:ann", at_s * NS, "export", "doc", "1", **told)


def ledger_with_both() -> SessionLedger:
    ledger = SessionLedger()
    ledger.touch(by_token(1))
    ledger.touch(as_told(1))
    return ledger


def test_a_reduction_is_not_left_behind_by_leaving_the_token_out() -> None:
    ledger = ledger_with_both()
    ledger.reduce("acme", "s1", at_ns=2 * NS, reason="risk", privileges=("export",), lifetime_s=60)
    session = ledger.standing(as_told(3)).session
    assert session is not None
    assert session.is_reduced
    assert (session.dropped, session.expires_ns) == (("export",), 62 * NS)


def test_neither_is_what_its_demand_asks_for() -> None:
    ledger = ledger_with_both()
    ledger.demand_step_up("acme", "s1", at_ns=2 * NS, reason="risk", acr_values=("urn:example:smartcard",))
    standing = ledger.standing(as_told(3))
    assert standing.state is SessionState.STEP_UP
    assert standing.session is not None
    assert standing.session.acr_values == ("urn:example:smartcard",)


def test_a_proof_from_before_the_fall_of_either_is_over() -> None:
    ledger = ledger_with_both()
    proof = StepUpProof("acme", "user:ann", TOLD, "urn:strong", (), 2 * NS, 300 * NS, "export", "doc", "1", "dec_1")
    assert ledger.prove(proof)
    assert ledger.standing(as_told(3)).proof is not None
    ledger.reduce("acme", "s1", at_ns=4 * NS, reason="risk", privileges=("export",))
    assert ledger.standing(as_told(5)).proof is None


def test_the_name_that_expired_is_the_one_that_ends() -> None:
    ledger = ledger_with_both()
    ledger.reduce("acme", "s1", at_ns=2 * NS, reason="risk", lifetime_s=10)
    assert ledger.standing(as_told(13)).state is SessionState.EXPIRED
    assert ledger.state("acme", "s1") is SessionState.TERMINATED, "seen once, it stays over when the clock goes back"
    assert ledger.standing(as_told(11)).state is SessionState.TERMINATED
