"""The scorer of sessions that a server holds: by tenant, safe for threads, never raising, kept over a restart."""

import math
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from ostiary.errors import FaultyInputError
from ostiary.risk.calibration import Calibration
from ostiary.risk.groups import EVERYBODY
from ostiary.risk.model import RiskModel, Wing
from ostiary.risk.schema import Scaling, Thresholds
from ostiary.risk.session_columns import NAMES as SO_FAR
from ostiary.risk.session_forest import SessionForest, SessionSchema, parse_session_schema
from ostiary.risk.session_scorer import SessionMemories, SessionMemory
from ostiary.risk.session_so_far import SessionsSoFar
from ostiary.risk.trail import NAMES as TRAIL
from ostiary.sessions.facts import facts_of
from ostiary.sessions.session import Session
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import NAMES
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import SessionFacts
from ostiary.vocabulary.scoring import RiskScore, SessionScorer, unavailable

NS = 10**9
START_S = 1_772_438_400
ROW = [0.0] * len(NAMES)
STRAIGHT = Calibration([-1.0, 1.0], [-1.0, 1.0])
LEVELS = Thresholds(medium=0.6, high=0.9)


class Trees:
    """A forest that looks at one column."""

    def __init__(self, column: str, *, so_far: bool = True) -> None:
        self._names = (*TRAIL, *SO_FAR) if so_far else TRAIL
        self._place = self._names.index(column)

    def margin(self, row: Sequence[float]) -> float:
        assert len(row) == len(self._names)
        return row[self._place]

    def contributions(self, row: Sequence[float]) -> list[float]:
        return [value if place == self._place else 0.0 for place, value in enumerate(row)]


def model(column: str = "so_far_network_changes", digest: str = "sha256:one", *, so_far: bool = True) -> RiskModel:
    trees: Any = Trees(column, so_far=so_far)
    forest = SessionForest(trees, trees, (), Scaling(STRAIGHT, LEVELS, LEVELS, STRAIGHT), so_far=so_far)
    nothing: Any = None
    return RiskModel({EVERYBODY: Wing(nothing, forest)}, digest)


def access(second: int, ip: str = "8.8.8.8", who: str = "ann", tenant: str = "default", **more: Any) -> AccessEvent:
    told = {"session_id": "s", "ip": ip} | more
    return AccessEvent(f"e{second}", tenant, (START_S + second) * NS, who, "read", "db", "orders", **told)


class Stream:
    """Feeds a scorer as a server would."""

    def __init__(self, scorer: SessionScorer) -> None:
        self.scorer, self.book = scorer, ProfileBook("default")

    def __call__(self, event: AccessEvent, score: float = 0.001) -> RiskScore:
        known = RiskScore(available=True, score=score, level="low", model="sha256:one")
        answer = self.scorer.observe(event, self.book.view(event), ROW, known)
        self.book.learn(event)
        return answer


def test_a_change_within_the_session_raises_its_risk_and_is_the_reason() -> None:
    stream = Stream(SessionMemory("default", model()))
    quiet, moved = stream(access(0)), stream(access(60, ip="9.9.9.9"))
    assert quiet.score is not None
    assert moved.score is not None
    assert moved.score > quiet.score
    assert moved.level == "medium"
    assert [reason.text for reason in moved.contributions] == ["in this session: changes of network within the session"]


def test_other_sessions_and_subjects_are_not_mixed() -> None:
    stream = Stream(SessionMemory("default", model()))
    stream(access(0))
    other = stream(access(1, ip="9.9.9.9", session_id="other"))
    bob = stream(access(2, ip="7.7.7.7", who="bob"))
    assert other.level == bob.level == "low"


