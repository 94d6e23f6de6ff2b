"""Who else uses this resource, how lively it is, and how much of it is the subject's own."""

from math import log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, span, unlogged
from ostiary.signals.signal import LONGEST_DAYS, Feature, Signal
from ostiary.signals.tables import subject_key
from ostiary.signals.things import fading
from ostiary.vocabulary.events import AccessEvent

_DAY: Final = 86_400
_MANY: Final = 30
_FEATURES: Final = (
    Feature("resource_users", "subjects of the tenant that ever used this resource, at most 30", "ln(1+count)", 0),
    Feature("resource_quiet", "since anybody used this resource, at most 90 days", "ln(1+days)", 0),
    Feature("resource_tenant_age", "since the tenant first saw this resource, at most 90 days", "ln(1+days)", 0),
    Feature("resource_my_share", "share of all accesses to this resource that are the subject's own", "share", -1),
    Feature("collection_my_share", "share of all accesses to this collection that are the subject's own", "share", -1),
    Feature("resource_failures_1h", "failed tries on this resource, fading by the hour", "ln(1+count)", 1),
    Feature("resource_among_last", "1 when the subject is among the last eight different users", "flag", -1),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the seven features."""
    thing, now = history.resource, history.moment.now
    mine, collection = history.mine[Dim.RESOURCE], history.mine[Dim.COLLECTION]
    everyone = history.everyone[Dim.COLLECTION]
    of_collection = collection[0] / max(everyone[0], 1) if collection and everyone else 0.0
    if thing is None:
        return (0.0, 0.0, 0.0, 0.0, of_collection, 0.0, 0.0)
    quiet = max(0, now - thing.last)
    return (
        log1p(min(thing.users, _MANY)),
        log1p(min(quiet / _DAY, LONGEST_DAYS)),
        log1p(min(max(0, now - thing.first) / _DAY, LONGEST_DAYS)),
        mine[0] / thing.events if mine else 0.0,
        of_collection,
        log1p(fading(thing.failures, quiet)),
        1.0 if subject_key(event) in thing.visitors else 0.0,
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return who else uses the resource, in words."""
    match name:
        case "resource_users":
            return f"{plural(unlogged(value), 'person')} in your organisation ever used it"
        case "resource_quiet":
            return f"nobody used it for {span(_DAY * unlogged(value))}" if history.resource else "nobody ever used it"
        case "resource_tenant_age":
            return f"it is known for {span(_DAY * unlogged(value))}" if history.resource else "it was never seen before"
        case "resource_failures_1h":
            return f"{plural(unlogged(value), 'failed try')} on it within the hour"
        case "resource_among_last":
            return f"you are {'' if value else 'not '}among its last users"
        case _:
            pass
    return f"{value:.0%} of all accesses to it are yours"


SIGNAL: Final = Signal(
    Family.RESOURCE, _FEATURES, ("resource_type", "resource_id"), ("subject", "tenant", "resource"), extract, words
)
