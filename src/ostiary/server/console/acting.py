"""Why an analyst acts, and what nobody may do about itself.

1. A reason is chosen, never left out, and kept as a code in the log. A code names nobody: the record of a deed on a
   session outlives the person whose session it was.
2. Nobody judges what is about itself, and nobody silences it: a verdict teaches the model, and a thief in an analyst's
   session must not teach it that he is the analyst. To make one's own session fall is everybody's right.
"""

from typing import Final

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.console.visit import Visit

REASONS: Final = {
    "suspected_theft": "Somebody else seems to use it",
    "unusual_behaviour": "It behaves in an unusual way",
    "confirmed_compromise": "It is known to be compromised",
    "lost_device": "A device was lost or stolen",
    "asked_by_the_person": "The person asked for it",
    "leaving": "The person leaves, or has left",
    "exercise": "This is an exercise",
}


def reason_of(visit: Visit) -> str:
    """Return the chosen reason.

    Raises:
        FaultyInputError: ``reason_missing``.
    """
    reason = visit.form.get("reason", "")
    if reason not in REASONS:
        raise FaultyInputError("reason_missing", "choose a reason: it is kept with the deed")
    return reason


def text_of(visit: Visit, name: str, what: str) -> str:
    """Return what was written in a field.

    Raises:
        FaultyInputError: ``reason_missing``.
    """
    text = visit.form.get(name, "").strip()
    if not text:
        raise FaultyInputError("reason_missing", f"{what}: it is kept with the deed")
    return text


def check_not_own(visit: Visit, subject: str) -> None:
    """Refuse a verdict or a silence about whoever asks for it.

    Raises:
        RefusedError: ``console_own_subject``.
    """
    if subject in visit.own_names:
        raise RefusedError("console_own_subject", "this is about you: somebody else must say what it was")
