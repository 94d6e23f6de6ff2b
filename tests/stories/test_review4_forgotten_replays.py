"""A thief fills a person's memory of windows in one session, to replay the person's old ones in another."""

from pathlib import Path

import pytest
from tests.stories.biometrics_scene import ANN, KEYS, OTHER, Scene, opened, typist

from ostiary.server.biometrics.kept import MOST_PRINTS
from ostiary.testing.behaviour import people


@pytest.fixture
def scene(tmp_path: Path):
    with opened(tmp_path) as made:
        made.enrols(typist()[:24])
        made.proves()
        made.clock.advance(700)
        yield made


def replayed(scene: Scene) -> bool:
    """Return whether a window of the person's enrolment is known again in a session that nobody has looked at."""
    scene.watching.flush()
    scene.agree()  # who agrees anew is read anew: what counts is what lies in the book
    scene.types([typist()[2].window], session="clean")
    known = scene.watching.latest("default", "clean", ANN, scene.clock.now_ns())
    return known is not None and known.liveness == 0.0


def test_by_replaying_one_window_again_and_again(scene):
    scene.types([typist()[5].window] * (MOST_PRINTS + 40), session="dirty")
    assert replayed(scene)


def test_by_typing_as_himself(scene):
    rows = people(KEYS, 1, sessions=1, windows=MOST_PRINTS + 40, first=OTHER)
    scene.types([row.window for row in rows], session="dirty")
    assert replayed(scene)


def test_what_the_thief_did_is_known_again_as_well(scene):
    own = [row.window for row in people(KEYS, 1, sessions=1, windows=3, first=OTHER)]
    scene.types(own, session="dirty")
    scene.types(own[:1], session="clean")
    assert scene.watching.latest("default", "clean", ANN, scene.clock.now_ns()).liveness == 0.0


def test_by_agreeing_to_another_text(scene):
    own = [row.window for row in people(KEYS, 1, sessions=1, windows=60)][30:31]
    scene.types(own, session="dirty")
    scene.agree()
    scene.types(own, session="clean")
    assert scene.watching.latest("default", "clean", ANN, scene.clock.now_ns()).liveness == 0.0
