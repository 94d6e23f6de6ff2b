"""The ledger: what it remembers, whom it tells, what it makes room for."""

from typing import Any

import pytest

from ostiary.errors import UnavailableError
from ostiary.sessions import (
    Asked,
    ChangeKind,
    Session,
    SessionChange,
    SessionLedger,
    SessionSettings,
    SessionState,
    StepUpProof,
    handle_of,
)
from ostiary.testing.session_store import MemorySessionStore

NS = 1_000_000_000


def asked(name: str = "s1", at_s: float = 1, **more: object) -> Asked:
    known: dict[str, object] = {"tenant": "acme", "names": (name,), "subject": "user:ann", "now_ns": int(at_s * NS)}
    return Asked(**{**known, **more})  # type: ignore[arg-type]


def proof(at_s: float, **more: object) -> StepUpProof:
    known: dict[str, object] = {
        "tenant": "acme",
        "subject": "user:ann",
        "session_id": "s1",
        "acr": "urn:strong",
        "amr": (),
        "proven_ns": int(at_s * NS),
        "expires_ns": int((at_s + 300) * NS),
        "action": "read",
        "resource_type": "doc",
        "resource_id": "1",
        "cause": "dec_1",
    }
    return StepUpProof(**{**known, **more})  # type: ignore[arg-type]


ACCESS: dict[str, Any] = {"action": "read", "resource_type": "doc", "resource_id": "1"}


def test_a_proof_holds_for_its_own_access_alone() -> None:
    ledger = SessionLedger()
    ledger.touch(asked())
    assert ledger.prove(proof(2))
    assert ledger.standing(asked(at_s=3, **ACCESS)).proof == proof(2)
    for other in ({"action": "write"}, {"resource_type": "db"}, {"resource_id": "2"}, {"names": ("s2",)}):
        assert ledger.standing(asked(at_s=3, **{**ACCESS, **other})).proof is None
    assert ledger.standing(asked(at_s=3, subject="user:bob", **ACCESS)).proof is None
    assert ledger.standing(asked(at_s=302, **ACCESS)).proof is None, "and not for ever"


def test_a_proof_without_a_session_holds_for_its_subject() -> None:
    ledger = SessionLedger()
    assert ledger.prove(proof(2, session_id=""))
    assert ledger.standing(asked(at_s=3, names=(), **ACCESS)).proof is not None
    assert ledger.standing(asked(at_s=3, names=(), subject="user:bob", **ACCESS)).proof is None


def test_a_proof_is_worth_nothing_after_a_fall_an_end_or_a_revocation() -> None:
    ledger = SessionLedger()
    ledger.touch(asked())
    assert ledger.prove(proof(2))
    ledger.demand_step_up("acme", "s1", at_ns=3 * NS, reason="x")
    assert ledger.standing(asked(at_s=4, **ACCESS)).proof is None
    assert not ledger.prove(proof(3)), "at the very moment of the fall"
    assert not ledger.prove(proof(5, subject="user:bob")), "somebody else's"
    assert ledger.prove(proof(5))
    ledger.revoke_subject("acme", "user:ann", at_ns=6 * NS, reason="x")
    assert not ledger.prove(proof(6))
    assert not ledger.prove(proof(7)), "the session has ended with its subject's rights"


def test_listeners_hear_each_change_once_after_it_is_stored() -> None:
    store = MemorySessionStore()
    ledger = SessionLedger(store)
    heard: list[tuple[ChangeKind, str, int]] = []

    def hear(change: SessionChange) -> None:
        heard.append((change.kind, change.session_id, len(list(store.terminated_sessions()))))

    ledger.listen(hear)
    ledger.touch(asked("s1"))
    ledger.touch(asked("s2"))
    ledger.demand_step_up("acme", "s1", at_ns=2, reason="x")
    assert ledger.terminate("acme", "s1", at_ns=3, reason="x")
    assert not ledger.terminate("acme", "s1", at_ns=4, reason="x")
    ledger.revoke_subject("acme", "user:ann", at_ns=5, reason="x")
    assert heard == [
        (ChangeKind.STEP_UP, "s1", 0),
        (ChangeKind.TERMINATED, "s1", 1),
        (ChangeKind.SUBJECT_REVOKED, "", 2),
        (ChangeKind.TERMINATED, "s2", 2),
    ]


