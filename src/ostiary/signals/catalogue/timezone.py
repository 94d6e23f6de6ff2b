"""Is the subject's offset from UTC the one it usually has?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.signal import Signal
from ostiary.vocabulary.events import AccessEvent


def offset_words(minutes: int) -> str:
    """Return an offset from UTC as people write it."""
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def _called(event: AccessEvent, _: str) -> str:
    return f"time zone {offset_words(event.tz_offset_min or 0)}"


SIGNAL: Final[Signal] = of_dimension(Dim.TIMEZONE, "time", "time zone", ("tz_offset_min",), _called)
