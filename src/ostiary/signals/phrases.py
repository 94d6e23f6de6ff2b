"""Small pieces of the words in which signals speak to the person concerned.

>>> times(1), times(3), span(90), span(3 * 86_400), clock(2, 5)
('once', '3 times', '2 minutes', '3 days', '02:05')
"""

from math import expm1
from typing import Final

from ostiary.signals.history import History
from ostiary.vocabulary.events import AccessEvent, ActionClass

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
_TWO_DAYS: Final = 2
_IRREGULAR: Final = {"access": "accesses", "person": "people", "try": "tries"}
_DEED: Final[dict[ActionClass, str]] = {
    ActionClass.ADMIN: "administered",
    ActionClass.AUTHENTICATE: "logged in to",
    ActionClass.DELETE: "deleted from",
    ActionClass.EXPORT: "exported",
    ActionClass.LIST: "listed",
    ActionClass.OTHER: "used",
    ActionClass.READ: "read",
    ActionClass.WRITE: "written",
}


def times(count: float) -> str:
    """Return how often in words."""
    whole = round(count)
    return "never" if whole <= 0 else "once" if whole == 1 else f"{whole:,} times"


def span(seconds: float) -> str:
    """Return a length of time in its largest fitting unit."""
    if seconds < 2 * _HOUR:
        minutes = max(1, round(seconds / _MINUTE))
        return f"{minutes} minute{'s' * (minutes != 1)}"
    if seconds < _TWO_DAYS * _DAY:
        return f"{round(seconds / _HOUR)} hours"
    return f"{round(seconds / _DAY)} days"


def clock(hour: int, minute: int = 0) -> str:
    """Return a time of day."""
    return f"{hour:02d}:{minute:02d}"


def peers(history: History, users: int) -> str:
    """Return how many of the subject's peers, as in ``3 of your 14 peers`` and ``none of your 14 peers``."""
    others = max(0, history.peer_members - (1 if history.known else 0))
    if others == 0:
        return "nobody else in your group"
    if others == 1:
        return "your one peer" if users > 0 else "not even your one peer"
    return f"{max(0, min(users, others)) or 'none'} of your {others} peer{'s' * (others != 1)}"


def do(history: History, users: int, one: str, many: str) -> str:
    """Return how many of the peers do something, with the verb in its number."""
    some = min(users, max(0, history.peer_members - (1 if history.known else 0)))
    return f"{peers(history, users)} {many if some > 1 else one}"


def deed(event: AccessEvent) -> str:
    """Return what the action does as a participle, such as ``read`` or ``written``."""
    return _DEED[event.action_class]


def unlogged(value: float) -> float:
    """Return ``x`` of ``ln(1+x)``."""
    return expm1(max(0.0, min(value, 60.0)))


def plural(count: float, noun: str) -> str:
    """Return a count with its noun."""
    whole = round(count)
    if whole == 1:
        return f"1 {noun}"
    stem, space, last = noun.rpartition(" ")
    return f"{whole:,} {stem}{space}{_IRREGULAR.get(last, last + 's')}"
