"""Shipped models are those that the program pins, and no others."""

import shutil

import pytest

from ostiary.artifacts import ArtifactPredicate
from ostiary.artifacts.placing import write_signed
from ostiary.biometrics import kinds, shipped
from ostiary.biometrics.shipped import Pin, shipped_artifact, shipped_folder, shipped_model, shipped_pins
from ostiary.biometrics.window import Modality
from ostiary.errors import UnavailableError, VerificationError
from ostiary.keys import SigningKey

MADE = ArtifactPredicate(kind=kinds.ARTIFACT_KIND, created_ns=1)
KEY = SigningKey.from_seed("once", bytes(32))


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "models_dir", lambda: tmp_path)
    digest = write_signed({"model.json": b"{}", "card.md": b"# Card"}, shipped_folder(Modality.POINTER), KEY, MADE)
    return Pin(digest, KEY.public.raw.hex())


def test_what_is_pinned_is_read(pinned):
    assert shipped_artifact(Modality.POINTER, {Modality.POINTER: pinned}).files["card.md"] == b"# Card"


def test_another_signature_or_another_file_is_refused(pinned):
    stranger = SigningKey.from_seed("other", bytes(31) + b"\x01")
    folder = shipped_folder(Modality.POINTER)
    pins = {Modality.POINTER: pinned}
    write_signed({"model.json": b"{}", "card.md": b"# Card"}, folder, stranger, MADE)
    with pytest.raises(VerificationError):
        shipped_artifact(Modality.POINTER, pins)
    write_signed({"model.json": b"{ }", "card.md": b"# Card"}, folder, KEY, MADE)
    with pytest.raises(VerificationError) as fault:
        shipped_artifact(Modality.POINTER, pins)
    assert fault.value.code == "artifact_not_pinned"


def test_what_is_not_shipped_says_how_to_train_it(pinned):
    with pytest.raises(UnavailableError) as fault:
        shipped_artifact(Modality.SEQUENCE, {Modality.POINTER: pinned})
    assert "ostiary biometrics train --modality sequence" in fault.value.message


@pytest.mark.parametrize("modality", list(shipped_pins()))
def test_every_shipped_model_loads_reads_its_modality_and_has_its_card(modality):
    artifact = shipped_artifact(modality)
    assert shipped_model(modality).modality is modality
    assert artifact.files["card.md"].startswith(b"# ")
    assert sum(map(len, artifact.files.values())) < 4_000_000


def test_no_folder_is_shipped_without_a_pin():
    place = shipped_folder(Modality.POINTER).parent
    there = {path.name for path in place.iterdir()} if place.is_dir() else set()
    assert there == {modality.value for modality in shipped_pins()}


def test_an_installation_without_the_folder_says_so(pinned, tmp_path):
    shutil.rmtree(tmp_path / "biometrics")
    with pytest.raises(Exception, match="no folder that can be read"):
        shipped_artifact(Modality.POINTER, {Modality.POINTER: pinned})
