"""The writer waits a little for records that are still to come, and never for nobody."""

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from ostiary.audit import AuditLog
from ostiary.audit import writer as room


def append(log: AuditLog, number: int) -> Future[Any]:
    return log.append("default", "decision", f"dec_{number}", 1000 + number, b"payload", "ann")


def test_records_that_are_still_to_come_go_into_one_transaction(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "GATHER_S", 10.0)
    all_there, before = threading.Event(), log.stats.batches
    log.gather_while(lambda: not all_there.is_set())
    waiting = [append(log, number) for number in range(5)]
    all_there.set()
    assert [one.result(10).index for one in waiting] == list(range(5))
    assert log.stats.batches == before + 1


def test_the_wait_has_an_end_whoever_is_still_to_come(log: AuditLog) -> None:
    log.gather_while(lambda: True)
    assert append(log, 1).result(10).index == 0


def test_a_lone_record_is_written_at_once(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def slept(_seconds: float) -> None:
        raise AssertionError

    monkeypatch.setattr("ostiary.audit.writer.time.sleep", slept)
    assert append(log, 1).result(10).index == 0


def test_a_log_that_is_closed_waits_for_nobody(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "GATHER_S", 600.0)
    log.gather_while(lambda: True)
    last = append(log, 1)
    log.close()
    assert last.result(0).index == 0
