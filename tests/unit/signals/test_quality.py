"""The quality of events: judged in the order of telling; a good source hides no bad one; memory is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.signals import quality
from ostiary.signals.quality import FIELDS, NEEDED, OTHERS, Quality, Rules
from ostiary.vocabulary.events import AccessEvent, EventOutcome

HOUR_NS = 3_600_000_000_000


def event(number: int, at_ns: int, source: str = "a", ip: str | None = "203.0.113.9") -> AccessEvent:
    return AccessEvent(
        f"e{number}", "t", at_ns, "ann", "read", "doc", "1", outcome=EventOutcome.SUCCESS, ip=ip, source=source
    )


def judged(*events: AccessEvent, now_ns: int = 1 << 60) -> dict[str, bool]:
    found = Quality(Rules(events=1, days=0), {("user", "ann")}, {("doc", "1")})
    for one in events:
        found.take(one, now_ns)
    return {one.name: one.passed for one in found.report().criteria}


def test_all_is_well() -> None:
    assert all(judged(event(1, HOUR_NS), event(2, 2 * HOUR_NS)).values())


def test_one_blind_source_is_not_hidden_by_a_good_one() -> None:
    many = [event(number, number * HOUR_NS) for number in range(100)]
    assert not judged(*many, event(200, HOUR_NS, "blind", ip=None))["complete_origin"]


def test_events_that_come_late_are_counted_in_the_order_in_which_they_were_told() -> None:
    assert not judged(event(1, 10 * HOUR_NS), event(2, HOUR_NS))["clock_order"]


def test_a_clock_that_runs_ahead_is_told() -> None:
    assert not judged(event(1, 10 * HOUR_NS), now_ns=HOUR_NS)["clock_ahead"]


def test_two_sources_may_use_one_id() -> None:
    assert judged(event(1, HOUR_NS), event(1, HOUR_NS, "b"))["duplicates"]
    assert not judged(event(1, HOUR_NS), event(1, HOUR_NS))["duplicates"]


def test_memory_is_bounded_whatever_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_SOURCES", "MAX_IDS", "MAX_NAMES"):
        monkeypatch.setattr(quality, name, 3)
    found = Quality(Rules(), (), ())
    for number in range(50):
        found.take(event(number, number, f"s{number}"), 0)
    report = found.report()
    assert {one.source for one in report.sources} == {"s0", "s1", "s2", OTHERS}
    assert len(found._ids) <= 3


@given(st.lists(st.tuples(st.integers(-(1 << 62), 1 << 62), st.text(max_size=5)), max_size=30))
def test_any_events_make_a_report(told: list[tuple[int, str]]) -> None:
    found = Quality(Rules(), {("user", "ann")}, ())
    for number, (at_ns, source) in enumerate(told):
        found.take(event(number, at_ns, source), 0)
    report = found.report()
    assert report.passed == (not report.failed)
    assert set(NEEDED) <= set(FIELDS)
    assert all(0 <= share <= 1 for one in report.sources for share in one.fields.values())
