"""How sensitive the resource is, and whether the subject usually works with what is that sensitive."""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.numbers import unusual
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.windows import Metric
from ostiary.vocabulary.events import AccessEvent

_MOST: Final = 4
_LEVELS: Final = ("public", "internal", "confidential", "secret", "crown jewels")
_PRODUCTION: Final = frozenset({"production", "prod", "env:prod", "env:production"})
_LEVEL: Final = ("sensitivity",)
_FEATURES: Final = (
    Feature("sensitivity", "sensitivity of the resource, 0 public to 4 crown jewels", "level", 1, _LEVEL),
    Feature(
        "sensitivity_unusual", "this sensitivity against what the subject usually works with", "deviations", 1, _LEVEL
    ),
    Feature("sensitive_1h", "accesses to sensitive resources in the last 1h", "ln(1+count)", 1, _LEVEL),
    Feature("sensitive_24h", "accesses to sensitive resources in the last 24h", "ln(1+count)", 1, _LEVEL),
    Feature("production", "1 when the resource is labelled as production", "flag", 1, ("labels",)),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the five features."""
    _, hour, day, _ = history.windows
    level = event.sensitivity
    here = NAN if level is None else float(max(0, min(level, _MOST)))
    odd = NAN if level is None else unusual(history.own.sensitivity, here)
    production = NAN if not event.labels else 0.0 if _PRODUCTION.isdisjoint(event.labels) else 1.0
    if not history.own.sensitivity[0] and not day[Metric.SENSITIVE]:
        return (here, odd, NAN, NAN, production)
    return (here, odd, log1p(hour[Metric.SENSITIVE]), log1p(day[Metric.SENSITIVE]), production)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the sensitivity against the subject's usual one."""
    if name == "production":
        return "it is a production resource" if value == 1.0 else "it is not labelled as production"
    if event.sensitivity is None:
        return "its sensitivity is not known"
    here, usual = _LEVELS[max(0, min(event.sensitivity, _MOST))], history.own.sensitivity
    if not usual[0]:
        return f"it is rated {here}"
    return f"it is rated {here}; you usually work with {_LEVELS[max(0, min(round(usual[1]), _MOST))]}"


SIGNAL: Final = Signal(Family.RESOURCE, _FEATURES, ("sensitivity", "labels"), ("subject",), extract, words)