def test_a_listener_that_fails_disturbs_nobody() -> None:
    faults: list[str] = []
    heard: list[str] = []

    def fail(_change: SessionChange) -> None:
        raise RuntimeError

    ledger = SessionLedger(on_fault=lambda reason, _fault: faults.append(reason))
    ledger.listen(fail)
    ledger.listen(lambda change: heard.append(change.session_id))
    assert ledger.terminate("acme", "s1", at_ns=1, reason="x")
    assert (faults, heard) == (["session_listener_failed"], ["s1"])


def test_room_is_made_from_those_unseen_longest_and_never_from_the_fallen() -> None:
    store = MemorySessionStore()
    ledger = SessionLedger(store, SessionSettings(most_sessions=3))
    for number in range(3):
        ledger.touch(asked(f"s{number}", number + 1))
    ledger.demand_step_up("acme", "s0", at_ns=9, reason="x")
    ledger.touch(asked("s1", 10))
    ledger.touch(asked("s3", 11))
    assert {one.session_id for one in ledger.of_tenant("acme")} == {"s0", "s1", "s3"}
    ledger.flush()
    assert {one.session_id for one in store.news(0).living} == {"s0", "s1", "s3"}
    assert ledger.state("acme", "s0") is SessionState.STEP_UP


def test_idle_sessions_are_forgotten_and_fallen_ones_end() -> None:
    ledger = SessionLedger(MemorySessionStore(), SessionSettings(idle_s=60, fallen_idle_s=120))
    ledger.touch(asked("clean", 1))
    ledger.touch(asked("fallen", 1))
    ledger.demand_step_up("acme", "fallen", at_ns=NS, reason="x")
    assert ledger.sweep(100 * NS) == 1
    assert ledger.find("acme", "clean") is None
    assert ledger.state("acme", "fallen") is SessionState.STEP_UP
    assert ledger.sweep(200 * NS) == 1
    assert ledger.state("acme", "fallen") is SessionState.TERMINATED


def test_an_end_that_came_stays_when_the_clock_goes_back() -> None:
    ledger = SessionLedger()
    ledger.touch(asked())
    ledger.reduce("acme", "s1", at_ns=10 * NS, reason="x", lifetime_s=5)
    assert ledger.standing(asked(at_s=14)).state is SessionState.ACTIVE
    assert ledger.standing(asked(at_s=15)).state is SessionState.EXPIRED
    assert ledger.standing(asked(at_s=11)).state is SessionState.TERMINATED


def test_an_asserted_subject_is_refused_for_a_while_after_its_revocation() -> None:
    ledger = SessionLedger(settings=SessionSettings(asserted_hold_s=100))
    ledger.revoke_subject("acme", "user:ann", at_ns=NS, reason="x")
    assert ledger.standing(asked("new", 50)).revoked
    assert not ledger.standing(asked("new", 102)).revoked
    assert not ledger.standing(asked("new", 50, subject="user:bob")).revoked
    assert not ledger.standing(asked("new", 50, tenant="beta")).revoked


def test_a_session_has_one_short_name_for_people() -> None:
    ledger = SessionLedger()
    ledger.touch(asked("user\nann\ns1"))
    handle = handle_of("acme", "user\nann\ns1")
    assert handle == Session("acme", "user\nann\ns1").handle != handle_of("beta", "user\nann\ns1")
    found = ledger.named("acme", handle)
    assert found is not None
    assert found.session_id == "user\nann\ns1"
    assert ledger.named("beta", handle) is None


def test_a_tenant_is_forgotten_whole() -> None:
    ledger = SessionLedger()
    ledger.touch(asked())
    ledger.terminate("acme", "s2", at_ns=1, reason="x")
    ledger.revoke_subject("acme", "user:bob", at_ns=1, reason="x")
    ledger.forget_tenant("acme")
    assert (len(ledger), ledger.over("acme"), ledger.revocation("acme", "user:bob")) == (0, [], None)


