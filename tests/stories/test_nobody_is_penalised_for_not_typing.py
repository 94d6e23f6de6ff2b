"""Whoever cannot type or point, does not agree, is excused or forgotten is judged exactly as if nobody were watched."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.stories.biometrics_scene import ANN, KEYS, OTHER, Scene, opened, typed, typist

from ostiary.cli.app import build_app
from ostiary.errors import RefusedError
from ostiary.server.biometrics.excusing import EXCUSE, excuse, excuse_deed
from ostiary.server.biometrics.exporting import held
from ostiary.server.biometrics.ports import Consent
from ostiary.server.forgetting import forget
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord


@pytest.fixture
def scene(tmp_path: Path):
    with opened(tmp_path) as made:
        yield made


@pytest.fixture
def unwatched(tmp_path: Path):
    with opened(tmp_path / "unwatched", enabled=False) as made:
        yield made


def same(one: DecisionRecord, other: DecisionRecord) -> bool:
    """Return whether two decisions differ in nothing but when they were made, and by which id."""
    own = ("receipt", "input", "event", "features")
    told = [
        {name: getattr(record, name) for name in record.__struct_fields__ if name not in own} for record in (one, other)
    ]
    silent = all(record.event is not None and record.event.behaviour is None for record in (one, other))
    return told[0] == told[1] and silent


def parts(scene: Scene) -> set[str]:
    return set(scene.house.templates.parts("default", ANN))


def test_who_does_not_agree_is_judged_as_in_a_house_without_watchers(scene, unwatched):
    scene.types(typed(OTHER, 0, 6))
    assert same(scene.asks().record, unwatched.asks().record)
    assert parts(scene) == set()


def test_who_agreed_and_never_types_is_judged_likewise(scene, unwatched):
    scene.enrols(typist()[:24])
    for house in (scene, unwatched):
        house.proves()
        house.clock.advance(700)
    assert same(scene.asks().record, unwatched.asks().record)


def test_a_reader_or_a_switch_that_acts_by_programs_is_not_held_against_anybody(scene, unwatched):
    scene.enrols(typist()[:24])
    for house in (scene, unwatched):
        house.proves()
        house.clock.advance(700)
    scene.types(typed(OTHER, 0, 6), untrusted=10_000)
    assert same(scene.asks().record, unwatched.asks().record)


def test_who_is_excused_is_forgotten_and_not_watched_any_more(scene, unwatched):
    scene.enrols(typist()[:24])
    scene.types(typed(OTHER, 0, 6))
    excuse(scene.house, "root", "default", ANN)
    assert parts(scene) == {"standing"}
    assert scene.room.consents.find("default", ANN) is None
    scene.types(typed(OTHER, 6, 12))
    assert parts(scene) == {"standing"}
    assert same(scene.asks().record, unwatched.asks().record)
    with pytest.raises(RefusedError):
        scene.room.consents.give(Consent("default", ANN, "typing", 1))
    excuse(scene.house, "root", "default", ANN, end=True)
    scene.agree()
    assert scene.room.consents.find("default", ANN) is not None


def test_that_somebody_is_excused_is_on_record_under_that_persons_key(scene):
    excuse(scene.house, "root", "default", ANN)
    (record,) = [one for one in scene.house.log.iterate("default", "admin") if EXCUSE.encode() in (one.payload or b"")]
    assert b"reason" not in record.payload
    forget(scene.house, "default", "user", "ann")
    assert scene.house.log.get("default", record.record_id).payload is None


def test_nobody_excuses_alone_where_there_are_people(scene):
    class Nobody:
        def need(self, deed, proposal, who):
            assert deed == excuse_deed("default", ANN)
            raise RefusedError("approval_needed", "several people must agree")

    house = msgspec.structs.replace(scene.house, agreed=Nobody())
    with pytest.raises(RefusedError):
        excuse(house, "root", "default", ANN)
    assert scene.house.templates.standing("default", ANN).excused is None


def test_who_withdraws_is_erased_at_once(scene):
    scene.enrols(typist()[:24])
    scene.types(typed(OTHER, 0, 6))
    scene.room.consents.withdraw("default", ANN)
    scene.room.sink.erase("default", ANN)
    assert parts(scene) == set()
    assert scene.asks().record.biometrics is None


def test_who_is_forgotten_leaves_no_template_and_no_key(scene):
    scene.enrols(typist()[:24])
    owner = scene.house.templates.owner("default", ANN)
    rows = scene.house.store.templates.of_owner("default", owner)
    forget(scene.house, "default", "user", "ann")
    assert parts(scene) == set()
    keys = scene.house.places.keys / "biometrics" / "data" / "default" / owner
    assert not list(keys.glob("*.dek"))
    assert not list(keys.glob("*.share"))
    for row in rows:  # a backup of the database is put back: it opens nothing
        scene.house.store.templates.put("default", row, 0, 0)
    with pytest.raises(RefusedError):
        scene.house.templates.parts("default", ANN)
    (version,) = list(scene.house.log.iterate("default", "biometrics"))
    assert re.search(rb"\bann\b", version.payload) is None, "its bare letters may stand in a signature's base64"


def test_no_window_and_no_name_is_ever_on_the_disk(scene):
    rows = typist()[:24]
    scene.enrols(rows)
    scene.room.flush()
    needles = [np.asarray(row.window.content).tobytes()[:64] for row in rows]
    whole = b"".join(path.read_bytes() for path in scene.house.places.root.rglob("*") if path.is_file())
    assert not any(needle in whole for needle in needles)


def test_a_person_is_told_what_is_held(scene):
    scene.enrols(typist()[:24])
    scene.room.flush()
    told = held(scene.house.templates, "default", ANN)
    assert told["agreed"]["text"] == "typing-2026"
    assert told["excused"] is None
    kept = told["modalities"]["keystroke"]
    assert kept["enrolled"] is True
    assert kept["windows"] == 13
    assert kept["sessions"] == 2
    assert 30 < kept["usual"]["hold"] < 300
    assert told["windows_remembered"] == {"keystroke": 24}


def test_another_process_may_forget_somebody_while_the_server_runs(scene):
    from ostiary.server.biometrics.opening import open_book  # noqa: PLC0415

    scene.enrols(typist()[:24])
    scene.types(typed(OTHER, 0, 6))
    house = scene.house
    open_book(house.places, house.settings, house.store, house.clock).withdraw("default", ANN)
    scene.clock.advance(6)
    scene.room.tend()
    assert scene.asks().record.biometrics is None
    scene.types(typed(OTHER, 6, 12))
    assert parts(scene) == set()


def test_a_model_that_does_not_load_judges_nobody(scene, unwatched):
    scene.enrols(typist()[:24])
    scene.room.models.reload()
    for house in (scene, unwatched):
        house.proves()
        house.clock.advance(700)
    scene.types(typed(OTHER, 0, 6))
    assert same(scene.asks().record, unwatched.asks().record)


def test_another_model_begins_anew(scene):
    scene.enrols(typist()[:24])
    model = scene.room.models.model("default", KEYS)
    model._digest = "sha256:another"
    scene.types(typed(OTHER, 0, 6))
    assert scene.asks().record.outcome.effect is Effect.ALLOW


def test_the_command_line_forgets_and_excuses(tmp_path, capsys, monkeypatch):
    with opened(tmp_path) as made:
        made.enrols(typist()[:24])
        data = made.house.places.root
    monkeypatch.setenv("OSTIARY_BIOMETRICS__ENABLED", "true")

    def run(*words: str) -> str:
        capsys.readouterr()
        build_app()([*words, "--data", str(data)], result_action="return_value")
        told: str = capsys.readouterr().out
        return told

    assert "1 people agreed" in run("biometrics", "status").replace("\n", " ")
    assert '"keystroke":1' in run("biometrics", "status", "--json").replace(" ", "").replace("\n", "")
    assert "typing-2026" in run("subject", "export", ANN)
    run("biometrics", "forget", ANN, "--yes")
    run("biometrics", "excuse", ANN, "--yes")
    with opened(tmp_path) as made:
        assert made.house.templates.standing("default", ANN).excused is not None
        assert parts(made) == {"standing"}


def test_shredding_a_persons_keys_takes_the_templates_along(tmp_path, monkeypatch):
    with opened(tmp_path) as made:
        made.enrols(typist()[:24])
        data = made.house.places.root
    monkeypatch.setenv("OSTIARY_BIOMETRICS__ENABLED", "true")
    build_app()(["keys", "shred", ANN, "--yes", "--data", str(data)], result_action="return_value")
    with opened(tmp_path) as made:
        assert parts(made) == set()
        assert not made.house.templates.standing("default", ANN).watched


def test_a_tenant_that_goes_takes_the_keys_of_its_people_along(scene):
    from ostiary.server.biometrics.opening import forget_behaviour  # noqa: PLC0415

    scene.enrols(typist()[:24])
    forget_behaviour(scene.house, "default")
    assert len(scene.room.sessions) == 0
    keys = scene.house.places.keys / "biometrics" / "data" / "default"
    assert not [path for path in keys.rglob("*") if path.suffix in {".dek", ".share"}]
