"""A template in a running house: only windows that a proof followed teach it, a day later, as signed versions."""

from pathlib import Path

import msgspec
import pytest
from tests.stories.biometrics_scene import ANN, KEYS, OTHER, Scene, opened, typed, typist

from ostiary.errors import VerificationError
from ostiary.server.biometrics.kept import Kept

DAY_S = 86_400


@pytest.fixture
def scene(tmp_path: Path):
    with opened(tmp_path) as made:
        made.enrols(typist()[:24])
        made.proves()
        made.clock.advance(3600)
        yield made


def person(scene: Scene):
    return scene.person(ANN)


def versions(scene: Scene) -> int:
    return len(list(scene.house.log.iterate("default", "biometrics")))


def test_windows_that_no_proof_follows_teach_nothing(scene):
    scene.types(typed(0, 24, 40))
    scene.room.tend()
    assert person(scene).state.waiting == ()
    assert versions(scene) == 1


def test_windows_that_a_proof_follows_count_a_day_later(scene):
    before = person(scene).state.adaptive
    scene.types(typed(0, 24, 40))
    scene.proves()
    scene.room.tend()
    waiting = person(scene).state.waiting
    assert waiting
    assert versions(scene) == 2
    scene.clock.advance(DAY_S + 60)
    scene.types(typed(0, 40, 41))
    state = person(scene).state
    assert state.counted > 0
    assert state.waiting == ()
    assert (state.adaptive.centre != before.centre).any()
    assert (state.anchor.centre == before.centre).all()
    assert versions(scene) == 3
    assert not scene.faults


def test_a_proof_without_a_passkey_is_none(scene):
    scene.types(typed(0, 24, 40))
    scene.proves(acr="urn:ostiary:acr:mfa")
    scene.room.tend()
    assert versions(scene) == 1


def test_another_person_before_the_owners_passkey_teaches_nothing(scene):
    scene.types(typed(OTHER, 0, 12))
    scene.proves()
    scene.room.tend()
    assert person(scene).state.waiting == ()


def test_a_session_that_ends_badly_takes_back_what_waits(scene):
    scene.types(typed(0, 24, 40))
    scene.proves()
    scene.room.tend()
    assert person(scene).state.waiting
    scene.house.ledger.terminate("default", "s1", at_ns=scene.clock.now_ns(), reason="stolen")
    scene.room.tend()
    assert person(scene).state.waiting == ()


def test_an_older_version_put_back_is_an_alarm_and_judges_nobody(scene):
    book, store = scene.house.templates, scene.house.store.templates
    owner = book.owner("default", ANN)
    old = store.find("default", owner, KEYS.value)
    scene.types(typed(0, 24, 40))
    scene.proves()
    scene.room.tend()
    new = store.find("default", owner, KEYS.value)
    database = store._database
    with database.transaction():
        values = ("default", owner, KEYS.value, old.generation, old.epoch, old.sealed, old.updated_ns)
        database.write("put_biometric_part", *values)
    assert store.find("default", owner, KEYS.value) == old != new
    with pytest.raises(VerificationError, match="another version"):
        person(scene)
    scene.types(typed(OTHER, 0, 1))
    assert [code for code, _ in scene.faults] == ["template_rolled_back"]
    scene.clock.advance(700)
    decided = scene.asks().record
    assert decided.biometrics.alarm is True
    assert decided.biometrics.llr == 0.0
    assert "rule:biometrics-drift" in decided.outcome.reasons


def test_the_numbers_of_a_template_never_lie_open(scene):
    content = scene.house.templates.read("default", ANN, KEYS.value).content
    state = msgspec.msgpack.decode(content, type=Kept).state
    whole = b"".join(path.read_bytes() for path in scene.house.places.root.rglob("*") if path.is_file())
    assert state[40:120] not in whole


def test_an_alarm_on_the_anchor_asks_for_a_proof(scene):
    known = person(scene)
    alarmed = msgspec.structs.replace(known.state, alarm="anchor alarm: somebody else was being taught")
    from ostiary.biometrics.updating import Whose  # noqa: PLC0415

    assert scene.room.people.write(Whose("default", ANN, KEYS), known, known.kept, alarmed)
    scene.types(typed(0, 24, 28))
    decided = scene.asks()
    assert decided.record.biometrics.alarm is True
    assert "rule:biometrics-drift" in decided.record.outcome.reasons
