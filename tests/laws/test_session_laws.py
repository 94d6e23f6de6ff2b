"""What holds for every session, whatever happens to it, in whatever order, with whatever clocks.

A revoked, reduced or expired session is never honoured by a decision afterwards: under interleavings, restarts in the
middle, and clocks that are a minute off.
"""

import threading
from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ostiary.sessions import Asked, Session, SessionLedger, SessionState, StepUpProof, rules
from ostiary.testing.session_store import MemorySessionStore

NS = 1_000_000_000
SKEW_S = 60
STRONG = "urn:ostiary:acr:phishing-resistant"
moments = st.integers(1, 200)
privileges = st.lists(st.sampled_from(["export", "delete", "admin"]), max_size=3).map(tuple)


def proof_at(at_ns: int, acr: str = STRONG) -> StepUpProof:
    return StepUpProof("acme", "user:ann", "s1", acr, (), at_ns, at_ns + 300, "read", "doc", "1", "dec_1")


falls = st.one_of(
    st.tuples(st.just("reduced"), moments, privileges, st.integers(0, 300)),
    st.tuples(st.just("demanded"), moments, st.sampled_from([(), (STRONG,), ("urn:weak", STRONG)])),
    st.tuples(st.just("ended"), moments),
)
changes = st.one_of(falls, st.tuples(st.just("proven"), moments, st.sampled_from([STRONG, "urn:weak"])))


def changed(session: Session, change: Any) -> Session:
    name, at_ns, *more = change
    if name == "reduced":
        return rules.reduced(session, at_ns, more[0], more[1], "x")
    if name == "demanded":
        return rules.demanded(session, at_ns, more[0], "x")
    if name == "ended":
        return rules.ended(session, at_ns, "x")
    return rules.proven(session, proof_at(at_ns, more[0]))


def held_down(session: Session) -> tuple[Any, ...]:
    """Return how far down a session is; a larger tuple in every part is lower."""
    end = -session.expires_ns if session.is_reduced and session.expires_ns else -(10**12)
    dropped = frozenset(session.dropped) if session.is_reduced else frozenset[str]()
    return bool(session.ended_ns), session.demands_step_up, session.is_reduced, dropped, end


def no_milder(after: Session, before: Session) -> bool:
    return all(a >= b for a, b in zip(held_down(after), held_down(before), strict=True))


@given(st.lists(changes, max_size=12), falls)
def test_a_fall_never_makes_a_session_milder(history: list[Any], fall: Any) -> None:
    session = Session("acme", "s1")
    for change in history:
        session = changed(session, change)
    assert no_milder(changed(session, fall), session)


@given(st.lists(changes, max_size=12), moments, st.sampled_from([STRONG, "urn:weak"]))
def test_only_a_later_and_strong_enough_proof_raises_and_never_what_ended(
    history: list[Any], at_ns: int, acr: str
) -> None:
    session = Session("acme", "s1")
    for change in history:
        session = changed(session, change)
    after = rules.proven(session, proof_at(at_ns, acr))
    if after != session:
        assert not session.state(at_ns).over
        assert at_ns > max(session.step_up_ns, session.reduced_ns)
        assert not session.demands_step_up or not session.acr_values or acr in session.acr_values


@given(st.lists(changes, max_size=10), st.lists(changes, max_size=10), st.lists(changes, max_size=10))
def test_two_versions_join_to_the_lower_whichever_comes_first(
    common: list[Any], mine: list[Any], theirs: list[Any]
) -> None:
    start = Session("acme", "s1")
    for change in common:
        start = changed(start, change)
    one, other = start, start
    for change in mine:
        one = changed(one, change)
    for change in theirs:
        other = changed(other, change)
    joined = rules.joined(one, other)
    assert joined == rules.joined(other, one)
    assert rules.joined(joined, joined) == joined
    assert joined.ended_ns == min((end for end in (one.ended_ns, other.ended_ns) if end), default=0)
    latest = max(one.proven_ns, other.proven_ns)
    for version in (one, other):
        if version.demands_step_up and version.step_up_ns >= latest:
            assert joined.demands_step_up
        if version.is_reduced and version.reduced_ns >= latest:
            assert joined.is_reduced
            assert set(version.dropped) <= set(joined.dropped)
            assert not version.expires_ns or 0 < joined.expires_ns <= version.expires_ns


