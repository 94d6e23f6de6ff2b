"""Somebody else sits down at a known person's session, or teaches the template slowly: what is done tells.

The people are simulated; no figure here says anything of real ones.
"""

from random import Random

import numpy as np
import pytest

from ostiary.biometrics.sequence.folder import read
from ostiary.biometrics.sequence.following import MOST_APART, Follower, Runs
from ostiary.biometrics.sequence.interactions import token_of, windows_of
from ostiary.biometrics.sequence.model import SequenceModel
from ostiary.biometrics.training import Row, TrainSettings, train
from ostiary.biometrics.window import Modality, Window
from ostiary.testing.application_people import ApplicationPeople

KNOWN, COLLEAGUES, STEP = 12, 18, 25
PEOPLE = ApplicationPeople(COLLEAGUES)


def tokens(name: str, count: int, draw: int) -> list[str]:
    return [token_of(event) for event in PEOPLE.events(name, count, draw=draw)]


def windows(told: list[str], step: int = STEP) -> list[Window]:
    """The last hundred events, each time that ``step`` more were seen."""
    return [Window(Modality.SEQUENCE, tuple(told[end - 100 : end])) for end in range(100, len(told) + 1, step)]


@pytest.fixture(scope="module")
def model() -> SequenceModel:
    rows = [
        Row(name, f"s{place}", window, place)
        for name in PEOPLE.names[:KNOWN]
        for place, (_, window) in enumerate(windows_of(PEOPLE.events(name, 1_200)))
    ]
    return read(train(Modality.SEQUENCE, rows, TrainSettings(effort=0.2), lambda _what, _share: None).files)


def alarms(model: SequenceModel, owner: str, told: list[str]) -> list[int]:
    """At how many events the session is likelier another's."""
    template = model.enrol(model.embed(windows(tokens(owner, 1_200, 0), 100)))
    runs = Runs()
    scores = model.scores(template, model.embed(windows(told)))
    odds = [runs.seen(model.llr(float(score), template.windows, 1)) for score in scores]
    return [100 + STEP * place for place, one in enumerate(odds) if one < 0]


def test_another_is_noticed_within_a_hundred_events_and_the_person_is_left_alone(model: SequenceModel) -> None:
    noticed, false = [], 0
    for owner in PEOPLE.names[KNOWN:]:
        for other in PEOPLE.names[KNOWN:]:
            own = tokens(owner, 500, 1)
            if owner == other:
                false += len(alarms(model, owner, own))
                continue
            found = [at for at in alarms(model, owner, own + tokens(other, 200, 2)) if at > 500]
            noticed.append(found[0] - 500 if found else 999)
    assert false == 0
    assert np.mean(np.array(noticed) <= 100) >= 0.9


def test_an_attacker_who_blends_in_slowly_never_teaches_the_template_his_own_way(model: SequenceModel) -> None:
    luck = Random(5)  # noqa: S311 - a simulator
    owner, other = PEOPLE.names[KNOWN], PEOPLE.names[KNOWN + 1]
    anchor = model.enrol(model.embed(windows(tokens(owner, 1_200, 0), 100)))
    follower = Follower(model, anchor)
    last, stopped = 0.0, False
    for step in range(200):
        share = step / 200
        mine, his = tokens(owner, 100, step + 10), tokens(other, 100, step + 10)
        cut = [his[place] if luck.random() < share else mine[place] for place in range(100)]
        seen = follower.seen(model.embed([Window(Modality.SEQUENCE, tuple(cut))])[0])
        last = share if seen.learned else last
        stopped = stopped or not seen.learned
    assert stopped
    assert last < 0.5
    assert model.apart(follower.template, anchor) <= MOST_APART
    pure = model.scores(follower.template, model.embed(windows(tokens(other, 500, 99))))
    assert pure.max() < model.keeping.update