def test_an_erased_subject_is_no_longer_named() -> None:
    store = MemorySessionStore()
    ledger = SessionLedger(store)
    ledger.touch(asked("s1"))
    ledger.touch(asked("s2"))
    ledger.terminate("acme", "s2", at_ns=1, reason="x")
    ledger.erase_subject("acme", "user:ann", at_ns=3)
    assert [one.subject for one in ledger.over("acme")] == ["", ""]
    assert [one.subject for one in store.terminated_sessions()] == ["", ""]
    assert ledger.of_subject("acme", "user:ann") == []


def test_what_another_process_does_is_told_here_once() -> None:
    store = MemorySessionStore()
    ours, theirs = SessionLedger(store), SessionLedger(store)
    ours.touch(asked("s1"))
    ours.touch(asked("s2"))
    ours.flush()
    heard: list[tuple[ChangeKind, str, str]] = []
    ours.listen(lambda change: heard.append((change.kind, change.session_id, change.cause)))
    theirs.reload()
    theirs.demand_step_up("acme", "s1", at_ns=2 * NS, reason="x", cause="c1")
    theirs.reduce("acme", "s2", at_ns=2 * NS, reason="x", cause="c2", privileges=("export",))
    ours.reload()
    assert sorted(heard) == [(ChangeKind.REDUCED, "s2", "c2"), (ChangeKind.STEP_UP, "s1", "c1")]
    heard.clear()
    theirs.prove(proof(3))
    theirs.revoke_subject("acme", "user:ann", at_ns=4 * NS, reason="x", cause="c3")
    ours.reload()
    assert sorted(heard) == [
        (ChangeKind.SUBJECT_REVOKED, "", "c3"),
        (ChangeKind.TERMINATED, "s1", "c3"),
        (ChangeKind.TERMINATED, "s2", "c3"),
    ]
    heard.clear()
    ours.reload()
    ours.terminate("acme", "s9", at_ns=5 * NS, reason="x", cause="c4")
    ours.reload()
    assert heard == [(ChangeKind.TERMINATED, "s9", "c4")], "our own writes are not news to us"


class Full(MemorySessionStore):
    """A store whose disk is full for a while."""

    full = False

    def _next(self) -> int:
        if self.full:
            raise UnavailableError("disk_full", "the disk is full")
        return super()._next()


def test_a_fall_that_could_not_be_written_holds_and_is_written_later() -> None:
    store = Full()
    ledger = SessionLedger(store)
    heard: list[ChangeKind] = []
    ledger.listen(lambda change: heard.append(change.kind))
    ledger.touch(asked("s1"))
    ledger.touch(asked("s2"))
    ledger.flush()
    store.full = True
    for fall in (
        lambda: ledger.terminate("acme", "s1", at_ns=2, reason="x"),
        lambda: ledger.demand_step_up("acme", "s2", at_ns=2, reason="x"),
        lambda: ledger.revoke_subject("acme", "user:bob", at_ns=2, reason="x"),
    ):
        with pytest.raises(UnavailableError):
            fall()
    assert ledger.state("acme", "s1") is SessionState.TERMINATED
    assert ledger.state("acme", "s2") is SessionState.STEP_UP
    assert heard == [], "nobody is told of what a crash could undo"
    store.full = False
    ledger.flush()
    assert heard == [ChangeKind.TERMINATED, ChangeKind.STEP_UP, ChangeKind.SUBJECT_REVOKED]
    again = SessionLedger(store)
    assert again.state("acme", "s1") is SessionState.TERMINATED
    assert again.state("acme", "s2") is SessionState.STEP_UP
    assert again.revocation("acme", "user:bob") is not None


def test_a_session_stays_with_every_device_that_it_was_used_on() -> None:
    ledger = SessionLedger()
    ledger.touch(asked(device_id="laptop"))
    ledger.touch(asked(at_s=2, device_id="phone"))
    for device in ("laptop", "phone"):
        assert [one.session_id for one in ledger.of_device("acme", device)] == ["s1"]
    assert ledger.of_device("acme", "") == ledger.of_device("beta", "laptop") == []


def test_a_flush_that_fails_forgets_no_touch() -> None:
    store = Full()
    ledger = SessionLedger(store)
    ledger.touch(asked("s1"))
    store.full = True
    with pytest.raises(UnavailableError):
        ledger.flush()
    ledger.touch(asked("s2"))
    store.full = False
    ledger.flush()
    assert {one.session_id for one in store.news(0).living} == {"s1", "s2"}
