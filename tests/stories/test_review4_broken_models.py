"""A model that breaks in a way of its own is a missing model: told once, asked no more, and nobody is worse off."""

from pathlib import Path

import pytest
from tests.stories.biometrics_scene import KEYS, opened, typed, typist

from ostiary.server.biometrics.models import BehaviourModels
from ostiary.vocabulary.effects import Effect


def test_a_model_that_does_not_load_for_reasons_of_its_own_is_tried_once(tmp_path: Path):
    faults, tries = [], []

    def shipped(modality):
        tries.append(modality)
        raise ValueError("cannot reshape array")

    models = BehaviourModels(tmp_path, lambda _tenant: [], shipped, lambda code, fault: faults.append(code))
    assert [models.model("default", KEYS) for _ in range(3)] == [None] * 3
    assert len(tries) == 1
    assert faults == ["biometrics_model_failed"]


@pytest.mark.parametrize("part", ["embed", "scores"])
def test_a_model_that_fails_over_a_window_drops_the_window(tmp_path: Path, part: str, monkeypatch):
    with opened(tmp_path) as scene:
        scene.enrols(typist()[:24])
        scene.proves()
        scene.clock.advance(700)
        model = scene.watching.models.model("default", KEYS)

        def fails(*_given):
            raise ValueError("shapes do not match")

        monkeypatch.setattr(model, part, fails)
        before = scene.watching.dropped
        scene.types(typed(0, 24, 26))
        assert scene.watching.dropped == before + 2
        assert [code for code, _ in scene.faults] == ["biometrics_model_failed"] * 2
        assert scene.asks().record.outcome.effect is Effect.ALLOW
