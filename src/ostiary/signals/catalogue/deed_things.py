"""To what kind of thing it is done, by the names of action and resource and by the detail: rights, logs, keys, code."""

from functools import lru_cache
from typing import Final

from ostiary.signals.deeds import deed_of
from ostiary.signals.deedwords import THINGS
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_CALLED: Final[dict[str, str]] = {
    "application": "an application or integration",
    "chief": "an administrator, owner or root",
    "code": "code, a build or a release",
    "compute": "a machine, container, function or job",
    "credential": "a key, token, factor or password",
    "device": "a device",
    "external": "somebody or something outside",
    "message": "mail or conversations",
    "model": "a language model",
    "network": "a network, firewall or name",
    "person": "a person's account",
    "power": "rights, roles or policies",
    "protection": "a protection",
    "public": "the public",
    "storage": "stored data",
    "tenant": "the organisation's settings",
    "trace": "logs or monitoring",
    "trust": "trust in another identity provider",
}
_NAMES: Final = tuple(sorted(THINGS))
_FEATURES: Final = tuple(
    Feature(f"touches_{name}", f"1 when the action is about {_CALLED[name]}", "flag", 0) for name in _NAMES
)
_UNKNOWN: Final = (NAN,) * len(_NAMES)


@lru_cache(maxsize=16_384)
def _things(action: str, resource_type: str, detail: str) -> tuple[float, ...]:
    things = deed_of(action).things | deed_of(resource_type).things | deed_of(detail).things
    return tuple([1.0 if name in things else 0.0 for name in _NAMES]) if things else _UNKNOWN


def extract(event: AccessEvent, _: History) -> tuple[float, ...]:
    """Return one flag a kind of thing; missing when none of them has a word that is known."""
    return _things(event.action, event.resource_type, event.detail or "")


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what it is about in words."""
    called = _CALLED[name.removeprefix("touches_")]
    if value == 1.0:
        return f"it is about {called}"
    return f"it is not about {called}" if value == 0.0 else "what it is about is not understood"


SIGNAL: Final = Signal(Family.DEED, _FEATURES, ("action", "resource_type", "detail"), ("subject",), extract, words)
