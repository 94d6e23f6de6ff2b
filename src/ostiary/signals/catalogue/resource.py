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
    others = peers(history, peer[1] if peer else 0)
    what = f"{_called(event, '')} never {deed(event)} by you"
    return f"{what} or your peers ({others})" if not peer or not peer[1] else f"{what}; {others} did"


SIGNAL: Final[Signal] = of_dimension(
    Dim.RESOURCE, "novelty", "resource", ("resource_type", "resource_id"), _called, _words
)
