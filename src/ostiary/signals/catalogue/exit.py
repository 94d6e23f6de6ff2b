"""What kind of network the request came out of: rented machine, anonymiser, carrier; its name, and how far it is."""

from math import isnan
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.measures import logged, within
from ostiary.signals.numbers import unusual
from ostiary.signals.phrases import unlogged
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.telling import usual_of
from ostiary.signals.texts import shown
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import NetworkKind

_KIND, _FAME, _RTT = ("place.kind",), ("place.reputation",), ("place.rtt_ms",)
_FEATURES: Final = (
    Feature("exit_hosting", "1 when the address belongs to a hosting provider", "flag", 1, _KIND),
    Feature("exit_vpn", "1 when it is the exit of a VPN", "flag", 1, _KIND),
    Feature("exit_proxy", "1 when it is a proxy", "flag", 1, _KIND),
    Feature("exit_tor", "1 when it is an exit of Tor", "flag", 1, _KIND),
    Feature("exit_mobile", "1 when it is a carrier's mobile network", "flag", 0, _KIND),
    Feature("exit_residential", "1 when it is somebody's home line", "flag", 0, _KIND),
    Feature("exit_anonymous", "1 when it hides who comes: VPN, proxy or Tor", "flag", 1, _KIND),
    Feature("exit_reputation", "how bad the address's name is, 0 good to 1 known bad", "score", 1, _FAME),
    Feature("exit_rtt", "round trip to the client", "ln(1+ms)", 0, _RTT),
    Feature("exit_rtt_unusual", "the same against the subject's usual round trip", "deviations", 1, _RTT),
)
_MISSING: Final = (NAN,) * len(_FEATURES)
_UNKNOWN: Final[tuple[float, ...]] = (NAN,) * 7
_HIDES: Final = (NetworkKind.VPN, NetworkKind.PROXY, NetworkKind.TOR)
_FLAGS: Final[dict[NetworkKind, tuple[float, ...]]] = {
    kind: (
        float(kind is NetworkKind.HOSTING),
        float(kind is NetworkKind.VPN),
        float(kind is NetworkKind.PROXY),
        float(kind is NetworkKind.TOR),
        float(kind is NetworkKind.MOBILE),
        float(kind is NetworkKind.RESIDENTIAL),
        float(kind in _HIDES),
    )
    for kind in NetworkKind
}


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return a flag per kind, and three features more."""
    place = event.place
    if place is None:
        return _MISSING
    flags = _UNKNOWN if place.kind is None else _FLAGS[place.kind]
    rtt = logged(place.rtt_ms)
    odd = unusual(usual_of(history.own, "rtt"), rtt)
    return (*flags, within(place.reputation, 0.0, 1.0), rtt, odd)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the network is in words."""
    if isnan(value) or event.place is None:
        return "the kind of network is not told"
    if name == "exit_reputation":
        return f"the address has a {'bad' if value > 0.5 else 'fair'} name"  # noqa: PLR2004 - the middle
    if name.startswith("exit_rtt"):
        usual = usual_of(history.own, "rtt")
        known = f"; yours is usually {unlogged(usual[1]):,.0f} ms" if usual[0] else ""
        return f"the client is {unlogged(logged(event.place.rtt_ms)):,.0f} ms away{known}"
    return f"you come through a network of the kind `{shown(str(event.place.kind))}`"


SIGNAL: Final = Signal(Family.NETWORK, _FEATURES, (*_KIND, *_FAME, *_RTT), ("subject",), extract, words, "network")
