"""Whether a file's stamps can be believed: the kernel's clock for files goes in steps of some milliseconds.

Two changes within one step leave the same stamps. So what was read is remembered under a file's stamps only when they
were older than the kernel's clock *before* the reading: whatever changes the file then leaves other stamps. This is
about the kernel's own clock and its own stamps; no other clock would do.
"""

import os
import stat
import time
from typing import Final

MAX_WAIT_S: Final = 0.05
COARSE: Final = 5  # CLOCK_REALTIME_COARSE of Linux, which Python does not name
_STEP_S: Final = 0.002


def stamps(found: os.stat_result) -> str:
    """Return a name for a file as it stands; content and rights cannot change without another one, once settled."""
    return f"{found.st_dev}:{found.st_ino}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_size}"


def settled(found: os.stat_result) -> bool:
    """Return whether a change from now on leaves other stamps than these."""
    return time.clock_gettime_ns(COARSE) > found.st_ctime_ns


def settles(opened: int) -> bool:
    """Wait for an open file to be settled, for a moment; return whether it is, and a regular file."""
    end = time.monotonic() + MAX_WAIT_S
    while (regular := stat.S_ISREG((found := os.fstat(opened)).st_mode)) and not settled(found):
        if time.monotonic() > end:
            return False
        time.sleep(_STEP_S)
    return regular
