"""A blocked model does not load, a tampered one is told, and only a trusted signature names a version."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts.signing import sign_artifact
from ostiary.artifacts.statement import ArtifactPredicate
from ostiary.artifacts.verifying import signed_digest
from ostiary.errors import VerificationError
from ostiary.keys import SigningKey
from ostiary.response.blocks import ModelBlocks
from ostiary.server.places import Places
from ostiary.server.scorers import Scorers
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.parts import FixedScorer


@pytest.fixture
def blocks() -> ModelBlocks:
    return ModelBlocks(MemoryCards())


def scorers(tmp_path: Path, blocks: ModelBlocks, faults: list[str], fault: Exception | None = None) -> Scorers:
    def load(_tenant: str, _source: Path) -> Any:
        if fault is not None:
            raise fault
        return FixedScorer(0.5)

    (tmp_path / "shipped").mkdir(exist_ok=True)

    def told(code: str, _fault: BaseException) -> None:
        faults.append(code)

    return Scorers(Places(tmp_path), None, [tmp_path / "shipped"], load, told, blocked=blocks.is_blocked)


def test_a_blocked_model_is_no_model_until_it_is_freed(tmp_path: Path, blocks: ModelBlocks) -> None:
    faults: list[str] = []
    found = scorers(tmp_path, blocks, faults)
    assert found.scorer("acme") is not None
    assert blocks.block("acme", FixedScorer.digest, "tampered", 1)
    assert not blocks.block("acme", FixedScorer.digest, "again", 2)
    assert found.reload("acme") is None
    assert found.scorer("beta") is not None, "each tenant blocks for itself"
    assert faults == ["model_blocked"]
    assert [one.reason for one in blocks.of_tenant("acme")] == ["tampered"]
    assert blocks.free("acme", FixedScorer.digest)
    assert not blocks.free("acme", FixedScorer.digest)
    assert found.reload("acme") is not None
    assert blocks.block("acme", FixedScorer.digest, "once more", 3)


def test_a_model_that_does_not_verify_is_told(tmp_path: Path, blocks: ModelBlocks) -> None:
    told: list[tuple[str, str]] = []
    found = scorers(tmp_path, blocks, [], VerificationError("artifact_modified", "changed"))
    found.tell_tampered(lambda tenant, _source, fault: told.append((tenant, fault.code)))
    assert found.scorer("acme") is None
    assert told == [("acme", "artifact_modified")]


def test_only_a_trusted_signature_names_a_version(tmp_path: Path) -> None:
    key, other = SigningKey.from_seed("k", bytes(32)), SigningKey.from_seed("o", bytes(range(32)))
    assert signed_digest(tmp_path, [key.public]) == ""
    assert signed_digest(tmp_path / "nothing", [key.public]) == ""
    (tmp_path / "card.json").write_text("{}")
    digest = sign_artifact(tmp_path, key, ArtifactPredicate(kind="x", created_ns=1))
    (tmp_path / "card.json").write_text('{"changed":1}')
    assert signed_digest(tmp_path, [key.public]) == digest, "whatever became of the files"
    assert signed_digest(tmp_path, [other.public]) == "", "a forged statement names no version"
