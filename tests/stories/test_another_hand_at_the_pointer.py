"""Somebody sits down at a session that is somebody else's, by a remote desktop: the hand tells, the machine does not.

- An attacker whose link delivers exactly as the victim's does gains nothing by it.
- The victim whose link gets slower or faster is still the victim.
- A script that moves along curves is nobody.
"""

import numpy as np
import pytest

from ostiary.biometrics.pointer.delivery import relayed
from ostiary.biometrics.pointer.model import PointerModel, model_of
from ostiary.biometrics.training import Row, TrainSettings
from ostiary.biometrics.window import Floats, Modality, Window
from ostiary.testing.bezier_pointer import pointer
from ostiary.testing.hands import batched, hand

PEOPLE = range(6)
STRANGERS = range(30, 36)


@pytest.fixture(scope="module")
def model() -> PointerModel:
    pytest.importorskip("onnx")
    from ostiary.biometrics.pointer.training import train  # noqa: PLC0415 - onnx is there

    rows = [
        Row(f"u{person}", f"s{at}", Window(Modality.POINTER, batched(hand(person, at, 900))), at)
        for person in PEOPLE
        for at in range(3)
    ]
    return model_of(train(rows, TrainSettings(effort=0.15), lambda what, share: None).folder)


def scored(model: PointerModel, victim: int, events: Floats) -> float:
    enrolled = model.enrol(model.embed([Window(Modality.POINTER, batched(hand(victim, at, 900))) for at in range(3)]))
    return float(model.scores(enrolled, model.embed([Window(Modality.POINTER, events)]))[0])


def test_the_attackers_link_is_as_the_victims_and_does_not_help(model) -> None:
    for victim in PEOPLE:
        own = scored(model, victim, batched(hand(victim, 50)))
        others = [scored(model, victim, batched(hand(other, 50))) for other in PEOPLE if other != victim]
        assert own > max(others)


def test_the_victims_link_changes_and_the_victim_is_still_known(model) -> None:
    for victim in PEOPLE:
        slower = scored(model, victim, relayed(hand(victim, 51), 80.0))
        straight = scored(model, victim, hand(victim, 51))
        others = [scored(model, victim, batched(hand(other, 51))) for other in PEOPLE if other != victim]
        assert min(slower, straight) > max(others)


def test_a_stranger_is_mostly_less_like_the_victim_than_the_victim(model) -> None:
    own = [scored(model, victim, batched(hand(victim, 52))) for victim in PEOPLE]
    strange = [
        scored(model, victim, batched(hand(other, 52)))
        for victim in PEOPLE
        for other in STRANGERS
        if other % 5 != victim % 5
    ]
    assert np.mean([low < high for low in strange for high in own]) > 0.9


def test_a_script_along_curves_is_nobody(model) -> None:
    script = np.asarray(pointer(np.random.default_rng(1), 400).content)
    for victim in PEOPLE:
        assert scored(model, victim, script) < scored(model, victim, batched(hand(victim, 53)))
