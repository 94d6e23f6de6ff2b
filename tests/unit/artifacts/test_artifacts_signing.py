"""Signing and verifying a folder, the good way and each faulty way."""

import json
from pathlib import Path

import pytest

from ostiary.artifacts import (
    MANIFEST_NAME,
    ArtifactLimits,
    ArtifactPredicate,
    check_format,
    sign_artifact,
    verify_artifact,
)
from ostiary.artifacts.dsse import pae
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys.signing import SigningKey
from ostiary.testing.models import lightgbm_text

KEY = SigningKey.from_seed("t.model.1", bytes(range(32)))
PREDICATE = ArtifactPredicate(kind="access-risk-model", created_ns=1_000, producer="test", feature_set="sha256:aa")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "model"
    place.mkdir()
    (place / "model.txt").write_text(lightgbm_text())
    (place / "schema.json").write_text('{"features": []}')
    (place / "card.md").write_text("# card\n")
    return place


def test_signed_folder_gives_back_its_bytes(folder: Path) -> None:
    digest = sign_artifact(folder, KEY, PREDICATE)
    verified = verify_artifact(folder, [KEY.public], kind="access-risk-model", pinned=digest)
    assert verified.digest == digest
    assert dict(verified.files) == {
        "card.md": b"# card\n",
        "model.txt": lightgbm_text().encode(),
        "schema.json": b'{"features": []}',
    }
    assert verified.predicate == PREDICATE


def test_manifest_is_a_standard_dsse_envelope(folder: Path) -> None:
    sign_artifact(folder, KEY, PREDICATE)
    envelope = json.loads((folder / MANIFEST_NAME).read_bytes())
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert envelope["signatures"][0]["keyid"] == "t.model.1"
    assert sorted(envelope) == ["payload", "payloadType", "signatures"]


def test_pre_authentication_encoding_follows_the_published_example() -> None:
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"  # DSSE v1.0 protocol.md
    assert pae("http://example.com/HelloWorld", b"hello world") == expected


def test_signing_twice_replaces_the_manifest(folder: Path) -> None:
    first = sign_artifact(folder, KEY, PREDICATE)
    (folder / "card.md").write_text("# another\n")
    second = sign_artifact(folder, KEY, PREDICATE)
    assert first != second
    assert verify_artifact(folder, [KEY.public]).digest == second


def test_same_files_and_predicate_give_the_same_digest(folder: Path) -> None:
    assert sign_artifact(folder, KEY, PREDICATE) == sign_artifact(folder, KEY, PREDICATE)


def test_absent_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FaultyInputError, match="no folder") as caught:
        verify_artifact(tmp_path / "nowhere", [KEY.public])
    assert caught.value.code == "artifact_absent"


def test_empty_folder_is_not_signed(tmp_path: Path) -> None:
    with pytest.raises(FaultyInputError) as caught:
        sign_artifact(tmp_path, KEY, PREDICATE)
    assert caught.value.code == "artifact_empty"


def test_too_many_files_are_refused(folder: Path) -> None:
    sign_artifact(folder, KEY, PREDICATE)
    with pytest.raises(VerificationError) as caught:
        verify_artifact(folder, [KEY.public], limits=ArtifactLimits(max_files=2))
    assert caught.value.code == "artifact_too_large"


@pytest.mark.parametrize("limits", [ArtifactLimits(max_file_bytes=5), ArtifactLimits(max_total_bytes=20)])
def test_too_many_bytes_are_refused(folder: Path, limits: ArtifactLimits) -> None:
    sign_artifact(folder, KEY, PREDICATE)
    with pytest.raises(VerificationError) as caught:
        verify_artifact(folder, [KEY.public], limits=limits)
    assert caught.value.code == "artifact_too_large"


def test_one_key_given_twice_is_one_signature(folder: Path) -> None:
    sign_artifact(folder, KEY, PREDICATE)
    with pytest.raises(VerificationError, match="1 trusted signatures on the artefact, 2 needed"):
        verify_artifact(folder, [KEY.public, SigningKey.from_seed("other", bytes(range(32))).public], threshold=2)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("weights.bin", b"\x00"),
        ("model", b"tree\n"),
        ("model.txt", b"not a tree"),
        ("model.json", b"{"),
        ("model.json", b"[" * 100_000),
        ("card.md", b"\xff\xfe"),
        ("card.md", b"nul\x00"),
        ("net.onnx", b"\x80\x04\x95"),
        ("net.onnx", b""),
        ("net.safetensors", b"\x02\x00\x00\x00\x00\x00\x00\x00[]"),
        ("net.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\xff{}"),
        ("net.safetensors", b"short"),
        ("model.txt", b"\x80\x05" + b"tree"),
        ("model.pt", b"PK\x03\x04archive/data.pkl"),
        ("model.json", b"PK\x03\x04archive/data.pkl"),
        ("model.txt", b"\x1f\x8b\x08"),
    ],
)
def test_formats_outside_the_list_are_refused(name: str, data: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        check_format(name, data)
    assert caught.value.code == "artifact_format_refused"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.txt", lightgbm_text().encode()),
        ("a.json", b"[1]"),
        ("card.md", "\u00fcber".encode()),
        ("net.onnx", b"\x08\x0a\x3a\x00\x42\x02\x10\x15"),
        ("net.safetensors", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"),
    ],
)
def test_formats_of_the_list_pass(name: str, data: bytes) -> None:
    check_format(name, data)
