"""A full disk: refused, counted, noted down, and over by itself when there is room again. Nothing ever hangs."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ostiary.audit import AuditLog, AuditSettings, DiskReserve
from ostiary.errors import UnavailableError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.storage.sqlite import FileStore
from ostiary.testing.fake_clock import FakeClock

MIB = 1 << 20


class Disk:
    """How much is free, as far as the log is told."""

    def __init__(self) -> None:
        self.free = 1000 * MIB

    def __call__(self, _: Path) -> int:
        return self.free


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def reserve(tmp_path: Path, disk: Disk) -> DiskReserve:
    return DiskReserve(tmp_path, 2 * MIB, 32 * MIB, disk)


@pytest.fixture
def guarded(
    store: FileStore, vault: SubjectVault, ring: KeyRing, clock: FakeClock, reserve: DiskReserve
) -> Iterator[AuditLog]:
    with AuditLog(store, vault, ring, clock, AuditSettings(), reserve) as log:
        yield log


def _is_held(reserve: DiskReserve) -> bool:
    return reserve.held


def _append(log: AuditLog, name: str) -> int:
    return log.append("default", "decision", name, 1, b"x", "ann").result(10).index


def _refused(log: AuditLog, name: str) -> str:
    with pytest.raises(UnavailableError) as caught:
        _append(log, name)
    return caught.value.code


def test_the_reserve_holds_real_space(reserve: DiskReserve, tmp_path: Path) -> None:
    assert reserve.held
    assert (tmp_path / "reserve.bin").stat().st_blocks * 512 >= 2 * MIB


def test_a_full_disk_is_refused_noted_down_and_over_by_itself(
    guarded: AuditLog, disk: Disk, reserve: DiskReserve
) -> None:
    assert _append(guarded, "dec_1") == 0
    assert reserve.held
    disk.free = 3 * MIB
    assert [_refused(guarded, f"dec_no_{n}") for n in range(5)] == ["disk_full"] * 5
    assert not _is_held(reserve)
    (noted,) = guarded.iterate("system", kind="refusals")
    assert msgspec.json.decode(noted.payload or b"")["reasons"] == {"disk_full": 1}
    disk.free = 1000 * MIB
    _append(guarded, "dec_2")
    assert _is_held(reserve)
    counts = [msgspec.json.decode(r.payload or b"")["reasons"] for r in guarded.iterate("system", kind="refusals")]
    assert sum(count["disk_full"] for count in counts) == 5
    assert [record.record_id for record in guarded.iterate("default")] == ["dec_1", "dec_2"]


def test_when_sqlite_itself_finds_the_disk_full_the_batch_fails_whole(log: AuditLog, store: FileStore) -> None:
    _append(log, "dec_1")
    size = store.head()
    pages = store.file._writer.execute("PRAGMA page_count").fetchone()[0]
    store.file._writer.execute(f"PRAGMA max_page_count = {pages}")
    big = [log.append("default", "decision", f"big_{n}", 1, bytes(50_000), "ann") for n in range(20)]
    assert {type(future.exception(10)) for future in big} == {UnavailableError}
    assert {future.exception().code for future in big} == {"disk_full"}  # type: ignore[union-attr]
    assert store.head() == size
    store.file._writer.execute("PRAGMA max_page_count = 1073741823")
    _append(log, "dec_2")
    assert {record.record_id for record in log.iterate("default")} == {"dec_1", "dec_2"}
    counts = [msgspec.json.decode(r.payload or b"")["reasons"] for r in log.iterate("system", kind="refusals")]
    assert sum(count["disk_full"] for count in counts) == 20


def test_a_database_that_went_away_is_unavailable(log: AuditLog, store: FileStore) -> None:
    store.file._writer.close()
    assert _refused(log, "dec_1") == "storage_unavailable"


def test_without_room_for_the_reserve_the_log_refuses_to_pretend(tmp_path: Path, disk: Disk) -> None:
    disk.free = 0
    reserve = DiskReserve(tmp_path, 2 * MIB, 32 * MIB, disk)
    with pytest.raises(UnavailableError):
        reserve.check()


def test_what_fails_is_told_once_and_over_without_anybody_asking(
    guarded: AuditLog, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    guarded.check()
    disk.free = 3 * MIB
    with caplog.at_level(logging.WARNING, "ostiary.audit.writer"):
        assert [_refused(guarded, f"dec_no_{n}") for n in range(3)] == ["disk_full"] * 3
        with pytest.raises(UnavailableError, match="could not be written"):
            guarded.check()
        disk.free = 1000 * MIB
        until = time.monotonic() + 10
        while guarded.stats.failing and time.monotonic() < until:
            time.sleep(0.02)
    guarded.check()
    told = [record.getMessage() for record in caplog.records]
    assert len([text for text in told if "cannot be written" in text]) == 1
    assert len([text for text in told if "written again" in text]) == 1


@pytest.mark.parametrize("damage", [b"", b"[{", b"{}"])
def test_a_damaged_log_key_is_found_before_anybody_asks(
    guarded: AuditLog, ring: KeyRing, tmp_path: Path, damage: bytes
) -> None:
    index = tmp_path / "keys" / "ring" / "system" / "log" / "ring.json"
    good = index.read_bytes()
    index.write_bytes(damage)
    with pytest.raises(UnavailableError) as caught:
        guarded.check()
    assert caught.value.code == "key_unavailable"
    assert _refused(guarded, "dec_1") == "key_unavailable"
    index.write_bytes(good)
    assert _append(guarded, "dec_2") >= 0
    guarded.check()
