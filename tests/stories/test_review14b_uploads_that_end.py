"""Uploads that are erased while their files arrive: the bytes went on into files without a name, past every bound.

Whoever may register could begin, send, erase and begin again: each stream kept its disk, and none was counted.
"""

from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.registry.staging import Staging, StagingLimits

WHO = ("acme", "fraud", "workload:ci")


def staging(folder: Path) -> Staging:
    return Staging(folder, StagingLimits(max_bytes=100, max_uploads=2), lambda: 0)


def test_a_stream_ends_with_its_upload(tmp_path: Path) -> None:
    room = staging(tmp_path)
    for _ in range(3):
        upload = room.begin(*WHO).upload_id
        incoming = room.incoming("acme", upload, "fraud", "workload:ci", "model.onnx")
        incoming.feed(b"x" * 60)
        room.drop("acme", upload, "fraud", "workload:ci")
        with pytest.raises(RefusedError, match="has ended"):
            incoming.feed(b"x" * 60)
        incoming.drop()
    assert room._used == {}


def test_a_stream_ends_when_the_upload_becomes_a_version(tmp_path: Path) -> None:
    room = staging(tmp_path)
    upload = room.begin(*WHO).upload_id
    incoming = room.incoming("acme", upload, "fraud", "workload:ci", "model.onnx")
    room.erase(room.seal("acme", upload, "fraud", "workload:ci"))
    with pytest.raises(RefusedError, match="has ended"):
        incoming.feed(b"x")
    incoming.drop()


def test_an_upload_goes_on_after_a_restart_and_is_bounded_as_before(tmp_path: Path) -> None:
    upload = staging(tmp_path).begin(*WHO).upload_id
    incoming = staging(tmp_path).incoming("acme", upload, "fraud", "workload:ci", "model.onnx")
    incoming.feed(b"x" * 100)
    with pytest.raises(FaultyInputError, match="100 bytes"):
        incoming.feed(b"x")
    incoming.drop()
