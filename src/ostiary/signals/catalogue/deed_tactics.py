"""How far along the way of an attack it is: tactics of this action and of the sitting, moves between them, errors met.

An attack goes through tactics in an order (MITRE ATT&CK); ordinary work mostly stays within one or two.
"""

from math import log1p
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural, unlogged
from ostiary.signals.progress import advanced, errors_in, moves_in, seen_in, tactics_in
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.tactics import STRONG, named, tactics_of
from ostiary.vocabulary.events import AccessEvent, ActionClass

_PRODUCTION: Final = frozenset({"production", "prod", "env:prod", "env:production"})
_DEED: Final = ("marks", "action_class")
_FEATURES: Final = (
    Feature("tactics", "tactics that the action belongs to", "count", 1, _DEED),
    Feature("tactic_furthest", "the last of them in the order of an attack, 1 to 10", "rank", 0, _DEED),
    Feature("strong_marks", "marks of the action that seldom are ordinary work", "count", 1, _DEED),
    Feature("strong_on_production", "the same, when the resource is labelled as production", "count", 1),
    Feature("session_tactics", "tactics of the sitting so far, this action included", "count", 1, _DEED),
    Feature("session_moves", "how often one tactic followed another in the sitting", "ln(1+count)", 1, _DEED),
    Feature("session_errors", "error codes of the sitting so far, of 16 kinds", "count", 1, ("outcome", "detail")),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return the seven features; of an action that is not understood the first four are missing."""
    now = tactics_of(event.marks)
    understood = event.marks or event.action_class is not ActionClass.OTHER
    strong = float(sum([mark in STRONG for mark in event.marks]))
    production = NAN if not event.labels else 0.0 if _PRODUCTION.isdisjoint(event.labels) else strong
    before = 0 if history.session is None else history.session.deeds
    deeds = advanced(before, event)
    own = (float(now.bit_count()), float(now.bit_length()), strong, production) if understood else (NAN,) * 4
    return (*own, float(tactics_in(deeds)), log1p(moves_in(deeds)), float(errors_in(before)))


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return the stage in words."""
    match name:
        case "session_moves":
            return f"this session went from one tactic to another {plural(unlogged(value), 'time')}"
        case "session_errors":
            return f"this session met {plural(value, 'different error')}"
        case "session_tactics":
            before = 0 if history.session is None else history.session.deeds
            return f"this session so far: {_listed(seen_in(advanced(before, event)))}"
        case "strong_marks" | "strong_on_production":
            names = [mark.value.replace("_", " ") for mark in event.marks if mark in STRONG]
            return f"in itself it {', '.join(names)}" if names else "in itself it is ordinary work"
        case _:
            pass
    return f"it belongs to {_listed(tactics_of(event.marks))}"


def _listed(tactics: int) -> str:
    return ", ".join(named(tactics)) or "no tactic of an attack"


SIGNAL: Final = Signal(Family.DEED, _FEATURES, (*_DEED, "labels", "outcome", "detail"), ("subject",), extract, words)
