"""One way to refuse: the code, and its one sentence."""

from ostiary.errors import RefusedError
from ostiary.identity.webauthn.codes import WORDS, StepUpRefusal


def refusal(code: StepUpRefusal) -> RefusedError:
    """Return the error of a code.

    >>> refusal(StepUpRefusal.CHALLENGE_USED).message
    'this answer was used before'
    """
    return RefusedError(code.value, WORDS[code])
