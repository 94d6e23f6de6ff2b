"""A process that tries a candidate out may die at any moment: it leaves no thread behind and no pipe open."""

import queue

import pytest

from ostiary.server.impact import workers


@pytest.mark.parametrize("order", [b"x", b"x" * 1_000_000])
def test_a_worker_that_dies_leaves_nothing(monkeypatch: pytest.MonkeyPatch, order: bytes) -> None:
    monkeypatch.setattr(workers, "_COMMAND", ("-c", "raise SystemExit(3)"))
    one = workers._One(order, queue.Queue(), 100)
    one.process.wait()
    one.kill()
    assert not one.busy
    assert one.process.stdin is not None
    assert one.process.stdin.closed
