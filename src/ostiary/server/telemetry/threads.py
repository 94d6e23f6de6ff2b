"""Processor time of this process by what its threads do, read from their clocks at each scrape.

- A thread is known by the name that it was started with; the kinds are a closed set.
- ``rest`` is what the process used beside the threads that live: the policy engine's own threads, which Python does
  not know, and threads that have ended.
"""

import sys
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
_OF_THREAD: Final = 6
"""``CPUCLOCK_SCHED`` of one thread, in Linux' numbers of clocks."""
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
    if sys.platform == "linux":
        for thread in threading.enumerate():
            used[kind_of(thread.name)] += _seconds_of(thread)
    used["rest"] = max(0.0, time.process_time() - sum(used.values()))
    return used


def _seconds_of(thread: threading.Thread) -> float:
    """Ask the kernel by its own number, which it looks up; the C library would follow a pointer to a thread that ended.

    INVARIANT: never ``pthread_getcpuclockid`` of another thread. It may end at any moment, and Python says of those it
    did not start itself that they live for ever: the process would die of a scrape.
    """
    if thread.native_id is None:
        return 0.0
    try:
        return time.clock_gettime(~thread.native_id << 3 | _OF_THREAD)
    except OSError:  # it has ended; what it used is in the rest
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
