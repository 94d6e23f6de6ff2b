"""How long since the subject's last access, against the pauses it usually makes."""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import span, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_DAY: Final = 86_400
_DORMANT_DAYS: Final = 30
_FEATURES: Final = (
    Feature("gap", "seconds since the subject's last access", "ln(1+seconds)", 0),
    Feature("gap_unusual", "pause before this sitting against the subject's usual pauses", "deviations", 0),
    Feature("dormant", "days of silence beyond thirty", "ln(1+days)", 1),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the three features."""
    own = history.own
    if not history.known:
        return (NAN, NAN, NAN)
    pause = max(0, history.moment.now - own.last)
    gap = log1p(pause)
    odd = NAN if history.session is not None else unusual(own.gap, gap)
    return (gap, odd, log1p(max(0.0, pause / _DAY - _DORMANT_DAYS)))


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the pause against the subject's usual one."""
    if not history.known:
        return "your first access here"
    usual = f"; you usually pause {span(unlogged(history.own.gap[1]))}" if history.own.gap[0] else ""
    return f"{span(history.moment.now - history.own.last)} since your last access{usual}"


SIGNAL: Final = Signal(Family.TIME, _FEATURES, ("time_ns",), ("subject",), extract, words)
