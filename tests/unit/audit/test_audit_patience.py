"""Attacks on the writer's patience: it must not end, and not sleep while whoever decides waits for it."""

import pytest

from ostiary.audit import AuditLog
from ostiary.audit.writer import PATIENCE_S, STEP_S


def append(log: AuditLog, number: int) -> None:
    log.append("default", "decision", f"dec_{number}", 1000 + number, b"payload", "ann").result(5)


def test_a_bug_in_what_is_asked_does_not_end_the_only_writer(log: AuditLog) -> None:
    """It was asked outside of what catches: with the writer every answer was gone until a restart."""

    def bug() -> float:
        raise RuntimeError("Set changed size during iteration")

    log.be_patient(bug)
    append(log, 1)
    append(log, 2)


def test_nobody_is_waited_for_who_waits_himself(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign-in waits for its record inside its decision: while many waited for a thread, each took 30 ms more."""
    slept: list[float] = []
    monkeypatch.setattr("ostiary.audit.writer.time.sleep", slept.append)
    log.be_patient(lambda: 1.0)
    append(log, 1)
    assert slept == [STEP_S]


def test_while_records_come_they_are_waited_for_no_longer_than_told(
    log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept, written = [], []

    def another(seconds: float) -> None:
        slept.append(seconds)
        log.be_patient(float)  # for the next transaction
        written.append(log.append("default", "decision", f"dec_{len(slept)}", 1001, b"payload", "ann"))

    monkeypatch.setattr("ostiary.audit.writer.time.sleep", another)
    log.be_patient(lambda: 1.0)
    before = log.stats.batches
    append(log, 0)
    assert sum(slept) == pytest.approx(PATIENCE_S)
    assert [one.result(5).index for one in written] == list(range(1, len(slept) + 1))
    assert log.stats.batches == before + 1
