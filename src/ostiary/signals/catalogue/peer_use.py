"""How much of the peer group, and of the tenant, uses this resource and this collection."""

from math import log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.history import History
from ostiary.signals.phrases import peers, plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_FEATURES: Final = (
    Feature("peers_using_resource", "share of the peer group that ever used this resource", "share", -1),
    Feature("peers_using_collection", "share of the peer group that ever used this collection", "share", -1),
    Feature("peers_using_deed", "share of the peer group that ever did this here", "share", -1),
    Feature("tenant_using_resource", "share of the tenant's subjects that ever used this resource", "share", 0),
    Feature("tenant_using_collection", "share of the tenant's subjects that ever used this collection", "share", 0),
    Feature("peer_members", "how many are in the peer group", "ln(1+count)", 0),
)


def _share(users: int, members: int) -> float:
    return min(1.0, users / members) if members else NAN


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the six features."""
    peer, everyone = history.peers, history.everyone
    members, subjects = history.peer_members, history.subjects
    resource, collection, deed = peer[Dim.RESOURCE], peer[Dim.COLLECTION], peer[Dim.DEED]
    of_all, all_collection = everyone[Dim.RESOURCE], everyone[Dim.COLLECTION]
    return (
        _share(resource[1] if resource else 0, members),
        _share(collection[1] if collection else 0, members),
        _share(deed[1] if deed else 0, members),
        _share(of_all[1] if of_all else 0, subjects),
        _share(all_collection[1] if all_collection else 0, subjects),
        log1p(members),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return how many peers do this, in words."""
    if name == "peer_members":
        return f"your peer group has {plural(unlogged(value), 'member')}"
    what = "does this here" if name.endswith("deed") else f"uses this {name.rpartition('_')[2]}"
    if name.startswith("tenant"):
        return f"{value:.0%} of your organisation {what}"
    dim = {"resource": Dim.RESOURCE, "collection": Dim.COLLECTION}.get(name.rpartition("_")[2], Dim.DEED)
    peer = history.peers[dim]
    return f"{peers(history, peer[1] if peer else 0)} {what}"


SIGNAL: Final = Signal(
    "peers", _FEATURES, ("resource_type", "resource_id", "groups"), ("peers", "tenant"), extract, words
)