def test_a_restart_forgets_nothing() -> None:
    one = SessionMemory("default", model())
    stream = Stream(one)
    stream(access(0))
    stream(access(60, ip="9.9.9.9", session=SessionFacts(age_s=60.0, key="k", proofs=1, proven_age_s=1.0)))
    two = SessionMemory("default", model())
    two.restore(one.snapshot())
    after = Stream(two)
    after.book = stream.book
    event = access(120, ip="9.9.9.9")
    history = stream.book.view(event)
    known = RiskScore(available=True, score=0.3, level="low")
    assert one.observe(event, history, ROW, known) == two.observe(event, history, ROW, known)
    assert one.snapshot() == two.snapshot()


def test_a_snapshot_keeps_those_seen_last() -> None:
    memory = SessionMemory("default", model())
    stream = Stream(memory)
    for number, who in enumerate(["ann", "bob", "eve"]):
        stream(access(number, who=who))
    fresh = SessionMemory("default", model())
    fresh.restore(memory.snapshot(most=2))
    assert [name for name, _ in fresh._risk.so_far.kept(9)] == ["user:bob", "user:eve"]
    assert [name for name, _ in fresh._risk.trails.kept(9)] == ["user:bob", "user:eve"]


def torn(change: Any) -> bytes:
    memory = SessionMemory("default", model())
    stream = Stream(memory)
    stream(access(0))
    kept: list[Any] = msgspec.msgpack.decode(memory.snapshot())
    change(kept)
    return msgspec.msgpack.encode(kept)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        torn(lambda kept: kept.__setitem__(0, 2)),
        torn(lambda kept: kept.__setitem__(1, "other")),
        torn(lambda kept: kept.pop()),
        torn(lambda kept: kept[3][0][1][0]["s"][7].append(1)),
        torn(lambda kept: kept[3][0][1].__setitem__(3, -1.0)),
        torn(lambda kept: kept[2][0][1][2].pop()),
        b"\x91" * 10_000,
    ],
)
def test_a_snapshot_that_does_not_hold_together_is_refused_and_changes_nothing(data: bytes) -> None:
    memory = SessionMemory("default", model())
    stream = Stream(memory)
    stream(access(0))
    before = memory.snapshot()
    with pytest.raises(FaultyInputError) as caught:
        memory.restore(data)
    assert caught.value.code == "session_memory_malformed"
    assert memory.snapshot() == before


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -1.0, 7.0])
def test_a_score_that_is_no_probability_is_none(score: float) -> None:
    stream = Stream(SessionMemory("default", model()))
    assert not stream(access(0), score=score).available


def test_an_access_without_a_score_still_shows_in_its_session() -> None:
    memory = SessionMemory("default", model())
    stream = Stream(memory)
    stream(access(0))
    hidden = access(30, ip="9.9.9.9")
    assert not memory.observe(hidden, stream.book.view(hidden), ROW, unavailable("risk_late")).available
    assert stream(access(60, ip="9.9.9.9")).level == "medium"


def test_what_a_forest_throws_is_told_and_never_raised() -> None:
    told: list[Exception] = []
    memory = SessionMemory("default", model("trail_llr", so_far=False), told.append)
    stream = Stream(memory)
    assert stream(access(0)).available
    memory._risk._forest = _broken
    assert not stream(access(1)).available
    assert len(told) == 1


def _broken(event: AccessEvent) -> SessionForest:
    raise OverflowError(event.event_id)


def test_history_of_another_make_and_events_of_another_tenant_are_not_judged() -> None:
    memory = SessionMemory("default", model())
    known = RiskScore(available=True, score=0.1, level="low")
    event = access(0)
    assert not memory.observe(event, object(), ROW, known).available
    book = ProfileBook("default")
    assert not memory.observe(access(0, tenant="other"), book.view(event), ROW, known).available
    assert memory.snapshot() == SessionMemory("default", model()).snapshot()


