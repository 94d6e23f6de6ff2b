"""Refusals of callers that proved nothing: few full records, exact counts."""

import threading

import msgspec

from ostiary.audit import AuditLog
from ostiary.audit.refusals import RefusalMeter
from ostiary.testing.fake_clock import FakeClock


def _told(log: AuditLog) -> dict[str, int]:
    log.append("system", "admin", "adm_barrier", 1, b"{}", "").result(10)
    counts: dict[str, int] = {}
    for record in log.iterate("system", kind="refusals"):
        for reason, count in msgspec.json.decode(record.payload or b"")["reasons"].items():
            counts[reason] = counts.get(reason, 0) + count
    return counts


def test_full_records_are_limited_and_the_rest_is_counted_exactly(log: AuditLog, clock: FakeClock) -> None:
    meter = RefusalMeter(log, clock, per_s=5, burst=20)
    full = sum(meter.note("pep_unauthenticated") for _ in range(1000))
    assert full == 20
    assert meter.waiting == 980
    meter.flush()
    assert meter.waiting == 0
    assert _told(log) == {"pep_unauthenticated": 980}


def test_the_allowance_comes_back_with_time(log: AuditLog, clock: FakeClock) -> None:
    meter = RefusalMeter(log, clock, per_s=5, burst=20)
    assert sum(meter.note("a") for _ in range(30)) == 20
    clock.advance(2)
    assert sum(meter.note("a") for _ in range(30)) == 10


def test_counts_are_written_when_they_are_overdue(log: AuditLog, clock: FakeClock) -> None:
    meter = RefusalMeter(log, clock, per_s=0, burst=0, flush_s=10)
    for _ in range(5):
        meter.note("a")
    clock.advance(11)
    meter.note("b")
    assert _told(log) == {"a": 5, "b": 1}


def test_reasons_are_bounded(log: AuditLog, clock: FakeClock) -> None:
    meter = RefusalMeter(log, clock, per_s=0, burst=0)
    for number in range(1000):
        meter.note(f"reason_{number}")
    meter.flush()
    told = _told(log)
    assert len(told) == 257
    assert sum(told.values()) == 1000


def test_counts_that_cannot_be_written_are_kept(log: AuditLog, clock: FakeClock) -> None:
    meter = RefusalMeter(log, clock, per_s=0, burst=0)
    meter.note("a")
    log.close()
    meter.flush()
    assert meter.waiting == 1


def test_many_threads_lose_no_count(log: AuditLog, clock: FakeClock) -> None:
    meter = RefusalMeter(log, clock, per_s=0, burst=7)
    full: list[bool] = []

    def work() -> None:
        full.extend(meter.note("a") for _ in range(500))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    meter.flush()
    assert sum(full) == 7
    assert _told(log)["a"] == 4000 - 7
