"""Laws of the session so far: worse is never told as better, silence is no way down, replay is life, no faults."""

import math
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.risk.session_columns import NAMES, RISING
from ostiary.risk.session_so_far import MOST_SESSIONS, SessionsSoFar
from ostiary.risk.session_state import MOST_SEEN, MOST_THINGS
from ostiary.signals.book import ProfileBook
from ostiary.signals.history import History
from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome
from ostiary.vocabulary.facts import BehaviourFacts, PostureFacts, SessionFacts

NS = 10**9
START_S = 1_772_438_400
SOUND = PostureFacts(
    attested=True, report_age_s=60.0, patch_age_s=86_400.0, disk_encrypted=True, edr_alive=True, firewall=True,
    screen_lock=True, secure_boot=True, rooted=False,
)  # fmt: skip
FACTS = SessionFacts(age_s=60.0, key="k1", step_ups=0, step_ups_failed=0, step_up_open=False, proofs=0)
SAFE = AccessEvent(
    "e", "default", START_S * NS, "ann", "read", "db", "orders", action_class=ActionClass.READ, sensitivity=1,
    outcome=EventOutcome.SUCCESS, session_id="s", ip="8.8.8.8", country="US", device_id="d", device_managed=True,
    user_agent="Firefox/140.0", ua_family="Firefox", ua_os="Linux", tz_offset_min=0, count=1.0, bytes=10,
    posture=SOUND, behaviour=BehaviourFacts(llr=-1.0, confidence=0.9, liveness=0.99), session=FACTS,
)  # fmt: skip

odd = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([1e308, -1e308, 2.0**70])
flags = st.none() | st.booleans()
maybe = st.none() | odd