def test_tenants_have_memories_of_their_own_and_a_new_model_keeps_them() -> None:
    models = {"default": model(), "acme": model(digest="sha256:two")}
    memories = SessionMemories(models.get)
    assert memories.scorer("nobody") is None
    one, two = memories.scorer("default"), memories.scorer("acme")
    assert one is not None
    assert two is not None
    assert (one.digest, two.digest) == ("sha256:one", "sha256:two")
    Stream(one)(access(0))
    models["default"] = model(digest="sha256:three")
    again = memories.scorer("default")
    assert again is one
    assert again.digest == "sha256:three"
    assert len(again._risk.trails) == 1
    assert len(two._risk.trails) == 0
    memories.forget("default", "user:ann")
    memories.forget("nobody", "user:ann")
    assert len(one._risk.trails) == len(one._risk.so_far) == 0
    memories.forget_tenant("acme")
    assert memories.tenants() == ("default",)


def test_memories_are_bounded() -> None:
    memories = SessionMemories(lambda _tenant: model(), most=2)
    for tenant in ("a", "b", "a", "c"):
        memories.scorer(tenant)
    assert memories.tenants() == ("a", "c")


def test_many_threads_may_judge_at_once() -> None:
    memory = SessionMemory("default", model())
    faults: list[Exception] = []
    memory._on_error = faults.append

    def work(who: str) -> None:
        stream = Stream(memory)
        for second in range(120):
            stream(access(second, who=who))
            if second % 40 == 0:
                memory.snapshot()
                memory.forget("user:nobody")

    threads = [threading.Thread(target=work, args=(f"u{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert {sessions.live["s"].accesses for _, sessions in memory._risk.so_far.kept(9)} == {120}


def test_a_model_from_before_the_session_so_far_still_judges() -> None:
    stream = Stream(SessionMemory("default", model("trail_llr", so_far=False)))
    assert stream(access(0), score=0.5).level == "high"
    old = parse_session_schema(b'{"trail":%s,"features":[]}' % msgspec.json.encode(TRAIL))
    assert old.names == TRAIL
    with pytest.raises(FaultyInputError):
        parse_session_schema(msgspec.json.encode(SessionSchema(TRAIL, (), SO_FAR[1:])))


def column(row: Sequence[float], name: str) -> float:
    return row[SO_FAR.index(f"so_far_{name}")]


def test_a_step_up_is_seen_even_when_the_ledger_tells_only_when() -> None:
    so_far, book = SessionsSoFar(), ProfileBook("default")

    def look(second: int, ip: str = "8.8.8.8", **facts: Any) -> list[float]:
        event = access(second, ip=ip, session=SessionFacts(age_s=float(second), key="k", **facts))
        return so_far.observe(event, book.view(event), 4.0 if second == 60 else -1.0)

    look(0, step_up_open=False)
    moved = look(60, ip="9.9.9.9", step_up_open=False)
    waiting = [look(second, ip="9.9.9.9", step_up_open=True) for second in (70, 80)][-1]
    proven = look(100, ip="9.9.9.9", step_up_open=False, proven_age_s=5.0)
    later = look(400, ip="9.9.9.9", step_up_open=False, proven_age_s=305.0)
    again = look(500, ip="9.9.9.9", step_up_open=False, proven_age_s=1.0)
    assert column(moved, "changes_since_proof") == column(moved, "network_changes") > 0
    assert column(waiting, "step_ups_ignored") == pytest.approx(math.log1p(2))
    assert column(waiting, "step_ups") == pytest.approx(math.log1p(1))
    assert column(proven, "step_ups_ignored") == column(proven, "changes_since_proof") == 0
    assert column(proven, "risk_since_proof") == -1.0 < column(proven, "risk_worst") == 4.0
    assert [column(row, "proofs") for row in (proven, later, again)] == [math.log1p(n) for n in (1, 1, 2)]
    assert column(again, "network_changes") > 0, "what changed stays changed"


def test_what_the_ledger_knows_is_told() -> None:
    session = Session("default", "s", started_ns=NS, proven_ns=3 * NS, step_up_ns=2 * NS)
    assert facts_of(session, "k", 11 * NS) == SessionFacts(age_s=10.0, key="k", step_up_open=False, proven_age_s=8.0)
    assert facts_of(None, "k", 0) == SessionFacts(key="k")
    assert facts_of(None, None, 0) is None
