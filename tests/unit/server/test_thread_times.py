"""Processor time by what threads do, as a metric and as the benchmark reads it."""

import threading
import time

import httpx
import pytest

from ostiary.server.bench import rounds
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.telemetry.threads import KINDS, seconds


def test_a_thread_is_counted_by_its_name() -> None:
    before, done, told = seconds()["decide"], threading.Event(), threading.Event()

    def work() -> None:
        begun = time.thread_time()
        while time.thread_time() - begun < 0.02:
            pass
        done.set()
        told.wait(10)

    threading.Thread(target=work, name="decide-77").start()
    done.wait(10)
    used = seconds()
    told.set()
    assert used["decide"] - before >= 0.02
    assert set(used) == set(KINDS)
    assert used["loop"] > 0


def test_the_benchmark_reads_them_from_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Metrics().exposition().decode()
    monkeypatch.setattr(httpx, "get", lambda _url, timeout: httpx.Response(200, text=text))
    assert set(rounds.threads_s((1,))) == set(KINDS)
    assert rounds.threads_s((1, 2))["loop"] == 2 * rounds.threads_s((1,))["loop"]


def test_who_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_url: str, timeout: float) -> httpx.Response:
        raise httpx.ConnectError("nobody")

    monkeypatch.setattr(httpx, "get", nobody)
    assert rounds.threads_s((1,)) == {}
