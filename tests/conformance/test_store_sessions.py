"""Every store of sessions keeps the same promises: SQLite on disk, and the public fake in memory."""

from collections.abc import Iterator

import pytest
from stores import SHARED, Stores

from ostiary.sessions import (
    Session,
    SessionLedger,
    SessionState,
    SessionStore,
    StepUpProof,
    SubjectRevocation,
    TerminatedSession,
)
from ostiary.testing.session_store import MemorySessionStore

PROOF = StepUpProof("acme", "user:ann", "s1", "urn:strong", ("hwk",), 10, 99, "read", "doc", "1", "dec_1")


@pytest.fixture(params=SHARED)
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[SessionStore]:
    if request.param == "memory":
        yield MemorySessionStore()
        return
    yield stores(request.param).sessions


def test_news_tell_what_is_new_and_nothing_twice(store: SessionStore) -> None:
    first = store.news(0)
    store.save_sessions((Session("acme", "s1", "user:ann"), Session("acme", "s2", "user:ann")))
    store.save_revocation(SubjectRevocation("acme", "user:ann", 5, "compromise", "sig_1"))
    store.save_proof(PROOF)
    news = store.news(first.mark)
    assert [one.session_id for one in news.living] == ["s1", "s2"]
    assert news.revocations == (SubjectRevocation("acme", "user:ann", 5, "compromise", "sig_1"),)
    assert news.proofs == (PROOF,)
    store.save_terminated(TerminatedSession("acme", "s1", 7, "risk", "user:ann", "dec_2"))
    later = store.news(news.mark)
    assert (later.living, later.revocations, later.proofs) == ((), (), ())
    assert later.ended == (TerminatedSession("acme", "s1", 7, "risk", "user:ann", "dec_2"),)
    assert store.news(later.mark).ended == ()
    assert [one.session_id for one in store.news(0).living] == ["s2"], "what ended does not live"


def test_the_first_end_and_the_latest_revocation_are_kept(store: SessionStore) -> None:
    for at_ns in (5, 9):
        store.save_terminated(TerminatedSession("acme", "s1", at_ns, f"at {at_ns}"))
    for before_ns in (5, 9, 7):
        store.save_revocation(SubjectRevocation("acme", "user:ann", before_ns, "compromise"))
    news = store.news(0)
    assert [(one.ended_ns, one.reason) for one in news.ended] == [(5, "at 5")]
    assert [one.before_ns for one in news.revocations] == [9]


def test_dropped_sessions_and_expired_proofs_are_gone(store: SessionStore) -> None:
    store.save_sessions((Session("acme", "s1"), Session("beta", "s1")))
    store.save_proof(PROOF)
    store.drop_sessions((("acme", "s1"),))
    store.drop_proofs(98)
    assert [one.tenant for one in store.news(0).living] == ["beta"]
    assert store.news(0).proofs == (PROOF,)
    store.drop_proofs(99)
    assert store.news(0).proofs == ()


def test_an_erased_subject_leaves_only_bare_ends(store: SessionStore) -> None:
    store.save_sessions((Session("acme", "s1", "user:ann"), Session("acme", "s2", "user:bob")))
    store.save_terminated(TerminatedSession("acme", "s0", 1, "risk", "user:ann"))
    store.save_proof(PROOF)
    store.erase_subject("acme", "user:ann")
    news = store.news(0)
    assert [one.subject for one in news.living] == ["user:bob"]
    assert [(one.session_id, one.subject) for one in news.ended] == [("s0", "")]
    assert news.proofs == ()


def test_a_ledger_comes_back_as_it_was(store: SessionStore) -> None:
    ledger = SessionLedger(store)
    ledger.demand_step_up("acme", "s1", at_ns=5, reason="risk", acr_values=("urn:strong",))
    ledger.reduce("acme", "s2", at_ns=5, reason="risk", privileges=("export",), lifetime_s=60)
    ledger.terminate("acme", "s3", at_ns=5, reason="risk")
    ledger.revoke_subject("acme", "user:bob", at_ns=6, reason="compromise")
    again = SessionLedger(store)
    assert again.state("acme", "s1") is SessionState.STEP_UP
    assert again.find("acme", "s2") == ledger.find("acme", "s2")
    assert again.state("acme", "s3") is SessionState.TERMINATED
    assert again.revocation("acme", "user:bob") == ledger.revocation("acme", "user:bob")
    assert again.state("beta", "s3") is SessionState.ACTIVE
