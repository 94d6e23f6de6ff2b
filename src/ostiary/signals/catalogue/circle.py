"""Do the others of the subject's circle use this? It is learned from who works with whom, not from a directory."""

from math import log, log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.profiles import Shared
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_MANY: Final = 200
_HALF: Final = 0.5
_FEATURES: Final = (
    Feature("circle_using_resource", "share of the others of the circle that ever used this resource", "share", -1),
    Feature("circle_using_collection", "share of the others of the circle that ever used this collection", "share", -1),
    Feature("circle_resource_surprise", "-ln chance of this resource for the circle", "nats", 1),
    Feature("circle_collection_surprise", "-ln chance of this collection for the circle", "nats", 1),
    Feature("circle_members", "how many are in the circle", "ln(1+count)", 0),
)
_MISSING: Final[tuple[float, ...]] = (NAN, NAN, NAN, NAN, NAN)


def _share(users: Shared | None, members: int, *, me: bool) -> float:
    others = members - 1
    return max(0.0, min(1.0, ((users[1] if users else 0) - me) / others)) if others > 0 else NAN


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the five features; without a circle all are missing."""
    circle, mine = history.circle, history.mine
    if circle is None:
        return _MISSING
    resource, collection = circle.resource, circle.collection
    return (
        _share(resource, circle.members, me=mine[Dim.RESOURCE] is not None),
        _share(collection, circle.members, me=mine[Dim.COLLECTION] is not None),
        -log(((resource[0] if resource else 0) + _HALF) / (circle.resource_total + 1.0)),
        -log(((collection[0] if collection else 0) + _HALF) / (circle.collection_total + 1.0)),
        log1p(min(circle.members, _MANY)),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the circle does, in words."""
    circle = history.circle
    if circle is None:
        return "it is not known whom you work with"
    if name == "circle_members":
        return f"you work with {plural(max(0.0, unlogged(value) - 1.0), 'other')}"
    what = "collection" if "collection" in name else "resource"
    if name.startswith("circle_using"):
        return f"{value:.0%} of those you work with use this {what}"
    return f"this {what} is {'unusual' if value > 3 else 'usual'} for those you work with"  # noqa: PLR2004


SIGNAL: Final = Signal(Family.PEERS, _FEATURES, ("resource_type", "resource_id"), ("subject", "peers"), extract, words)
