"""An attacker has write access to the folder where models lie, and tries to get one loaded that nobody signed."""

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from ostiary.artifacts import MANIFEST_NAME, ArtifactPredicate, sign_artifact, verify_artifact
from ostiary.artifacts.dsse import pae
from ostiary.errors import VerificationError
from ostiary.keys.signing import SigningKey
from ostiary.testing.models import lightgbm_text

OURS = SigningKey.from_seed("default.model.1", b"o" * 32)
THEIRS = SigningKey.from_seed("default.model.1", b"t" * 32)  # even under our key's name
DAY_NS = 86_400_000_000_000
A_PICKLE = b"\x80\x04]\x94K\x01a."  # a list, protocol 4


def _write(folder: Path, text: str = "good") -> Path:
    folder.mkdir()
    (folder / "model.txt").write_text(lightgbm_text(text))
    (folder / "schema.json").write_text("{}")
    return folder


def _sign(
    folder: Path, key: SigningKey = OURS, *, kind: str = "access-risk-model", created_ns: int = 2 * DAY_NS
) -> str:
    return sign_artifact(folder, key, ArtifactPredicate(kind=kind, created_ns=created_ns))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = _write(tmp_path / "model")
    _sign(folder)
    return folder


def _refusal(folder: Path, **options: object) -> str:
    with pytest.raises(VerificationError) as caught:
        verify_artifact(folder, [OURS.public], **options)  # type: ignore[arg-type]
    assert caught.value.exit_code == 5
    return caught.value.code


def test_modified_file(model: Path) -> None:
    (model / "model.txt").write_text(lightgbm_text("evil"))
    assert _refusal(model) == "artifact_modified"


def test_unsigned_model(model: Path) -> None:
    (model / MANIFEST_NAME).unlink()
    assert _refusal(model) == "artifact_unsigned"


def test_no_signature_left_in_the_envelope(model: Path) -> None:
    envelope = json.loads((model / MANIFEST_NAME).read_bytes())
    envelope["signatures"] = []
    (model / MANIFEST_NAME).write_text(json.dumps(envelope))
    assert _refusal(model) == "artifact_untrusted_key"


def test_signed_by_a_stranger_under_our_key_id(tmp_path: Path) -> None:
    folder = _write(tmp_path / "evil")
    _sign(folder, THEIRS)
    assert _refusal(folder) == "artifact_untrusted_key"


def test_nobody_is_trusted(model: Path) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_artifact(model, [])
    assert caught.value.code == "artifact_untrusted_key"


def test_threshold_of_zero_is_still_one(model: Path, tmp_path: Path) -> None:
    folder = _write(tmp_path / "evil")
    _sign(folder, THEIRS)
    assert _refusal(folder, threshold=0) == "artifact_untrusted_key"


def test_extra_file(model: Path) -> None:
    (model / "plugin.json").write_text("{}")
    assert _refusal(model) == "artifact_extra_file"


def test_missing_file(model: Path) -> None:
    (model / "schema.json").unlink()
    assert _refusal(model) == "artifact_missing_file"


def test_file_swapped_for_a_link(model: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.txt"
    shutil.copy(model / "model.txt", elsewhere)  # the same bytes today, others tomorrow
    (model / "model.txt").unlink()
    (model / "model.txt").symlink_to(elsewhere)
    assert _refusal(model) == "artifact_link"


def test_folder_swapped_for_a_link(model: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(model)
    with pytest.raises(Exception, match="no folder"):
        verify_artifact(tmp_path / "link", [OURS.public])


def test_file_swapped_for_a_pipe_does_not_hang(model: Path) -> None:
    (model / "schema.json").unlink()
    os.mkfifo(model / "schema.json")
    assert _refusal(model) == "artifact_link"


def test_folder_inside(model: Path) -> None:
    (model / "deep").mkdir()
    assert _refusal(model) == "artifact_link"


def test_older_signed_model_put_back(tmp_path: Path) -> None:
    folder = _write(tmp_path / "old")
    _sign(folder, created_ns=DAY_NS)
    assert _refusal(folder, not_before_ns=2 * DAY_NS) == "artifact_downgrade"


def test_another_signed_model_in_place_of_the_pinned_one(model: Path, tmp_path: Path) -> None:
    pinned = verify_artifact(model, [OURS.public]).digest
    folder = _write(tmp_path / "other", "other")
    _sign(folder)
    assert _refusal(folder, pinned=pinned) == "artifact_not_pinned"


def test_signed_artefact_of_another_kind(tmp_path: Path) -> None:
    folder = _write(tmp_path / "bundle")
    _sign(folder, kind="policy-bundle")
    assert _refusal(folder, kind="access-risk-model") == "artifact_wrong_kind"


def test_pickle_in_the_folder_is_never_signed(tmp_path: Path) -> None:
    folder = _write(tmp_path / "m")
    (folder / "model.txt").write_bytes(A_PICKLE)
    with pytest.raises(VerificationError) as caught:
        _sign(folder)
    assert caught.value.code == "artifact_format_refused"


def test_pickle_signed_by_a_tricked_signer_is_still_refused(tmp_path: Path) -> None:
    """The signature is ours and good; the content is refused all the same."""

    folder = tmp_path / "m"
    folder.mkdir()
    data = A_PICKLE
    (folder / "model.txt").write_bytes(data)
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "urn:ostiary:artifact:v1",
        "subject": [{"name": "model.txt", "digest": {"sha256": hashlib.sha256(data).hexdigest()}}],
        "predicate": {"kind": "access-risk-model", "created_ns": 1},
    }
    _put_manifest(folder, json.dumps(statement).encode())
    assert _refusal(folder) == "artifact_format_refused"


def _put_manifest(folder: Path, payload: bytes) -> None:

    kind = "application/vnd.in-toto+json"
    signature = OURS.sign(pae(kind, payload))
    envelope = {
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": "x"}],
    }
    (folder / MANIFEST_NAME).write_text(json.dumps(envelope))


@pytest.mark.parametrize(
    "change",
    [
        {"predicateType": "urn:ostiary:artifact:v0"},
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"subject": [{"name": "../../etc/passwd", "digest": {"sha256": "00"}}]},
        {"subject": [{"name": "model.txt", "digest": {}}, {"name": "model.txt", "digest": {}}]},
        {"surprise": 1},
    ],
)
def test_statement_of_another_shape_is_refused_though_signed(tmp_path: Path, change: dict[str, object]) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "model.txt").write_text(lightgbm_text())
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "urn:ostiary:artifact:v1",
        "subject": [{"name": "model.txt", "digest": {"sha256": "00"}}],
        "predicate": {"kind": "access-risk-model", "created_ns": 1},
    } | change
    _put_manifest(folder, json.dumps(statement).encode())
    assert _refusal(folder) == "artifact_manifest_malformed"


def test_digest_under_another_algorithm_only_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "model.txt").write_text(lightgbm_text())
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "urn:ostiary:artifact:v1",
        "subject": [{"name": "model.txt", "digest": {"md5": "00"}}],
        "predicate": {"kind": "access-risk-model", "created_ns": 1},
    }
    _put_manifest(folder, json.dumps(statement).encode())
    assert _refusal(folder) == "artifact_modified"


def test_file_changed_after_the_check_changes_nothing(model: Path) -> None:
    """The check and the load see the same bytes: what lies on disk afterwards does not matter."""
    verified = verify_artifact(model, [OURS.public])
    (model / "model.txt").write_text(lightgbm_text("evil"))
    assert verified.files["model.txt"] == lightgbm_text("good").encode()
