"""Is the network (the /24 or /48 around the address) usual for the subject?"""

from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.grid import of_dimension
from ostiary.signals.history import History
from ostiary.signals.phrases import plural
from ostiary.signals.signal import Signal
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent


def _words(name: str, value: float, event: AccessEvent, history: History) -> str:
    if name != "network_new" or value != 1.0 or not history.known:
        return ""
    kinds = history.my_kinds[Dim.NETWORK] - (history.mine[Dim.NETWORK] is not None)
    where = f" in {shown(event.country)}" if event.country else ""
    known = f", after {plural(kinds, 'known one')}" if kinds else ""
    return f"network `{shown(history.values[Dim.NETWORK] or '')}`{where} first seen from you{known}"


SIGNAL: Final[Signal] = of_dimension(Dim.NETWORK, "network", "network", ("ip",), None, _words)
