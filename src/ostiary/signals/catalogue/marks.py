"""What the action does in itself, whoever does it: one flag for each mark that the record carries.

An action of no known kind and without a mark is not understood: its flags are missing, never zero.
"""

from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.vocabulary.events import AccessEvent, ActionClass
from ostiary.vocabulary.facts import Mark

_WORDS: Final[dict[Mark, str]] = {
    Mark.ABOUT_ANOTHER: "is done to somebody else's account",
    Mark.ADDS_CREDENTIAL: "adds or resets a key, token, factor or password",
    Mark.ADDS_PRINCIPAL: "makes a user, account, role or application",
    Mark.ANONYMOUS: "comes from nobody who proved anything",
    Mark.ASSUMES_ROLE: "acts as somebody or something else",
    Mark.BULK: "takes many things at once",
    Mark.BY_PLATFORM: "is done by the platform itself",
    Mark.CHANGES_CODE: "changes what is built, released or run next",
    Mark.CHANGES_NETWORK: "changes a firewall, route, allow-list or name",
    Mark.CHANGES_POLICY: "changes what others may do",
    Mark.CHANGES_TRUST: "changes whose log-ins are believed",
    Mark.DESTROYS: "deletes or wipes",
    Mark.DISABLES_PROTECTION: "switches a protection off",
    Mark.ENCODED: "carries something encoded",
    Mark.ESCAPES: "gives a workload the rights or files of its host",
    Mark.EXTERNAL: "reaches or shares with somebody outside",
    Mark.FLAGGED: "is called suspicious by the product itself",
    Mark.FORWARDS: "sends mail, events or traffic on to somewhere else",
    Mark.GRANTS_PRIVILEGE: "gives the rights of an administrator or owner",
    Mark.HIDES_TRACES: "stops, deletes or alters logs",
    Mark.INTERACTIVE: "opens a shell or console, or runs a command",
    Mark.LISTS: "asks what there is",
    Mark.MAKES_PUBLIC: "opens something to everybody",
    Mark.MINOR: "is rated low or informational by the product itself",
    Mark.ON_PUBLIC: "is about what is open to everybody already",
    Mark.PROTECTS: "switches a protection on",
    Mark.READS_SECRET: "reads a secret, key, password or token",
    Mark.ROOT: "is done by the account that may do everything",
    Mark.RUNS_CODE: "puts a script, function, job or start-up command in place",
    Mark.SEVERE: "is rated high or critical by the product itself",
    Mark.SYSTEM: "touches what the platform keeps for itself",
    Mark.TOOL: "uses a program that attackers bring along",
    Mark.WEAK_LOGIN: "is a log-in without a second factor, or by a weak way",
}
_NEUTRAL: Final = frozenset({Mark.BY_PLATFORM, Mark.LISTS, Mark.MINOR, Mark.PROTECTS, Mark.SYSTEM})
_FEATURES: Final = tuple(
    Feature(f"mark_{mark.value}", f"1 when the action {_WORDS[mark]}", "flag", 0 if mark in _NEUTRAL else 1)
    for mark in Mark
)
_PLACE: Final = {mark: place for place, mark in enumerate(Mark)}
_UNKNOWN: Final = (NAN,) * len(_FEATURES)
_BLANK: Final = (0.0,) * len(_FEATURES)


def extract(event: AccessEvent, _: History) -> tuple[float, ...]:
    """Return one flag a mark."""
    marks = event.marks
    if not marks:
        return _UNKNOWN if event.action_class is ActionClass.OTHER else _BLANK
    row = [0.0] * len(_FEATURES)
    for mark in marks:
        row[_PLACE[mark]] = 1.0
    return tuple(row)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what the action does in words."""
    text = _WORDS[Mark(name.removeprefix("mark_"))]
    if value:
        return f"this action {text}" if value == 1.0 else "what this action does is not understood"
    return f"it is not an action that {text}"


SIGNAL: Final = Signal(Family.DEED, _FEATURES, ("marks", "action_class"), ("subject",), extract, words)
