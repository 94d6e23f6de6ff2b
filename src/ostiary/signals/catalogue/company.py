"""Do the people who use what the subject uses also use this? Item-to-item similarity over the tenant's access graph."""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_FAR: Final = 0.05
_FEATURES: Final = (
    Feature(
        "company_mean", "mean cosine between this resource's users and those of the subject's favourites", "cosine", -1
    ),
    Feature("company_best", "best cosine between this resource's users and those of one favourite", "cosine", -1),
    Feature("colleagues_here", "how often the subject meets the last users of this resource, on average", "count", -1),
)


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the three features."""
    return (history.co_use, history.co_use_best, history.colleagues)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return how near the resource is to what the subject uses."""
    if isnan(value):
        return "there is too little history to say who works with this"
    if name == "colleagues_here":
        return f"you {'hardly ever' if value < 1 else 'often'} work with the people who use this"
    near = "rarely" if value < _FAR else "often"
    return f"people who use what you use {near} use this too"


SIGNAL: Final = Signal(
    Family.PEERS, _FEATURES, ("resource_type", "resource_id"), ("subject", "resource"), extract, words
)
