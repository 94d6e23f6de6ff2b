"""What a form must say before a deed that somebody else will ask about: why, and that it is meant."""

from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.server.console.visit import Visit

MAX_REASON: Final = 500


def reason_of(visit: Visit, name: str = "why") -> str:
    """Return the reason that a form gives.

    Raises:
        FaultyInputError: ``reason_missing``, ``reason_too_long``.
    """
    reason = visit.form.get(name, "").strip()
    if not reason:
        raise FaultyInputError("reason_missing", "say why: it is kept with the deed")
    if len(reason) > MAX_REASON:
        raise FaultyInputError("reason_too_long", f"give the reason in at most {MAX_REASON} characters")
    return reason


def check_typed(visit: Visit, expected: str) -> None:
    """Refuse a deed that cannot be undone unless its object's name was typed again.

    Raises:
        FaultyInputError: ``not_confirmed``.
    """
    if visit.form.get("typed", "").strip() != expected:
        raise FaultyInputError("not_confirmed", "this cannot be undone: type the name exactly as it stands there")
