"""How products say how it ended: words and numbers to an outcome; what is not understood stays ``unknown``.

A word that nobody listed is a failure when it speaks of an error, a failure or a refusal: counts of failed log-ins need
those of ``LOGIN_ERROR_INVALID_PASSWORD`` and of every product's next word for it.
"""

import re
from typing import Any, Final

from ostiary.signals.deeds import Deed
from ostiary.vocabulary.events import EventOutcome

_O: Final = EventOutcome
_WORDS: Final[dict[EventOutcome, str]] = {
    _O.SUCCESS: "success succeeded successful ok true yes allow allowed granted accepted accept passed pass completed "
    "created login_no_error noerror no_error credentials_ok done 0 start started approved approve permit s "
    "audit_success active none",
    _O.FAILURE: "failure failed fail error false no unsuccessful invalid challenge timeout timed_out cancelled "
    "canceled "
    "f exception aborted incomplete expired credentials_failed mfa_failed audit_failure unknown_user panic servfail "
    "nxdomain started_failed",
    _O.DENIED: "denied deny blocked block forbidden unauthorized rejected reject refused fraud drop dropped prevented "
    "quarantined access_denied accessdenied permission_denied firewall_failed declined locked_out not_allowed "
    "403 401 7",
}
_OF_WORD: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_SPEAKS_OF_FAILURE: Final = re.compile(
    r"(?<!no)(?<!no_)error|fail|den(?:y|ied)|invalid|unauthori[sz]ed|forbidden|refused|reject"
)
_FIRST_ERROR: Final = 400
_LONGEST: Final = 256
_FIRST_ANSWER: Final = 100
_REFUSED: Final = (401, 403, 407, 451)


def outcome_of(value: Any, deed: Deed) -> EventOutcome:
    """Return how it ended by what the record says, and else by the action's own name (``login_failed``)."""
    if type(value) is str:
        word = value.strip().lower().replace(" ", "_")
        if word.isascii() and word.isdigit() and len(word) == 3:  # noqa: PLR2004 - a status of HTTP
            value = int(word)
        else:
            found = _OF_WORD.get(word) or (_O.FAILURE if _SPEAKS_OF_FAILURE.search(word[:_LONGEST]) else None)
            if found is not None:
                return found
    if type(value) is bool:
        return _O.SUCCESS if value else _O.FAILURE
    if type(value) is int and value >= _FIRST_ANSWER:
        return _O.DENIED if value in _REFUSED else _O.FAILURE if value >= _FIRST_ERROR else _O.SUCCESS
    if type(value) is int:
        return _O.SUCCESS if value == 0 else _O.FAILURE
    if "fail" in deed.verbs:
        return _O.FAILURE
    return _O.SUCCESS if "succeed" in deed.verbs else _O.UNKNOWN
