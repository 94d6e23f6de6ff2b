"""A thief has the password and a code, and no passkey: he does not begin the evidence anew by proving that much."""

from pathlib import Path

import pytest
from tests.stories.biometrics_scene import ANN, OTHER, opened, typed, typist


@pytest.fixture
def scene(tmp_path: Path):
    with opened(tmp_path) as made:
        made.enrols(typist()[:24])
        made.proves()
        made.clock.advance(700)
        yield made


def known(scene):
    return scene.watching.latest("default", "s1", ANN, scene.clock.now_ns())


@pytest.mark.parametrize("acr", ["urn:ostiary:acr:mfa", "urn:ostiary:acr:password", ""])
def test_a_weak_proof_answers_nothing(scene, acr):
    scene.types(typed(OTHER, 0, 6))
    before = known(scene)
    scene.proves(acr=acr)
    after = known(scene)
    assert after is not None
    assert after.inputs == before.inputs
    scene.proves()
    assert known(scene) is None
