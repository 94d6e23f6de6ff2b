"""How much processor time a thread has used since it began with something, and where it is now."""

import math
import sys
import threading
import time
import traceback
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

FRAMES: Final = 8


class Meter:
    """Made by the thread itself when it begins with something; read by others."""

    def __init__(self) -> None:
        """Begin."""
        self._thread, self._ident = threading.current_thread(), threading.get_ident()
        self._clock = clock_of_thread(self._ident)
        self._begun_s = self._clock()

    def read_s(self) -> float:
        """Return it, or without end for a thread that a bug has ended: it never comes to anything any more."""
        try:
            return self._clock() - self._begun_s if self._thread.is_alive() else math.inf
        except OSError:  # it ended just now, and its clock with it
            return math.inf

    def where(self) -> str:
        """Return in which functions the thread is, the innermost first: names and lines of code, no values."""
        if not self._thread.is_alive():  # another may bear its number by now
            return "the thread has ended"
        frames = traceback.walk_stack(sys._current_frames().get(self._ident))  # noqa: SLF001 - nothing else tells
        told = (f"{Path(frame.f_code.co_filename).name}:{line} {frame.f_code.co_name}" for frame, line in frames)
        return " < ".join(islice(told, FRAMES))


def clock_of_thread(ident: int) -> Callable[[], float]:
    """Return what tells a living thread's processor time in seconds, or the time that passes where no system tells."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    clock = time.pthread_getcpuclockid(ident)
    return lambda: time.clock_gettime(clock)
