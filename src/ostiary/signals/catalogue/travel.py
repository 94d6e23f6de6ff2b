"""Countries that change faster than people travel. Without coordinates no distance is claimed, only the change."""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import span
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent

_HOUR: Final = 3_600
_LONGEST_HOURS: Final = 24 * 90
_FEATURES: Final = (
    Feature("country_changed", "1 when the country is not the one of the subject's last access", "flag", 1),
    Feature("country_change_speed", "changes per hour that this change of country would mean", "ln(1+1/hours)", 1),
    Feature("country_settled", "how long the last country was kept, at most 90 days", "ln(1+hours)", 0),
    Feature("country_back_and_forth", "1 when this returns to the country before the last within a change", "flag", 0),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the four features."""
    own, here = history.own, event.country
    if here is None or own.country is None:
        return (NAN, NAN, NAN, NAN)
    now = history.moment.now
    settled = log1p(min(max(0, now - own.country_since) / _HOUR, _LONGEST_HOURS))
    if here == own.country:
        return (0.0, 0.0, settled, 0.0)
    hours = max(now - own.last, 60) / _HOUR
    return (1.0, log1p(1.0 / hours), settled, 1.0 if here == own.country_before else 0.0)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the journey in words."""
    own = history.own
    if event.country is None or own.country is None:
        return "the country is not known"
    if event.country == own.country:
        return f"still in {shown(event.country)}"
    after = span(max(history.moment.now - own.last, 60))
    return f"in {shown(event.country)} {after} after an access from {shown(own.country)}"


SIGNAL: Final = Signal(Family.TRAVEL, _FEATURES, ("country", "time_ns"), ("subject",), extract, words)
