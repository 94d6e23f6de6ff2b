"""How the process that serves is set: garbage is looked for seldom, threads take turns quickly, memory goes back.

- What lives when serving begins (bundles, profiles, models: millions of objects) is never garbage: it is frozen, and no
  collection walks through it again.
- So it is while a process starts: most of what is imported stays, and it was walked through again and again.
- A decision leaves few cycles behind: the youngest are looked at after ``YOUNG`` allocations instead of 700.
- A thread that waits for its turn asks for it after ``TURN_S`` instead of 5 ms: the loop and the log's writer have
  little to do and much that waits for them.
- The C library keeps one heap for all threads instead of eight for each core, and large blocks outside of it, however
  many of them came and went: else what one thread let go stays its own, in holes between what lives (ADR-0087). It
  reads so at a process's start only, so whoever starts one gives it ``ALLOCATOR``; what an operator set goes before.
"""

import gc
import sys
from typing import Final

YOUNG: Final = 20_000
TURN_S: Final = 0.0005
ALLOCATOR: Final = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "131072",  # glibc begins so, and raises it to 32 MiB by itself when it is not set
    "MALLOC_TRIM_THRESHOLD_": "262144",
}
"""For the environment of a process that serves; other C libraries than glibc read none of it."""


def seldom() -> None:
    """Look for garbage seldom: for a process that has much to import, before it does."""
    gc.set_threshold(YOUNG, 10, 10)


def tune() -> None:
    """Set this process up for serving; to be called when everything is loaded."""
    gc.collect()
    gc.freeze()
    seldom()
    sys.setswitchinterval(TURN_S)
