"""How the interpreter of a serving process is set: garbage is looked for seldom, and threads take turns quickly.

- What lives when serving begins (bundles, profiles, models: millions of objects) is never garbage: it is frozen, and no
  collection walks through it again.
- So it is while a process starts: most of what is imported stays, and it was walked through again and again.
- A decision leaves few cycles behind: the youngest are looked at after ``YOUNG`` allocations instead of 700.
- A thread that waits for its turn asks for it after ``TURN_S`` instead of 5 ms: the loop and the log's writer have
  little to do and much that waits for them.
"""

import gc
import sys
from typing import Final

YOUNG: Final = 20_000
TURN_S: Final = 0.0005


def seldom() -> None:
    """Look for garbage seldom: for a process that has much to import, before it does."""
    gc.set_threshold(YOUNG, 10, 10)


def tune() -> None:
    """Set this process up for serving; to be called when everything is loaded."""
    gc.collect()
    gc.freeze()
    seldom()
    sys.setswitchinterval(TURN_S)
