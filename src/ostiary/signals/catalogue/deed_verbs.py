"""What is done, told by the verbs in the action's name: made, changed, removed, switched off, granted, read, taken."""

from typing import Final

from ostiary.signals.deeds import deed_of
from ostiary.signals.deedwords import VERBS
from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent

_DOES: Final[dict[str, str]] = {
    "act_as": "acts as somebody else",
    "alert": "reports something suspicious",
    "ask": "asks for something",
    "begin": "switches something on",
    "change": "changes something",
    "enter": "logs in or opens a session",
    "fail": "reports a failure or refusal",
    "grant": "gives a right",
    "list": "lists or searches",
    "make": "makes or adds something",
    "read": "reads something",
    "remove": "removes something",
    "run": "runs or triggers something",
    "shell": "runs a command or opens a console",
    "share": "shares or publishes",
    "stop": "switches something off",
    "succeed": "reports a success",
    "take": "takes a copy",
}
_NAMES: Final = tuple(sorted(VERBS))
_FEATURES: Final = tuple(Feature(f"does_{name}", f"1 when the action {_DOES[name]}", "flag", 0) for name in _NAMES)
_UNKNOWN: Final = (NAN,) * len(_NAMES)


def extract(event: AccessEvent, _: History) -> tuple[float, ...]:
    """Return one flag a group of verbs; missing when the name has no verb that is known."""
    verbs = deed_of(event.action).verbs
    return tuple([1.0 if name in verbs else 0.0 for name in _NAMES]) if verbs else _UNKNOWN


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what is done in words."""
    does = _DOES[name.removeprefix("does_")]
    if value == 1.0:
        return f"this action {does}"
    return f"it is no action that {does}" if value == 0.0 else "what this action does is not understood"


SIGNAL: Final = Signal(Family.DEED, _FEATURES, ("action",), ("subject",), extract, words)
