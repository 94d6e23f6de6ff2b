"""A judge in another process: it sees what this one sees, says the same, and nobody waits for ever."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ostiary.risk.beside import AHEAD, Slots
from ostiary.risk.calibration import Calibration
from ostiary.risk.look import taken, told
from ostiary.risk.schema import Scaling, Thresholds
from ostiary.risk.session_columns import NAMES as SO_FAR
from ostiary.risk.session_forest import SessionForest
from ostiary.risk.session_risk import SessionRisk
from ostiary.risk.trail import NAMES as TRAIL
from ostiary.signals.book import ProfileBook
from ostiary.signals.enrichment import Enricher
from ostiary.signals.features import INDEX, NAMES, extract
from ostiary.signals.history import History
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

SCENE = Path(__file__).with_name("beside_scene.py")
Seen = list[tuple[AccessEvent, History]]


@pytest.fixture(scope="module")
def seen() -> Seen:
    organisation, book, found = Organisation(people=6, days=2), ProfileBook("default"), []
    enricher = Enricher(organisation.catalogue())
    for event in map(enricher.enrich, organisation.history()):
        found.append((event, book.view(event)))
        book.learn(event)
    return found


def test_all_that_is_known_arrives_as_it_is(seen: Seen) -> None:
    slots = Slots([0], 32)
    for number, begin in enumerate(range(0, len(seen), 32)):
        some = seen[begin : begin + 32]
        size = slots.put_histories(number, [history for _, history in some])
        assert size
        for (event, history), other in zip(some, slots.histories(number, size), strict=True):
            assert repr(extract(event, other)) == repr(extract(event, history))


def test_features_arrive_as_they_are_and_only_those_wanted(seen: Seen) -> None:
    wanted = sorted(INDEX[name] for name in ("history_depth", NAMES[0], NAMES[-1]))
    slots, rows = Slots(wanted, 4), [extract(*one) for one in seen[:4]]
    slots.put_rows(AHEAD + 1, rows)
    for row, other in zip(rows, slots.rows(1, 4), strict=True):
        assert repr([other[place] for place in wanted]) == repr([row[place] for place in wanted])
        assert len(other) == len(row)
        assert sum(value == value for value in other) <= len(wanted)  # noqa: PLR0124 - NaN is not itself


@pytest.mark.parametrize("wanted", [[], [5]])
def test_one_feature_or_none_is_no_special_case(seen: Seen, wanted: list[int]) -> None:
    slots, rows = Slots(wanted, 1), [extract(*seen[0])]
    slots.put_rows(0, rows)
    assert [repr(slots.rows(0, 1)[0][place]) for place in wanted] == [repr(rows[0][place]) for place in wanted]


def test_what_cannot_be_written_stays_here(seen: Seen) -> None:
    slots, (_, history) = Slots([0], 1), seen[0]
    assert slots.put_histories(0, [history])
    assert slots.put_histories(0, [history] * 100) == 0  # no room
    for odd in ({"peer_name": "\ud800"}, {"since": 2**70}):
        assert slots.put_histories(0, [msgspec.structs.replace(history, **odd)]) == 0


def test_session_risk_needs_no_more_of_a_history_than_goes_over(seen: Seen) -> None:
    class Sum:
        def margin(self, row: list[float]) -> float:
            return sum(value for value in row if value == value) / 100  # noqa: PLR0124 - NaN is not itself

        def margins(self, rows: list[list[float]]) -> list[float]:
            return [self.margin(row) for row in rows]

        def contributions(self, row: list[float]) -> list[float]:
            assert len(row) == len(TRAIL) + len(SO_FAR)
            return [0.0] * len(row)

    straight, levels = Calibration([-1.0, 1.0], [-1.0, 1.0]), Thresholds(medium=0.6, high=0.9)
    forest = SessionForest(Sum(), Sum(), (), Scaling(straight, levels, levels, straight))  # type: ignore[arg-type]
    whole, part = SessionRisk(lambda _: forest, "one"), SessionRisk(lambda _: forest, "one")
    scores = set()
    for number, (event, history) in enumerate(seen):
        access = RiskScore(available=True, score=0.001 * (number % 900 + 1), level="low")
        answer = whole.observe(event, history, [], access)
        assert part.observe(event, taken(*told(history)), [], access) == answer
        scores.add(answer.score)
    assert len(scores) > len(seen) / 2


def test_it_ends_with_its_stream_fails_loudly_and_never_hangs() -> None:
    done = subprocess.run([sys.executable, str(SCENE)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["impossible"] or done.stdout.splitlines() == [
        "in order True",
        "large True",
        "left early True",
        "fault lightgbm_unavailable",
        "killed judge_ended",
        "children 0",
    ], done.stderr
