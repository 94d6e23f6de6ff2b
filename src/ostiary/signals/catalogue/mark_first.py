"""Has the subject ever done something of this kind? Counts the marks of the action that are new to the subject."""

from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.history import History
from ostiary.signals.phrases import plural
from ostiary.signals.signal import NAN, Feature, Signal
from ostiary.signals.tactics import bits_of
from ostiary.vocabulary.events import AccessEvent, ActionClass

_FEATURES: Final = (
    Feature("marks_new", "marks of the action that no earlier successful action of the subject had", "count", 1),
)


def extract(event: AccessEvent, history: History) -> tuple[float, ...]:
    """Return how many marks are new; missing for a new subject, and for an action that is not understood."""
    if not history.known or (not event.marks and event.action_class is ActionClass.OTHER):
        return (NAN,)
    return (float((bits_of(event.marks) & ~history.own.deeds).bit_count()),)


def words(name: str, value: float, event: AccessEvent, history: History) -> str:
    """Return what is new in words."""
    if not event.marks:
        return "the action has no mark of its own"
    new = [mark.value.replace("_", " ") for mark in event.marks if bits_of((mark,)) & ~history.own.deeds]
    return f"{plural(len(new), 'thing')} you never did before: {', '.join(new)}" if new else "you did all this before"


SIGNAL: Final = Signal(Family.NOVELTY, _FEATURES, ("marks", "action_class"), ("subject",), extract, words)
