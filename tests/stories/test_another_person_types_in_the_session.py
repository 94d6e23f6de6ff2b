"""Somebody else goes on typing in a known person's session: a proof is asked for, and nothing is ever ended by it."""

import re
from pathlib import Path

import msgspec
import pytest
from tests.stories.biometrics_scene import ANN, KEYS, OTHER, STRONG, Scene, opened, typed, typist

from ostiary.biometrics.evidence import Stage
from ostiary.server.biometrics.records import VersionRecord
from ostiary.vocabulary.effects import Effect


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory):
    with opened(tmp_path_factory.mktemp("typing")) as made:
        made.enrols(typist()[:24])
        yield made


@pytest.fixture
def fresh(tmp_path: Path):
    with opened(tmp_path) as made:
        yield made


def stage_of(scene: Scene, subject: str = ANN) -> Stage:
    person = scene.person(subject)
    return Stage.NONE if person is None else person.stage


def other_has_typed(scene: Scene, first: int) -> None:
    """Let another person type and ask, unless that stands: each test may be the first of its process."""
    session = scene.house.ledger.find("default", "s1")
    if session is not None and session.demands_step_up:
        return
    scene.proves()
    scene.clock.advance(700)
    scene.types(typed(OTHER, first, first + 6))
    assert scene.asks().record.outcome.effect is Effect.STEP_UP


def test_the_person_is_let_go_on(scene):
    assert stage_of(scene) is Stage.ENROLLED
    scene.types(typed(0, 24, 28))
    decided = scene.asks()
    assert decided.record.outcome.effect is Effect.ALLOW
    found = decided.record.biometrics
    assert found.stage == "enrolled"
    assert found.llr < 0
    assert found.windows == 4
    assert found.models == ("sha256:reference",)
    assert found.inputs.startswith("sha256:")
    assert decided.record.event.behaviour == found.facts


def test_another_person_is_asked_for_a_proof_and_never_ended(scene):
    scene.proves()
    scene.clock.advance(700)
    scene.types(typed(OTHER, 0, 6))
    decided = scene.asks()
    outcome = decided.record.outcome
    assert outcome.effect is Effect.STEP_UP
    assert "rule:biometrics-step-up" in outcome.reasons
    assert decided.record.biometrics.llr > 1.8
    assert scene.house.ledger.find("default", "s1").demands_step_up
    for window in typed(OTHER, 6, 20):
        scene.types([window])
        assert scene.asks().record.outcome.effect is Effect.STEP_UP
    assert not scene.house.ledger.find("default", "s1").ended_ns


def test_what_a_caller_swears_does_not_help(scene):
    other_has_typed(scene, 0)
    context = {"behaviour": {"llr": -50, "confidence": 1, "liveness": 1, "drift": 0}}
    decided = scene.asks(**context)
    assert decided.record.outcome.effect is Effect.STEP_UP
    assert decided.record.event.behaviour.llr > 0


def test_a_passkey_answers_it_and_the_evidence_begins_anew(scene):
    other_has_typed(scene, 0)
    scene.proves()
    assert scene.room.latest("default", "s1", ANN, scene.clock.now_ns()) is None
    assert scene.asks().record.outcome.effect is Effect.ALLOW


def test_another_subject_has_none_of_this_evidence(scene):
    scene.types(typed(OTHER, 20, 23))
    assert scene.room.latest("default", "s1", ANN, scene.clock.now_ns()) is not None
    assert scene.room.latest("default", "s1", "user:bob", scene.clock.now_ns()) is None
    assert scene.room.latest("other", "s1", ANN, scene.clock.now_ns()) is None


def test_a_replay_is_asked_for_a_proof_however_well_it_fits(scene):
    scene.proves()
    scene.clock.advance(700)
    scene.types([typist()[2].window])
    decided = scene.asks()
    assert decided.record.biometrics.liveness == 0.0
    assert decided.record.outcome.effect is Effect.STEP_UP
    assert "rule:biometrics-replayed" in decided.record.outcome.reasons
    scene.types(typed(0, 28, 34))
    assert scene.asks().record.biometrics.liveness == 0.0


def test_a_thief_without_the_passkey_enrols_nobody(fresh):
    fresh.agree()
    fresh.types(typed(OTHER, 0, 24))
    assert stage_of(fresh) is Stage.NONE
    fresh.proves(acr="urn:ostiary:acr:mfa")
    fresh.types(typed(OTHER, 24, 48))
    assert stage_of(fresh) is Stage.NONE


def test_a_passkey_of_long_ago_or_of_another_session_enrols_nobody(fresh):
    fresh.agree()
    fresh.proves("s8")
    fresh.types(typed(OTHER, 0, 3))
    fresh.proves()
    fresh.clock.advance(1801)
    fresh.types(typed(OTHER, 3, 24))
    assert stage_of(fresh) is Stage.NONE


def test_windows_of_before_the_passkey_enrol_nobody(fresh):
    fresh.agree()
    window, began = typist(OTHER)[0].window, fresh.clock.now_ns()
    fresh.proves()
    fresh.types([window])
    assert fresh.room.book.read("default", ANN, KEYS.value).content
    from ostiary.server.biometrics.room import fresh_for  # noqa: PLC0415

    session = fresh.house.ledger.find("default", "s1")
    assert not fresh_for(session, began, fresh.clock.now_ns(), 10**15)


def test_replays_and_what_no_hand_did_enrol_nobody(fresh):
    fresh.agree()
    fresh.proves()
    window = typist()[0].window
    fresh.types([window] * 12)
    kept = fresh.room.people.person("default", ANN, fresh.room.models.model("default", KEYS)).kept
    assert len(kept.enrolling) == 1
    fresh.types(typed(0, 1, 4), untrusted=3)
    assert len(kept.enrolling) == 1


def test_one_session_alone_enrols_nobody_in_full(fresh):
    fresh.enrols(typist()[:24], ("s8",))
    assert stage_of(fresh) is Stage.PROVISIONAL


def test_enrolment_is_in_the_log_signed_and_without_a_name_or_a_number(fresh):
    fresh.enrols(typist()[:24])
    (record,) = fresh.house.log.iterate("default", "biometrics")
    told = msgspec.json.decode(record.payload, type=VersionRecord)
    kept = fresh.room.people.person("default", ANN, fresh.room.models.model("default", KEYS)).kept
    assert (told.serial, told.modality, told.digest) == (1, "keystroke", kept.version.digest)
    keys = {key.kid: key for key in fresh.house.ring.all_public("default", "templates")}
    assert keys[told.kid].verify(told.signature, kept.version.signed)
    assert re.search(rb"\bann\b", record.payload) is None, "its bare letters may stand in a signature's base64"
    assert len(record.payload) < 1_200


def test_only_the_strongest_proof_is_asked_for_when_another_person_types(scene):
    other_has_typed(scene, 23)
    assert STRONG in scene.house.ledger.find("default", "s1").acr_values
