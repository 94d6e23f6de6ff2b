"""How even a machine's own pace is: the same Python work, about a millisecond, over and over.

A tail is told beside it: where this work alone takes twice as long once in a hundred times, on a core that nobody else
of us uses, the host shares that core with others, and no program on it has a 99th percentile below twice its median.
"""

import time
from typing import Final

STEPS: Final = 9_000
PAUSE_S: Final = 0.003


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
