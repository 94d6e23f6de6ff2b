"""Does the very token come from where it came from first? A copied one shows up on another network or device."""

from math import isnan, log1p
from typing import Final

from ostiary.signals.dimensions import Dim
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural
from ostiary.signals.signal import DEEPEST, NAN, Feature, Signal
from ostiary.signals.telling import checksum
from ostiary.vocabulary.events import AccessEvent

_LIVE_S: Final = 1_800
_ID: Final = ("token.token_id",)
_FEATURES: Final = (
    Feature("token_first_use", "1 when this token was not seen before", "flag", 0, _ID),
    Feature("token_uses", "earlier uses of this token, at most 200", "ln(1+count)", 0, _ID),
    Feature("token_network_moved", "1 when this token came from another network before", "flag", 1, (*_ID, "ip")),
    Feature("token_device_moved", "1 when this token came from another device before", "flag", 1, (*_ID, "device_id")),
    Feature("tokens_live", "other tokens of the subject used within the last half hour", "count", 1, _ID),
)
_MISSING: Final = (NAN,) * len(_FEATURES)


def _moved(now: str | None, before: str | None) -> float:
    return NAN if now is None or before is None else 0.0 if now == before else 1.0


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the five features."""
    token = event.token
    if token is None or token.token_id is None:
        return _MISSING
    name, quiet = checksum(token.token_id), history.moment.now - _LIVE_S
    old, live = None, 0
    for use in history.own.tokens:
        if use.name == name:
            old = use
        elif use.last >= quiet:
            live += 1
    if old is None:
        network = NAN if event.ip is None else 0.0
        return (1.0, 0.0, network, NAN if event.device_id is None else 0.0, float(live))
    return (
        0.0,
        log1p(min(old.uses, DEEPEST)),
        _moved(history.values[Dim.NETWORK], old.network),
        _moved(event.device_id, old.device),
        float(live),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return how the token was used before."""
    if isnan(value):
        return "it is not told which token this is"
    match name:
        case "token_network_moved" | "token_device_moved":
            what = "network" if name == "token_network_moved" else "device"
            return f"your token {'came from another' if value else 'did not change its'} {what}"
        case "tokens_live":
            return f"you use {plural(value, 'other token')} at the same time"
        case _:
            pass
    first = value == 1.0 if name == "token_first_use" else value == 0.0
    return "this token of yours is new" if first else "this token of yours was used before"


SIGNAL: Final = Signal(
    Family.SESSION, _FEATURES, ("token.token_id", "ip", "device_id"), ("subject",), extract, words, "token"
)
