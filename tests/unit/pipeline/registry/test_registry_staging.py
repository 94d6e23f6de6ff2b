"""Uploads: whose they are, how much they hold, how they end."""

from pathlib import Path

import pytest

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.pipeline.registry.staging import Staging, StagingLimits, Upload
from ostiary.testing.fake_clock import FakeClock

ACME = ("acme", "fraud", "ci_job:train")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def staging(tmp_path: Path, clock: FakeClock) -> Staging:
    return Staging(tmp_path, StagingLimits(max_bytes=100, max_files=3, max_uploads=4, life_s=60), clock.now_ns)


def place(upload: Upload) -> tuple[str, str, str, str]:
    return upload.tenant, upload.upload_id, upload.name, upload.subject


def put(staging: Staging, upload: Upload, path: str, data: bytes) -> None:
    incoming = staging.incoming(*place(upload), path)
    incoming.feed(data)
    incoming.finish()


def test_files_arrive_whole_and_are_sealed_together(staging: Staging) -> None:
    upload = staging.begin(*ACME)
    put(staging, upload, "a/b.bin", b"one")
    half = staging.incoming(*place(upload), "half.bin")
    half.feed(b"ha")
    folder = staging.seal(*place(upload))
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == ["a/b.bin"]
    half.feed(b"lf")
    half.finish()
    assert not (folder / "half.bin").exists()
    with pytest.raises(RefusedError):
        staging.incoming("acme", upload.upload_id, "fraud", "ci_job:other", "x")
    staging.erase(folder)
    with pytest.raises(RefusedError, match="no such upload"):
        staging.seal(*place(upload))


def test_an_upload_is_unknown_to_everybody_else(staging: Staging) -> None:
    upload = staging.begin(*ACME)
    for tenant, name, subject in (("beta", *ACME[1:]), ("acme", "churn", ACME[2]), (*ACME[:2], "ci_job:x")):
        with pytest.raises(RefusedError) as told:
            staging.seal(tenant, upload.upload_id, name, subject)
        assert told.value.code == "upload_unknown"
    for odd in ("..", "upl_" + "A" * 25, upload.upload_id + "/../x", ""):
        with pytest.raises(RefusedError):
            staging.incoming("acme", odd, "fraud", ACME[2], "x")


def test_bytes_files_and_uploads_are_bounded(staging: Staging) -> None:
    upload = staging.begin(*ACME)
    put(staging, upload, "a", bytes(60))
    incoming = staging.incoming(*place(upload), "b")
    with pytest.raises(FaultyInputError, match="at most 100 bytes"):
        incoming.feed(bytes(41))
    incoming.feed(bytes(40))
    incoming.finish()
    put(staging, upload, "c", b"")
    with pytest.raises(FaultyInputError):
        staging.incoming(*place(upload), "d")
    staging.begin(*ACME)
    with pytest.raises(UnavailableError):
        staging.begin(*ACME)
    staging.begin("beta", *ACME[1:])


@pytest.mark.parametrize("path", ["../x", "/x", "a/../x", ".x", "a/.x", "", "a\x00", "a" * 600, "é"])
def test_files_lie_inside(staging: Staging, path: str) -> None:
    upload = staging.begin(*ACME)
    with pytest.raises(FaultyInputError):
        staging.incoming(*place(upload), path)


def test_what_nobody_finishes_is_swept(staging: Staging, clock: FakeClock, tmp_path: Path) -> None:
    old = staging.begin(*ACME)
    clock.advance(50)
    young = staging.begin(*ACME)
    clock.advance(20)
    staging.sweep()
    assert [path.name for path in (tmp_path / "acme").iterdir()] == [young.upload_id]
    with pytest.raises(RefusedError):
        staging.drop(*place(old))
    staging.drop(*place(young))
    staging.forget("acme")
    assert not (tmp_path / "acme").exists()


def test_a_dry_run_gives_the_files_back(staging: Staging) -> None:
    upload = staging.begin(*ACME)
    put(staging, upload, "a", b"1")
    staging.unseal(staging.seal(*place(upload)))
    put(staging, upload, "b", b"2")
    folder = staging.seal(*place(upload))
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]


def test_a_disk_that_fails_is_a_no(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "acme").write_bytes(b"a file")
    staging = Staging(tmp_path, StagingLimits(), clock.now_ns)
    with pytest.raises(OstiaryError) as told:
        staging.begin(*ACME)
    assert told.value.code == "staging_unavailable"
