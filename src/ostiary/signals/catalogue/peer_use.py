"""How much of the peer group uses this resource and this collection."""

from math import log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import do, plural, unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_MANY: Final = 30
_FEATURES: Final = (
    Feature("peers_using_resource", "share of the other peers that ever used this resource", "share", -1),
    Feature("peers_using_collection", "share of the other peers that ever used this collection", "share", -1),
    Feature("peers_using_deed", "share of the other peers that ever did this here", "share", -1),
    Feature("peer_members", "how many are in the peer group, at most 30", "ln(1+count)", 0),
)


def _share(users: int, members: int, *, less_me: bool = False) -> float:
    """Return the share of the members who are not the subject itself, when it is one of the users."""
    members -= less_me
    return max(0.0, min(1.0, (users - less_me) / members)) if members > 0 else NAN


def extract(_: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the four features."""
    peer, members = history.peers, history.peer_members
    resource, collection, deed = peer[Dim.RESOURCE], peer[Dim.COLLECTION], peer[Dim.DEED]
    mine = history.mine
    return (
        _share(resource[1] if resource else 0, members, less_me=mine[Dim.RESOURCE] is not None),
        _share(collection[1] if collection else 0, members, less_me=mine[Dim.COLLECTION] is not None),
        _share(deed[1] if deed else 0, members, less_me=mine[Dim.DEED] is not None),
        log1p(min(members, _MANY)),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return how many peers do this, in words."""
    if name == "peer_members":
        return f"your peer group has {plural(unlogged(value), 'member')}"
    noun = name.rpartition("_")[2]
    what = "this here" if noun == "deed" else f"this {noun}"
    dim = {"resource": Dim.RESOURCE, "collection": Dim.COLLECTION}.get(noun, Dim.DEED)
    peer = history.peers[dim]
    verbs = ("does", "do") if noun == "deed" else ("uses", "use")
    users = (peer[1] if peer else 0) - (history.mine[dim] is not None)
    return f"{do(history, users, *verbs)} {what}"


SIGNAL: Final = Signal(Family.PEERS, _FEATURES, ("resource_type", "resource_id"), ("subject", "peers"), extract, words)
