"""Surprise that goes on: of this sitting so far, and of the last sittings against what the subject usually shows.

A one-sided CUSUM (Page 1954) over sittings sees the patient attacker, who stays a little unusual for long.
"""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_HIGH: Final = 3.0
_FEATURES: Final = (
    Feature("session_surprise_max", "worst resource surprise of the sitting so far", "nats", 1),
    Feature("session_surprise_mean", "mean resource surprise of the sitting so far", "nats", 1),
    Feature("drift_surprise", "recent level of worst surprise over the subject's usual level", "nats", 1),
    Feature("drift_surprise_unusual", "the same in the subject's own deviations", "deviations", 1),
    Feature("drift_strain", "one-sided CUSUM of sitting surprise", "deviations", 1),
    Feature(
        "zone_surprise_lately",
        "recent level of time zone surprise over the subject's usual level",
        "nats",
        0,
        ("tz_offset_min",),
    ),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the six features."""
    own, session = history.own, history.session
    seen, mean, variance = own.surprise
    away = own.surprise_lately - mean if seen else NAN
    return (
        NAN if session is None else session.surprise_max,
        NAN if session is None else session.surprise_sum / session.events,
        away,
        away / (variance**0.5 + 0.25) if seen else NAN,
        own.strain if seen else NAN,
        own.zone_lately - own.zone_surprise[1] if own.zone_surprise[0] else NAN,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the surprise in words."""
    if isnan(value):
        return "there is too little history to see a drift"
    if name.startswith("session"):
        return f"this session {'already held something' if value > _HIGH else 'held nothing'} unusual for you"
    if name == "zone_surprise_lately":
        return f"your time zone has been {'less' if value > 0 else 'no less'} settled lately than usual"
    return f"what you do lately {'differs from' if value > 1 else 'looks like'} what you always did"


SIGNAL: Final = Signal(
    Family.SURPRISE,
    _FEATURES,
    ("resource_type", "resource_id", "time_ns"),
    ("subject", "peers", "tenant"),
    extract,
    words,
    "drift",
)