def facts(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    by_type = {
        "float": odd,
        "int": st.integers(-3, 2**70),
        "bool": st.booleans(),
        "str": st.sampled_from(["", "a", "ü"]),
    }
    fields = {
        field.name: st.none() | next(made for name, made in by_type.items() if name in str(field.type))
        for field in msgspec.structs.fields(kind)
    }
    return st.none() | st.builds(kind, **fields)


events = st.builds(
    lambda gap, **told: (gap, told),
    gap=st.integers(-100, 90_000),
    subject_id=st.sampled_from(["ann", "bob"]),
    session_id=st.none() | st.sampled_from(["s1", "s2"]),
    resource_id=st.sampled_from(["a", "b/c", "", "ü" * 30]),
    action_class=st.sampled_from(ActionClass),
    outcome=st.sampled_from(EventOutcome),
    sensitivity=st.none() | st.integers(-5, 99),
    ip=st.none() | st.sampled_from(["8.8.8.8", "10.0.0.1", "nonsense"]),
    country=st.none() | st.sampled_from(["US", "BR"]),
    device_id=st.none() | st.sampled_from(["d1", "d2", ""]),
    device_managed=flags,
    user_agent=st.none() | st.sampled_from(["curl/8", ""]),
    count=maybe,
    bytes=st.none() | st.integers(-5, 2**1100),
    posture=facts(PostureFacts),
    behaviour=facts(BehaviourFacts),
    session=facts(SessionFacts),
)
streams = st.lists(events, max_size=12)
risks = st.floats(allow_nan=True, allow_infinity=True)


def played(drawn: list[tuple[int, dict[str, Any]]]) -> list[tuple[AccessEvent, History]]:
    book, now, found = ProfileBook("default"), START_S, []
    for number, (gap, told) in enumerate(drawn):
        now += gap
        event = AccessEvent(f"e{number}", "default", now * NS, **{"action": "read", "resource_type": "db", **told})
        calm = msgspec.structs.replace(
            event, count=None, bytes=None
        )  # what the profiles do with those is their own law
        found.append((event, book.view(calm)))
        book.learn(calm)
    return found


@given(streams, st.lists(risks, min_size=12, max_size=12))
@settings(max_examples=30, deadline=None)
def test_odd_values_never_raise_and_the_same_stream_gives_the_same_rows(
    drawn: list[tuple[int, dict[str, Any]]], llrs: list[float]
) -> None:
    live, replayed = SessionsSoFar(), SessionsSoFar()
    stream = played(drawn)
    rows = [live.observe(event, history, llr) for (event, history), llr in zip(stream, llrs, strict=False)]
    again = [replayed.observe(event, history, llr) for (event, history), llr in zip(stream, llrs, strict=False)]
    assert str(rows) == str(again)
    for row in rows:
        assert len(row) == len(NAMES)
        assert not any(math.isinf(value) for value in row)


@given(streams)
@settings(max_examples=20, deadline=None)
def test_nobody_elses_accesses_change_a_session(drawn: list[tuple[int, dict[str, Any]]]) -> None:
    alone, beside = SessionsSoFar(), SessionsSoFar()
    for event, history in played(drawn):
        row = beside.observe(event, history, 0.0)
        if event.subject_id == "ann":
            assert str(row) == str(alone.observe(event, history, 0.0))


def before(count: int = 4) -> tuple[SessionsSoFar, ProfileBook]:
    so_far, book = SessionsSoFar(), ProfileBook("default")
    for number in range(count):
        event = msgspec.structs.replace(SAFE, event_id=f"b{number}", time_ns=(START_S + 60 * number) * NS)
        so_far.learn(event, book.view(event), -1.0)
        book.learn(event)
    return so_far, book


def then(*after: AccessEvent, llr: float = -1.0) -> list[float]:
    """Return the row after a quiet session that goes on with these accesses."""
    so_far, book = before()
    row: list[float] = []
    for number, event in enumerate(after):
        at = msgspec.structs.replace(event, time_ns=(START_S + 300 + 60 * number) * NS)
        row = so_far.observe(at, book.view(at), llr)
    return row


def assert_no_better(worse: list[float], than: list[float]) -> None:
    for name, rising, bad, good in zip(NAMES, RISING, worse, than, strict=True):
        assert not rising or bad >= good or (math.isnan(bad) and math.isnan(good)), name


QUIET = then(SAFE, SAFE)
changes = {
    "outcome": st.sampled_from([EventOutcome.DENIED, EventOutcome.FAILURE]),
    "count": st.floats(1.0, 1e12),
    "bytes": st.integers(10, 2**60),
    "sensitivity": st.integers(1, 9),
    "action_class": st.sampled_from([ActionClass.EXPORT, ActionClass.ADMIN]),
    "country": st.sampled_from(["BR", "NZ"]),
    "device_id": st.sampled_from(["other", "third"]),
    "ua_family": st.just("curl"),
    "device_managed": st.sampled_from([False]),
    "posture": st.builds(
        lambda **bad: msgspec.structs.replace(SOUND, **bad),
        edr_alive=st.booleans(),
        firewall=st.booleans(),
        rooted=st.booleans(),
        attested=st.booleans(),
        patch_age_s=st.floats(86_400.0, 1e9),
        report_age_s=st.floats(60.0, 1e9),
    ),
    "behaviour": st.builds(
        BehaviourFacts, llr=st.floats(-1.0, 1e9), confidence=st.just(0.9), liveness=st.floats(0.0, 0.99)
    ),
    "session": st.builds(
        lambda **bad: msgspec.structs.replace(FACTS, **bad),
        key=st.sampled_from(["k1", "k2"]),
        step_ups_failed=st.integers(0, 9),
        step_up_open=st.booleans(),
    ),
}


@given(st.fixed_dictionaries({}, optional=changes), st.fixed_dictionaries({}, optional=changes))
@settings(max_examples=60, deadline=None)
def test_what_is_worse_is_never_told_as_better(one: dict[str, Any], two: dict[str, Any]) -> None:
    worse = then(msgspec.structs.replace(SAFE, **one), msgspec.structs.replace(SAFE, **two))
    assert_no_better(worse, QUIET)


@given(
    st.sets(
        st.sampled_from(["posture", "behaviour", "session", "device_id", "device_managed", "country", "user_agent"])
    )
)
@settings(max_examples=30, deadline=None)
def test_silence_is_no_way_down(hidden: set[str]) -> None:
    """An access that hides what the session told before counts as what was told last, and as silent."""
    extra = {"ua_family": None, "ua_os": None} if "user_agent" in hidden else {}
    silent = then(SAFE, msgspec.structs.replace(SAFE, **dict.fromkeys(hidden), **extra))
    assert_no_better(silent, QUIET)
    heard = hidden & {"posture", "behaviour", "session", "device_id", "user_agent"}
    assert silent[NAMES.index("so_far_silenced")] == len(heard)


@given(st.floats(-5, 20), st.floats(0, 20))
@settings(max_examples=30, deadline=None)
def test_a_riskier_access_is_never_told_as_better(llr: float, more: float) -> None:
    assert_no_better(then(SAFE, llr=llr + more), then(SAFE, llr=llr))


def test_a_session_is_bounded_however_much_it_does() -> None:
    so_far, book = SessionsSoFar(), ProfileBook("default")
    for number in range(400):
        event = msgspec.structs.replace(
            SAFE, event_id=f"b{number}", time_ns=(START_S + number) * NS, resource_id=f"r{number}",
            ip=f"8.8.{number % 256}.{number // 256}", device_id=f"d{number}", session_id=f"s{number % 40}",
        )  # fmt: skip
        so_far.learn(event, book.view(event), 0.0)
    (_, sessions), *others = so_far.kept(10)
    assert not others
    assert len(sessions.live) <= MOST_SESSIONS
    for one in sessions.live.values():
        assert len(one.resources) <= MOST_THINGS
        assert all(len(seen) <= MOST_SEEN for seen in one.known)
