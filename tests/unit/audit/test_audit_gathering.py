"""The writer waits a little for records that are still to come, and never for nobody."""

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from ostiary.audit import AuditLog


def append(log: AuditLog, number: int) -> Future[Any]:
    return log.append("default", "decision", f"dec_{number}", 1000 + number, b"payload", "ann")


def test_records_that_are_still_to_come_go_into_one_transaction(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    all_there, before, asked = threading.Event(), log.stats.batches, list[float]()

    def sleep(seconds: float) -> None:
        asked.append(seconds)
        all_there.wait(10)

    monkeypatch.setattr("ostiary.audit.writer.time.sleep", sleep)
    log.be_patient(lambda: 0.002)
    waiting = [append(log, number) for number in range(5)]
    all_there.set()
    assert [one.result(10).index for one in waiting] == list(range(5))
    assert (log.stats.batches, asked) == (before + 1, [0.002])


def test_a_lone_record_is_written_at_once(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("ostiary.audit.writer.time.sleep", slept.append)
    log.be_patient(lambda: 0.0)
    assert append(log, 1).result(10).index == 0
    assert slept == []
