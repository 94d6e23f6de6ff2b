"""How much one access takes, and how much the subject has taken lately: rows, files or objects, and bytes."""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.numbers import Number, unusual
from ostiary.signals.phrases import unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.tallies import sane
from ostiary.signals.windows import Metric
from ostiary.vocabulary.events import AccessEvent

_COUNT: Final = ("count",)
_BYTES: Final = ("bytes",)
_FEATURES: Final = (
    Feature("amount", "rows, files or objects touched by this access", "ln(1+count)", 0, _COUNT),
    Feature("amount_unusual", "this amount against the subject's usual ones", "deviations", 0, _COUNT),
    Feature("bytes", "bytes moved by this access", "ln(1+bytes)", 0, _BYTES),
    Feature("bytes_unusual", "these bytes against the subject's usual ones", "deviations", 1, _BYTES),
    Feature("amount_1h", "rows, files or objects touched in the last 1h", "ln(1+count)", 0, _COUNT),
    Feature("amount_24h", "rows, files or objects touched in the last 24h", "ln(1+count)", 0, _COUNT),
    Feature("bytes_1h", "bytes moved in the last 1h", "ln(1+bytes)", 1, _BYTES),
    Feature("bytes_24h", "bytes moved in the last 24h", "ln(1+bytes)", 1, _BYTES),
)


def _pair(amount: float | None, usual: Number) -> tuple[float, float]:
    told = sane(amount)
    if told is None:
        return NAN, NAN
    size = log1p(told)
    return size, unusual(usual, size)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the eight features."""
    own, (_, hour, day, _) = history.own, history.windows
    amount, amount_odd = _pair(event.count, own.amount)
    size, size_odd = _pair(event.bytes, own.volume)
    counts = (NAN, NAN) if not own.amount[0] else (log1p(hour[Metric.AMOUNT]), log1p(day[Metric.AMOUNT]))
    sizes = (NAN, NAN) if not own.volume[0] else (log1p(hour[Metric.BYTES]), log1p(day[Metric.BYTES]))
    return (amount, amount_odd, size, size_odd, *counts, *sizes)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the amount against the subject's usual one."""
    noun, usual = ("bytes", history.own.volume) if name.startswith("bytes") else ("items", history.own.amount)
    if name.endswith("h"):
        return f"{unlogged(value):,.0f} {noun} in the last {'hour' if name.endswith('_1h') else '24 hours'}"
    told = sane(event.bytes if noun == "bytes" else event.count)
    if told is None:
        return f"the number of {noun} is not told"
    return f"{told:,.0f} {noun}" + (f"; you usually take about {unlogged(usual[1]):,.0f}" if usual[0] else "")


SIGNAL: Final = Signal(Family.VOLUME, _FEATURES, ("count", "bytes"), ("subject",), extract, words)
