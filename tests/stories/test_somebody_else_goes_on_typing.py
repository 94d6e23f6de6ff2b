"""A person signs in, works, and leaves the desk. Somebody else goes on in the same session.

An honest morning must not vouch for the afternoon's thief, an honest day must not be asked again and again, one odd
window must not be enough, and whoever has hardly been enrolled must not be judged as if well known. People and model
are invented: what is told here is what surrounds a model, whatever it is.
"""

from types import MappingProxyType

import pytest

from ostiary.artifacts import ArtifactPredicate, VerifiedArtifact
from ostiary.biometrics.evidence import SessionEvidence, Stage, Verdict, stage_of
from ostiary.biometrics.habits import differences, traits_of, usual_of
from ostiary.biometrics.kinds import ARTIFACT_KIND
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import Modality, Window
from ostiary.testing import behaviour

TYPING = Modality.KEYSTROKE
MINUTE_NS = 60 * 10**9
CLEAR = -1.0  # nats for another; what a policy might ask a proof at


@pytest.fixture(scope="module")
def model():
    trained = behaviour.train(behaviour.people(TYPING, count=40), TrainSettings(), lambda what, share: None)
    files = MappingProxyType(trained.folder)
    return behaviour.load(VerifiedArtifact("sha256:0", files, ArtifactPredicate(ARTIFACT_KIND, 0)))


@pytest.fixture(scope="module")
def people() -> dict[str, list[Row]]:
    told: dict[str, list[Row]] = {}
    for row in behaviour.people(TYPING, count=24, sessions=4, windows=10, first=500):
        told.setdefault(row.subject, []).append(row)
    return told


def sitting(model, enrolled: list[Row], windows: list[Window]) -> list[Verdict]:
    """Return what is said after each window, one a minute."""
    sessions = len({row.session for row in enrolled})
    template = model.enrol(model.embed([row.window for row in enrolled]), sessions)
    stage = stage_of(TYPING, template.windows, template.sessions)
    habits = usual_of([row.window for row in enrolled])
    evidence, told = SessionEvidence(), []
    for minute, (window, score) in enumerate(zip(windows, model.scores(template, model.embed(windows)), strict=True)):
        why = differences(TYPING, habits, [traits_of(window)])
        llr = model.llr(float(score), template.windows, 1)
        evidence = evidence.seen(TYPING, llr, minute * MINUTE_NS, stage, why)
        told.append(evidence.verdict(minute * MINUTE_NS))
    return told


def of(rows: list[Row], *sessions: int) -> list[Row]:
    return [row for row in rows if int(row.session[1:]) in sessions]


def test_a_thief_is_noticed_after_an_honest_morning(model, people) -> None:
    names, after = list(people), []
    for place, name in enumerate(names):
        honest = [row.window for row in of(people[name], 2, 3)]
        thief = [row.window for row in of(people[names[place - 7]], 2, 3)]
        told = sitting(model, of(people[name], 0, 1), [*honest, *thief])
        alarms = [at - len(honest) for at, one in enumerate(told) if at >= len(honest) and one.llr < CLEAR]
        after.append(alarms[0] + 1 if alarms else 99)
    assert sorted(after)[len(after) // 2] <= 6, after


def test_an_honest_day_is_left_alone(model, people) -> None:
    quiet = 0
    for rows in people.values():
        told = sitting(model, of(rows, 0, 1), [row.window for row in of(rows, 2, 3)])
        quiet += min(one.llr for one in told) >= CLEAR
        assert told[-1].stage is Stage.ENROLLED
    assert quiet >= 0.9 * len(people)


def test_one_odd_window_is_never_enough(model, people) -> None:
    names = list(people)
    for place, name in enumerate(names):
        honest = [row.window for row in of(people[name], 2)]
        odd = people[names[place - 7]][35].window
        told = sitting(model, of(people[name], 0, 1), [*honest, odd])
        assert told[-1].llr >= CLEAR


def test_whoever_is_hardly_known_is_hardly_judged(model, people) -> None:
    names = list(people)
    known, unknown = people[names[0]], [row.window for row in of(people[names[9]], 2, 3)]
    assert {one.stage for one in sitting(model, known[:1], unknown)} == {Stage.NONE}
    little = sitting(model, known[:4], unknown)[-1]
    assert little.stage is Stage.PROVISIONAL
    assert little.confidence < 0.5


def test_what_is_told_of_a_thief_can_be_read(model, people) -> None:
    names = list(people)
    words: list[str] = []
    for place, name in enumerate(names):
        thief = [row.window for row in of(people[names[place - 7]], 2)]
        last = sitting(model, of(people[name], 0, 1), thief)[-1]
        words += last.reasons if last.llr < CLEAR else ()
    assert any(word.startswith("typing rhythm differs: holds ") and word.endswith("than usual") for word in words)
