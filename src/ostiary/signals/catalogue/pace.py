"""How much the subject does now, in four sliding windows, against how much it usually does."""

from math import log, log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.numbers import HALF_LIFE_S, faded
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.windows import SPAN_NAMES, SPAN_WORDS, SPANS, Metric
from ostiary.vocabulary.events import AccessEvent

_LEAST_S: Final = 86_400
_MEAN_LIFE_S: Final = HALF_LIFE_S / log(2)
_FEATURES: Final = (
    *(Feature(f"events_{name}", f"the subject's accesses in the last {name}", "ln(1+count)", 0) for name in SPAN_NAMES),
    *(
        Feature(
            f"events_{name}_ratio", f"accesses in the last {name} against the subject's lifetime rate", "ln ratio", 0
        )
        for name in SPAN_NAMES[1:]
    ),
    Feature("sessions_24h", "sittings opened in the last 24h", "ln(1+count)", 0),
    Feature("sessions_7d", "sittings opened in the last 7d", "ln(1+count)", 0),
    Feature("sessions_7d_ratio", "sittings of the last 7d against the subject's lifetime rate", "ln ratio", 0),
    Feature("pace_ratio", "accesses of the last weeks against the lifetime rate", "ln ratio", 0),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the eleven features."""
    w5, w1, w24, w7 = history.windows
    own = history.own
    counts = (w5[0], w1[0], w24[0], w7[0])
    if not history.known:
        ratios = (NAN, NAN, NAN)
        pace = sittings = NAN
    else:
        lived = max(history.moment.now - own.first, _LEAST_S)
        rate = own.events / lived
        ratios = (
            log((counts[1] + 1) / (rate * SPANS[1] + 1)),
            log((counts[2] + 1) / (rate * SPANS[2] + 1)),
            log((counts[3] + 1) / (rate * SPANS[3] + 1)),
        )
        sittings = log((w7[Metric.SESSIONS] + 1) / (own.sittings / lived * SPANS[3] + 1))
        weight = faded(own.pace, history.moment.now - own.last)
        pace = log((weight + 1) / (rate * min(lived, _MEAN_LIFE_S) + 1))
    return (
        log1p(counts[0]),
        log1p(counts[1]),
        log1p(counts[2]),
        log1p(counts[3]),
        *ratios,
        log1p(w24[Metric.SESSIONS]),
        log1p(w7[Metric.SESSIONS]),
        sittings,
        pace,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the count in the window against the subject's usual rate."""
    if name == "sessions_7d_ratio":
        return f"{plural(history.windows[3][Metric.SESSIONS], 'sitting')} in the last 7 days, against your usual rate"
    if name.startswith("sessions"):
        return f"{plural(unlogged(value), 'sitting')} opened in the last {'24 hours' if '24h' in name else '7 days'}"
    if name == "pace_ratio":
        return f"you are {'more' if value > 0 else 'less'} active in these weeks than you used to be"
    place = SPAN_NAMES.index(name.removeprefix("events_").removesuffix("_ratio"))
    own = history.own
    usual = own.events / max(history.moment.now - own.first, _LEAST_S) * SPANS[place]
    count = history.windows[place][Metric.EVENTS]
    return f"{plural(count, 'access')} in the last {SPAN_WORDS[place]}; your average is {usual:.1f}"


SIGNAL: Final = Signal(Family.VOLUME, _FEATURES, ("time_ns",), ("subject",), extract, words)
