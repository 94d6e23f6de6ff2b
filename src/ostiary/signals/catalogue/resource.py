"""Is the very resource usual for the subject, its peers and the tenant?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.history import History
from ostiary.signals.phrases import deed, peers
from ostiary.signals.signal import Signal
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent


def _called(event: AccessEvent, _: str) -> str:
    return f"{shown(event.resource_type)} `{shown(event.resource_id)}`"


def _words(name: str, value: float, event: AccessEvent, history: History) -> str:
    if name != "resource_new" or value != 1.0:
        return ""
    peer = history.peers[Dim.RESOURCE]
    mine = history.mine[Dim.RESOURCE]
    users = (peer[1] if peer else 0) - (mine is not None)
    what = f"{_called(event, '')} never {deed(event)} by you{' before this session' if mine else ''}"
    members = max(0, history.peer_members - history.known)
    if users <= 0 and members > 1:
        return f"{what} or your {members} peers"
    return f"{what}; {peers(history, users)} did"


SIGNAL: Final[Signal] = of_dimension(
    Dim.RESOURCE, "novelty", "resource", ("resource_type", "resource_id"), _called, _words
)
