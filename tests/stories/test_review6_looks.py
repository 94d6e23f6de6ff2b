"""A byte of an object that is not the manifest's, again and again: each time the server read all of it."""

import hashlib
from pathlib import Path

import pytest

from ostiary.errors import VerificationError
from ostiary.pipeline.datasets.local import LocalObject, LocalObjects
from ostiary.pipeline.datasets.statement import Entry
from ostiary.pipeline.datasets.verified import BLOCK, VerifiedReads

SCOPE = ("t", "d")


def test_what_does_not_agree_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    real = LocalObject.fill

    def fill(self: LocalObject, into: memoryview, start: int) -> None:
        nonlocal read
        read += len(into)
        real(self, into, start)

    monkeypatch.setattr(LocalObject, "fill", fill)
    content, reads = bytes(4 * BLOCK), VerifiedReads()
    (tmp_path / "a").write_bytes(content)
    entry = Entry("a", len(content), "sha256", "0" * 64)
    for _ in range(3):
        with LocalObjects(tmp_path).open("a") as one, pytest.raises(VerificationError) as no:
            reads.blocks(SCOPE, one, entry)
        assert no.value.code == "object_modified"
    assert read == len(content)
    # another manifest, or another version, is looked at anew
    right = Entry("a", len(content), "sha256", hashlib.sha256(content).hexdigest())
    with LocalObjects(tmp_path).open("a") as one:
        assert reads.blocks(SCOPE, one, right) is not None
