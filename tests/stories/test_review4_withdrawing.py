"""A thief in a person's session withdraws its agreement: what was seen of him stays, the person's own goes."""

from pathlib import Path

import pytest
from tests.stories.biometrics_scene import ANN, OTHER, Scene, opened, typed, typist

from ostiary.server.biometrics.excusing import excuse
from ostiary.server.forgetting import forget
from ostiary.vocabulary.effects import Effect


@pytest.fixture
def scene(tmp_path: Path):
    with opened(tmp_path) as made:
        made.enrols(typist()[:24])
        made.proves()
        made.clock.advance(700)
        yield made


def withdraws(scene: Scene) -> None:
    scene.watching.consents.withdraw("default", ANN)
    scene.watching.sink.withdraw("default", ANN)


def known(scene: Scene, session: str = "s1"):
    return scene.watching.latest("default", session, ANN, scene.clock.now_ns())


def test_a_thief_does_not_withdraw_from_what_was_seen_of_him(scene):
    scene.types(typed(OTHER, 0, 6))
    before = known(scene)
    withdraws(scene)
    scene.clock.advance(16)
    scene.watching.tend()
    assert scene.house.templates.parts("default", ANN) == {}
    decided = scene.asks()
    assert decided.record.outcome.effect is Effect.STEP_UP
    assert decided.record.biometrics.inputs == before.inputs
    assert before.reasons
    assert decided.record.biometrics.reasons == (), "what the person's own typing was like is gone"


def test_nor_from_a_replay(scene):
    scene.types([typist()[2].window])
    withdraws(scene)
    assert scene.asks().record.outcome.effect is Effect.STEP_UP


def test_agreeing_again_does_not_help_him(scene):
    scene.types(typed(OTHER, 0, 6))
    withdraws(scene)
    scene.agree()
    scene.types(typed(OTHER, 6, 8))
    scene.watching.tend()
    assert scene.asks().record.outcome.effect is Effect.STEP_UP


def test_the_persons_own_sessions_are_erased_at_once(scene):
    scene.types(typed(0, 24, 28))
    scene.types(typed(OTHER, 0, 6), session="s2")
    withdraws(scene)
    assert known(scene) is None
    assert known(scene, "s2") is not None


def test_it_ends_with_a_proof_with_time_and_with_being_excused_or_forgotten(scene):
    for answer in (
        scene.proves,
        lambda: scene.clock.advance(5 * 3600),
        lambda: excuse(scene.house, "root", "default", ANN),
    ):
        scene.enrols(typist()[:24])
        scene.types(typed(OTHER, 0, 6))
        withdraws(scene)
        assert known(scene) is not None
        answer()
        assert known(scene) is None


def test_it_ends_with_being_forgotten(scene):
    scene.types(typed(OTHER, 0, 6))
    withdraws(scene)
    forget(scene.house, "default", "user", "ann")
    assert known(scene) is None
    assert len(scene.watching.sessions) == 0
