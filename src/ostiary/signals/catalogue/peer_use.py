"""How much of the peer group, and of the tenant, uses this resource and this collection."""

from math import log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.history import History
from ostiary.signals.phrases import do, plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_FEATURES: Final = (
    Feature("peers_using_resource", "share of the other peers that ever used this resource", "share", -1),
    Feature("peers_using_collection", "share of the other peers that ever used this collection", "share", -1),
    Feature("peers_using_deed", "share of the other peers that ever did this here", "share", -1),
    Feature("tenant_using_resource", "share of the tenant's subjects that ever used this resource", "share", 0),
    Feature("tenant_using_collection", "share of the tenant's subjects that ever used this collection", "share", 0),
    Feature("peer_members", "how many are in the peer group", "ln(1+count)", 0),
)


def _share(users: int, members: int, *, less_me: bool = False) -> float:
    """Return the share of the members who are not the subject itself, when it is one of the users."""
    members -= less_me
    return max(0.0, min(1.0, (users - less_me) / members)) if members > 0 else NAN


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the six features."""
    peer, everyone = history.peers, history.everyone
    members, subjects = history.peer_members, history.subjects
    resource, collection, deed = peer[Dim.RESOURCE], peer[Dim.COLLECTION], peer[Dim.DEED]
    of_all, all_collection = everyone[Dim.RESOURCE], everyone[Dim.COLLECTION]
    mine = history.mine
    return (
        _share(resource[1] if resource else 0, members, less_me=mine[Dim.RESOURCE] is not None),
        _share(collection[1] if collection else 0, members, less_me=mine[Dim.COLLECTION] is not None),
        _share(deed[1] if deed else 0, members, less_me=mine[Dim.DEED] is not None),
        _share(of_all[1] if of_all else 0, subjects),
        _share(all_collection[1] if all_collection else 0, subjects),
        log1p(members),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return how many peers do this, in words."""
    if name == "peer_members":
        return f"your peer group has {plural(unlogged(value), 'member')}"
    noun = name.rpartition("_")[2]
    what = "this here" if noun == "deed" else f"this {noun}"
    if name.startswith("tenant"):
        return f"{value:.0%} of your organisation uses {what}"
    dim = {"resource": Dim.RESOURCE, "collection": Dim.COLLECTION}.get(noun, Dim.DEED)
    peer = history.peers[dim]
    verbs = ("does", "do") if noun == "deed" else ("uses", "use")
    users = (peer[1] if peer else 0) - (history.mine[dim] is not None)
    return f"{do(history, users, *verbs)} {what}"


SIGNAL: Final = Signal(
    "peers", _FEATURES, ("resource_type", "resource_id", "groups"), ("subject", "peers", "tenant"), extract, words
)
