"""A log that is slow for a while delays a quarantine; it must not make it never happen."""

from concurrent.futures import Future
from typing import Any

import pytest

from ostiary.identity.devices import DeviceBook
from ostiary.response.handlers import QuarantineDevice
from ostiary.response.plan import StepState
from ostiary.response.playbook import Playbook
from ostiary.response.steps import Step, StepKind
from ostiary.response.trigger import Trigger
from ostiary.server import devices
from ostiary.server.devices import BookLog
from ostiary.testing.devices import FakeDevice, open_book
from ostiary.testing.response_parts import ResponseBench

OUT = Playbook("out", triggers=("signal:x",), steps=(Step(StepKind.QUARANTINE_DEVICE),))


class SlowLog:
    """A log whose disk does not answer while it is ``slow``."""

    slow = True

    def append(self, *_told: Any) -> Future[Any]:
        waiting: Future[Any] = Future()
        if not self.slow:
            waiting.set_result(1)
        return waiting


def quarantines(book: DeviceBook) -> ResponseBench:
    bench = ResponseBench([OUT])
    bench.executor._handlers[StepKind.QUARANTINE_DEVICE] = QuarantineDevice(book, bench.sessions)
    return bench


def test_a_quarantine_waits_for_a_slow_log_and_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "RECORD_WAIT_S", 0.01)
    device = FakeDevice(open_book()).enrol("acme")
    log: Any = SlowLog()
    device.book._log = BookLog(log)
    bench = quarantines(device.book)
    bench.executor.respond(Trigger("1", "acme", "signal:x", "", "", device.device_id, {}, 1))
    bench.executor.work()
    (step,) = bench.approvals.listed("acme", ())
    assert (step.state, step.fault) == (StepState.READY, "record_failed")
    assert device.book.find("acme", device.device_id).quarantined_ns == 0
    log.slow = False
    bench.clock.advance(600)
    bench.executor.work()
    assert device.book.find("acme", device.device_id).quarantined_ns > 0
