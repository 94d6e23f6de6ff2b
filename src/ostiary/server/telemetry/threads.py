"""Processor time of this process by what its threads do, read from their clocks at each scrape.

- A thread is known by the name that it was started with; the kinds are a closed set.
- ``rest`` is what the process used beside the threads that live: the policy engine's own threads, which Python does
  not know, and threads that have ended.
"""

import threading
import time
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

_KINDS: Final = {
    "MainThread": "loop",
    "asyncio_": "chores",
    "decide-": "decide",
    "ostiary-audit-writer": "log",
    "ostiary-learner": "learner",
    "shadow-": "shadow",
    "uvloop_": "chores",
}
KINDS: Final = (*sorted(set(_KINDS.values())), "other", "rest")


def kind_of(name: str) -> str:
    """Return what a thread of this name does.

    >>> kind_of("decide-3"), kind_of("Thread-7 (run)")
    ('decide', 'other')
    """
    return next((kind for start, kind in _KINDS.items() if name.startswith(start)), "other")


def seconds() -> dict[str, float]:
    """Return processor time by kind; all in ``rest`` where the system does not tell it of single threads."""
    used = dict.fromkeys(KINDS, 0.0)
    if hasattr(time, "pthread_getcpuclockid"):
        for thread in threading.enumerate():
            used[kind_of(thread.name)] += _seconds_of(thread)
    used["rest"] = max(0.0, time.process_time() - sum(used.values()))
    return used


def _seconds_of(thread: threading.Thread) -> float:
    if thread.ident is None or not thread.is_alive():
        return 0.0
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    except OSError:  # it ended just now; what it used is in the rest
        return 0.0


class ThreadTimes(Collector):
    """The same as a metric."""

    @override
    def collect(self) -> Iterator[Metric]:
        """Read the clocks."""
        family = CounterMetricFamily(
            "ostiary_thread_cpu_seconds", "processor time by what threads do", labels=["thread"]
        )
        for kind, used in seconds().items():
            family.add_metric([kind], used)
        yield family
