"""A step-up is for one session, one holder of one key, one access: nobody else lives on it."""

from typing import Any

from ostiary.sessions import Asked, BoundKey, Session, SessionLedger, StepUpProof, rules

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


def test_what_she_proved_with_her_key_does_not_serve_another_key() -> None:
    ledger = SessionLedger()
    ledger.touch(asked(1, key="hers"))
    assert ledger.prove(proof(2, key="hers"))
    assert ledger.standing(asked(3, key="hers")).proof is not None
    for other in ("thief", ""):
        standing = ledger.standing(asked(3, key=other))
        assert (standing.key_changed, standing.proof) == (True, None)


def test_and_lets_no_other_key_into_the_session_for_good() -> None:
    ledger = SessionLedger()
    ledger.touch(asked(1, key="hers"))
    assert ledger.prove(proof(2, key="hers"))
    ledger.touch(asked(3, key="thief"))
    assert ledger.standing(asked(4, key="thief")).key_changed


def test_her_new_key_stays_once_she_has_proved_herself_with_it() -> None:
    ledger = SessionLedger()
    ledger.touch(asked(1, key="hers"))
    assert ledger.prove(proof(2, key="new"))
    ledger.touch(asked(3, key="new"))
    assert not ledger.standing(asked(400, key="new")).key_changed


def test_many_other_clients_keys_do_not_push_hers_out() -> None:
    ledger = SessionLedger()
    ledger.touch(asked(1, key="hers"))
    for number in range(40):
        ledger.touch(asked(2, client_id=f"client{number}", key=f"key{number}"))
    assert ledger.standing(asked(3, key="thief")).key_changed
    session = ledger.find("acme", "s1")
    assert session is not None
    assert len(session.keys) <= rules.MAX_KEYS


def test_her_own_many_keys_push_out_her_oldest_alone() -> None:
    ledger = SessionLedger()
    ledger.touch(asked(1, client_id="other", key="kept"))
    ledger.touch(asked(1, key="key0"))
    for number in range(1, 40):
        assert ledger.prove(proof(number, key=f"key{number}"))
        ledger.touch(asked(number, key=f"key{number}"))
    assert not ledger.standing(asked(400, key="key39")).key_changed
    assert ledger.standing(asked(400, key="key0")).key_changed
    assert ledger.standing(asked(400, client_id="other", key="thief")).key_changed


def test_joining_two_processes_keys_loses_none() -> None:
    versions = [
        Session("acme", "s1", keys=tuple(BoundKey(f"{process}{n}", "k") for n in range(rules.MAX_KEYS)))
        for process in ("a", "z")
    ]
    assert len(rules.joined(*versions).keys) == 2 * rules.MAX_KEYS