class Interleavings(RuleBasedStateMachine):
    """Any order of accesses, falls, proofs, restarts and clock jumps, beside the simplest possible book."""

    @initialize()
    def open(self) -> None:
        self.store = MemorySessionStore()
        self.ledger = SessionLedger(self.store)
        self.true_ns = 1_000 * NS
        self.skew_ns = 0
        self.over: set[str] = set()
        self.demands: dict[str, int] = {}
        self.revoked_true_ns = 0

    def now(self) -> int:
        """Our clock, which may be a minute off."""
        return self.true_ns + self.skew_ns

    @rule(seconds=st.integers(0, 400))
    def time_passes(self, seconds: int) -> None:
        self.true_ns += seconds * NS

    @rule(seconds=st.integers(-SKEW_S // 2, SKEW_S // 2))
    def the_clock_jumps(self, seconds: int) -> None:
        self.skew_ns = seconds * NS

    @rule(name=st.sampled_from(["s1", "s2"]))
    def an_access(self, name: str) -> None:
        asked = self.asked(name, self.true_ns)
        if not self.honoured(asked):
            return
        self.ledger.touch(asked)

    @rule(name=st.sampled_from(["s1", "s2"]))
    def it_ends(self, name: str) -> None:
        self.ledger.terminate("acme", name, at_ns=self.now(), reason="x")
        self.over.add(name)

    @rule(name=st.sampled_from(["s1", "s2"]), lifetime_s=st.integers(0, 100))
    def it_is_reduced(self, name: str, lifetime_s: int) -> None:
        self.ledger.reduce("acme", name, at_ns=self.now(), reason="x", privileges=("export",), lifetime_s=lifetime_s)

    @rule(name=st.sampled_from(["s1", "s2"]))
    def it_must_step_up(self, name: str) -> None:
        if name in self.over or self.ledger.state("acme", name, self.now()).over:
            return
        self.ledger.demand_step_up("acme", name, at_ns=self.now(), reason="x")
        self.demands[name] = self.now()

    @rule(name=st.sampled_from(["s1", "s2"]))
    def its_user_proves_it(self, name: str) -> None:
        proof = msgspec.structs.replace(proof_at(self.now()), session_id=name, expires_ns=self.now() + 300 * NS)
        if self.ledger.prove(proof):
            assert name not in self.over
            self.demands.pop(name, None)

    @rule()
    def the_subject_is_revoked(self) -> None:
        self.ledger.revoke_subject("acme", "user:ann", at_ns=self.now(), reason="x")
        self.revoked_true_ns = self.true_ns
        self.over |= {one.session_id for one in self.store.terminated_sessions()}

    @rule()
    def touches_are_written(self) -> None:
        self.ledger.flush()

    @rule()
    def idle_ones_are_swept(self) -> None:
        self.ledger.sweep(self.now())
        self.over |= {one.session_id for one in self.store.terminated_sessions()}

    @rule()
    def the_process_dies_and_comes_back(self) -> None:
        self.ledger = SessionLedger(self.store)

    @rule()
    def another_process_writes(self) -> None:
        other = SessionLedger(self.store)
        other.terminate("acme", "s2", at_ns=self.now(), reason="x")
        self.over.add("s2")
        self.ledger.reload()

    def asked(self, name: str, issued_true_ns: int, issuer_skew_ns: int = 0) -> Asked:
        issued = issued_true_ns + issuer_skew_ns
        return Asked("acme", (name,), "user:ann", self.now(), "read", "doc", "1", issued, None)

    def honoured(self, asked: Asked) -> bool:
        standing = self.ledger.standing(asked)
        return not standing.state.over and not standing.revoked and standing.state is not SessionState.STEP_UP

    @invariant()
    def what_is_over_is_never_honoured(self) -> None:
        if not hasattr(self, "over"):
            return
        for name in self.over:
            assert not self.honoured(self.asked(name, self.true_ns))

    @invariant()
    def what_must_step_up_is_not_honoured_before(self) -> None:
        for name in getattr(self, "demands", {}):
            assert not self.honoured(self.asked(name, self.true_ns))

    @invariant()
    def tokens_from_before_a_revocation_are_never_honoured(self) -> None:
        # Our clock may have been half a minute off when it noted the revocation, the issuer's as much the other way.
        if getattr(self, "revoked_true_ns", 0):
            for issuer_skew_s in (-30, 0, 30):
                fresh = self.asked("s-new", self.revoked_true_ns, issuer_skew_s * NS)
                assert not self.honoured(fresh)

    @invariant()
    def what_once_expired_stays_expired(self) -> None:
        if not hasattr(self, "over"):
            return
        for name in ("s1", "s2"):
            if self.ledger.standing(self.asked(name, self.true_ns)).state.over:
                self.over.add(name)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


class Crowd:
    """Threads that use sessions while others end them; notes what was honoured after its end."""

    def __init__(self) -> None:
        self.ledger = SessionLedger(MemorySessionStore())
        self.names = [f"s{number}" for number in range(60)]
        self.ended: set[str] = set()
        self.wrong: list[str] = []
        self.stop = threading.Event()

    def use(self) -> None:
        while not self.stop.is_set():
            for name in self.names:
                over_before = name in self.ended
                asked = Asked("acme", (name,), "user:ann", 5, issued_ns=5)
                if not self.ledger.standing(asked).state.over:
                    self.ledger.touch(asked)
                    self.wrong += [name] * over_before

    def end(self, part: int) -> None:
        for name in self.names[part::2]:
            self.ledger.terminate("acme", name, at_ns=9, reason="x")
            self.ended.add(name)


def test_many_threads_see_no_honoured_session_after_its_end() -> None:
    crowd = Crowd()
    users = [threading.Thread(target=crowd.use) for _ in range(3)]
    enders = [threading.Thread(target=crowd.end, args=(part,)) for part in range(2)]
    for thread in (*users, *enders):
        thread.start()
    for thread in enders:
        thread.join()
    crowd.stop.set()
    for thread in users:
        thread.join()
    assert not crowd.wrong
    assert len(crowd.ledger) == 0, "no touch brought one back"
