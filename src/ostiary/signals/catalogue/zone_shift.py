"""How far the offset from UTC is from what the subject usually has, had last, and had when the sitting began."""

from typing import Final

from ostiary.signals.catalogue.timezone import offset_words
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_HALF_DAY: Final = 720
_FEATURES: Final = (
    Feature("zone_shift_last", "hours between this offset from UTC and the subject's last one", "hours", 0),
    Feature("zone_shift_session", "hours between this offset and the one the sitting began with", "hours", 1),
)


def _apart(one: int, other: int) -> float:
    away = abs(one - other)
    return min(away, abs(2 * _HALF_DAY - away)) / 60


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the two features."""
    offset, own, session = event.tz_offset_min, history.own, history.session
    if offset is None:
        return (NAN,) * len(_FEATURES)
    return (
        NAN if own.timezone is None else _apart(offset, own.timezone),
        NAN if session is None or session.timezone is None else _apart(offset, session.timezone),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the shift against the subject's own time zone."""
    if event.tz_offset_min is None:
        return "the time zone is not told"
    here, last = offset_words(event.tz_offset_min), history.own.timezone
    return f"time zone {here} is {value:.1f} hours from {offset_words(last) if last is not None else 'your own'}"


SIGNAL: Final = Signal(Family.TIME, _FEATURES, ("tz_offset_min",), ("subject",), extract, words)
