"""Do the twenty subjects that the subject meets most use this resource, come from this network, use this device?"""

from math import isnan, log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.neighbours import using
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.profiles import Thing
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_FEATURES: Final = (
    Feature("neighbours_using", "share of the 20 nearest subjects that ever used this resource", "share", -1),
    Feature("neighbours_using_weighted", "the same, each counted as often as it is met", "share", -1),
    Feature(
        "neighbours_on_network",
        "share of the 20 nearest that ever came from this network",
        "share",
        -1,
        ("ip",),
    ),
    Feature(
        "neighbours_on_device",
        "share of the 20 nearest that ever used this device",
        "share",
        0,
        ("device_id",),
    ),
    Feature(
        "neighbours_known",
        "how many others the subject keeps meeting",
        "ln(1+count)",
        0,
        ("resource_id",),
    ),
)


def _shares(history: History, told: str | None, thing: Thing | None) -> tuple[float, float]:
    return (NAN, NAN) if told is None else using(b"" if thing is None else thing.users_mark, history.own.nearest)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the five features."""
    return (
        *_shares(history, event.resource_id, history.resource),
        _shares(history, event.ip, history.network)[0],
        _shares(history, event.device_id, history.device)[0],
        log1p(len(history.own.nearest)),
    )


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the nearest do, in words."""
    if name == "neighbours_known":
        return f"you keep meeting {plural(unlogged(value), 'other')} at what you use"
    if isnan(value):
        return "it is not known whom you work with, or this is not told"
    near = len(history.own.nearest)
    what = {"neighbours_on_network": "come from this network", "neighbours_on_device": "use this device"}
    return f"some {value * near:.0f} of the {near} you work with most {what.get(name, 'use this')}"


SIGNAL: Final = Signal(
    Family.PEERS,
    _FEATURES,
    ("resource_type", "resource_id", "ip", "device_id"),
    ("subject", "resource", "network", "device"),
    extract,
    words,
)
