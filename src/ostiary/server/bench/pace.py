"""How even a machine's own pace is: the same Python work, about a millisecond, over and over.

A tail is told beside it: where this work alone takes twice as long once in a hundred times, on a core that nobody else
of us uses, the host shares that core with others, and no program on it has a 99th percentile below twice its median.
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any, Final

STEPS: Final = 9_000
PAUSE_S: Final = 0.003
TURN: Final = 250


def work() -> int:
    """Do the work; return how much, so that nothing of it can be left out."""
    held: dict[str, int] = {}
    for number in range(STEPS):
        held[str(number)] = number * 2
    return len(held)


def samples(count: int) -> list[int]:
    """Return the processor time of each of ``count`` turns in nanoseconds, with pauses between them."""
    taken: list[int] = []
    for _ in range(count):
        begun = time.thread_time_ns()
        work()
        taken.append(time.thread_time_ns() - begun)
        time.sleep(PAUSE_S)
    return taken


def spread(nanoseconds: Sequence[int]) -> dict[str, float]:
    """Return median and 99th percentile in milliseconds."""
    cuts = statistics.quantiles(nanoseconds, n=100)
    return {"p50_ms": round(cuts[49] / 1e6, 3), "p99_ms": round(cuts[98] / 1e6, 3)}


def turns(nanoseconds: Sequence[int]) -> dict[str, Any]:
    """Return the 99th percentile of each ``TURN`` samples in their order, and the median of these, in milliseconds.

    Where the host slows down for some seconds, all of a long run's tail is made there; of the turns only some are.
    """
    begins = range(0, max(1, len(nanoseconds) - TURN + 1), TURN)
    tails = [spread(nanoseconds[begin : begin + TURN])["p99_ms"] for begin in begins]
    return {"p99_ms": tails, "median_ms": round(statistics.median(tails), 3)}
