"""Laws of the scored stream: the same sessions as looking back, every event in exactly one, in order, nothing ahead."""

import math
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from ostiary.risk.schema import Thresholds
from ostiary.risk.stream import Judged, event_lines, judge, session_lines, sittings
from ostiary.risk.training.sittings import sittings_of
from ostiary.signals.book import ProfileBook
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

MINUTE_NS = 60 * 10**9
LEVELS = Thresholds(medium=0.5, high=0.9)

steps = st.lists(
    st.tuples(st.integers(0, 45), st.sampled_from("abc"), st.sampled_from([None, "s1", "s2"]), st.floats(0, 1)),
    max_size=40,
)


def stream(drawn: list[tuple[int, str, str | None, float]]) -> list[Judged]:
    now, found = 0, []
    for number, (gap, who, session, score) in enumerate(drawn):
        now += gap * MINUTE_NS
        event = AccessEvent(f"e{number}", "default", now, who, "read", "db", "orders", session_id=session)
        found.append(Judged(event, RiskScore(available=True, score=score, level=LEVELS.level(score))))
    return found


@given(steps)
def test_streamed_sessions_are_those_seen_looking_back(drawn: list[tuple[int, str, str | None, float]]) -> None:
    judged = stream(drawn)
    streamed = [sitting.events for sitting in sittings(judged, keep_events=True)]
    looked_back = [
        [judged[place].event.event_id for place in sitting.places]
        for sitting in sittings_of([one.event for one in judged])
    ]
    assert streamed == looked_back


@given(steps)
def test_a_session_scores_as_its_riskiest_access(drawn: list[tuple[int, str, str | None, float]]) -> None:
    judged = stream(drawn)
    scores = {one.event.event_id: one.risk.score for one in judged}
    kept = list(sittings(judged, keep_events=True))
    for sitting, line in zip(kept, session_lines(iter(kept)), strict=True):
        wanted = max(scores[name] or 0.0 for name in sitting.events)
        assert line.score == wanted
        assert line.level == LEVELS.level(wanted)
        assert line.session_id == (sitting.first.session_id or sitting.first.event_id)


@given(steps)
def test_lines_come_as_soon_as_they_can_and_no_sooner(drawn: list[tuple[int, str, str | None, float]]) -> None:
    judged, read = stream(drawn), 0

    def counted() -> Iterator[Judged]:
        nonlocal read
        for one in judged:
            read += 1
            yield one

    for sitting in sittings(counted()):
        now = judged[read - 1].event.time_ns
        assert read == len(judged) or now - sitting.last_ns > 30 * MINUTE_NS


class ByCount:
    """A scorer that says how much it was told: enough to see whether anything came ahead of its time."""

    digest = "sha256:count"

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        told = sum(not math.isnan(value) for value in features)
        return RiskScore(available=True, score=told / len(features), level="low")


@given(steps, st.integers(0, 40))
def test_a_score_does_not_depend_on_what_comes_later(drawn: list[tuple[int, str, str | None, float]], cut: int) -> None:
    events = [one.event for one in stream(drawn)]
    whole = list(event_lines(judge(events, ByCount(), ProfileBook("default"))))
    assert list(event_lines(judge(events[:cut], ByCount(), ProfileBook("default")))) == whole[:cut]
