"""Does this access fit somebody else of the organisation better than the one whose name it bears?"""

from math import isnan, log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_HIGH: Final = 1.0
_FEATURES: Final = (
    Feature("lookalike_gain", "ln of how much better the access fits the best other subject than this one", "nats", 1),
    Feature("lookalike_resource", "the part of it that is the resource", "nats", 0),
    Feature("lookalike_place", "the part of it that is network, device and time zone", "nats", 0),
    Feature("lookalike_hour", "the part of it that is the hour", "nats", 0),
    Feature("lookalike_ahead", "gain of the best other subject over the next best or this one", "nats", 0),
    Feature("lookalike_crowd", "ln of the mean chance under the resource's users over this subject's", "nats", 1),
    Feature("lookalike_silence", "how much longer than usual that other subject is silent", "ln ratio", 0),
    Feature("suspect_evidence", "evidence of these days that one other subject acts, this access included", "nats", 1),
    Feature("suspect_gain", "ln of how much better this access fits that one than this subject", "nats", 1),
    Feature("suspect_silence", "how much longer than usual that one is silent", "ln ratio", 0),
    Feature("suspect_before", "most evidence of these days for any one other subject, before this access", "nats", 1),
    Feature("suspect_times", "accesses of these days that fitted that one better", "ln(1+count)", 1),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the twelve features."""
    found = history.lookalike
    return (
        found.gain,
        found.resource,
        found.place,
        found.hour,
        found.ahead,
        found.crowd,
        found.silence,
        found.suspect,
        found.suspect_gain,
        found.suspect_silence,
        found.before,
        log1p(found.suspect_times),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return in words that it looks like somebody else, without naming them."""
    if isnan(value):
        return "nobody else is known to compare this with"
    if name.endswith("silence"):
        return f"the one it looks like is silent {'longer than' if value > 0 else 'no longer than'} usual"
    when = "what you did lately" if name.startswith("suspect") else "this"
    more = "more" if value > _HIGH else "no more"
    return f"{when} looks {more} like somebody else of your organisation than like you"


SIGNAL: Final = Signal(
    Family.PEERS,
    _FEATURES,
    ("resource_type", "resource_id"),
    ("subject", "tenant", "resource"),
    extract,
    words,
)
