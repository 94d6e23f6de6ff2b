"""Why a window, or the one who sends it, is turned away: one stable code each, with what to do about it.

``reopen`` codes mean that the page may introduce itself anew; ``stop`` codes that it must send nothing more.

>>> BehaviourRefusal("consent_missing").value
'consent_missing'
"""

from enum import StrEnum
from math import ceil
from typing import Final

from ostiary.errors import RefusedError


class BehaviourRefusal(StrEnum):
    """Every code of the collector's endpoints beside those of ``identity``."""

    CONSENT_MISSING = "consent_missing"
    CONSENT_TEXT_INVALID = "consent_text_invalid"
    NONCE_WRONG = "nonce_wrong"
    SEQUENCE_NOT_RISING = "sequence_not_rising"
    SESSION_KEY_WRONG = "session_key_wrong"
    SESSION_MISSING = "session_missing"
    SESSION_NOT_YOURS = "session_not_yours"
    SESSION_OVER = "session_over"
    STREAM_UNKNOWN = "stream_unknown"
    TOKEN_NOT_YOUR_OWN = "token_not_your_own"  # noqa: S105 - no password
    WINDOWS_LIMITED = "windows_limited"
    WINDOW_AHEAD = "window_ahead"
    WINDOW_OVERLAPS = "window_overlaps"
    WINDOW_STALE = "window_stale"


WORDS: Final = {
    BehaviourRefusal.CONSENT_MISSING: "this person has not agreed, or agrees no more: send nothing",
    BehaviourRefusal.CONSENT_TEXT_INVALID: "`text` names the text that was agreed to: 1 to 64 of A-Z a-z 0-9 . _ -",
    BehaviourRefusal.NONCE_WRONG: "the nonce is not the one that was given for this window, or was used",
    BehaviourRefusal.SEQUENCE_NOT_RISING: "this number of the stream was used, or a later one",
    BehaviourRefusal.SESSION_KEY_WRONG: "the session is bound to another key",
    BehaviourRefusal.SESSION_MISSING: "neither the token nor the stream names a session",
    BehaviourRefusal.SESSION_NOT_YOURS: "the token is of another session",
    BehaviourRefusal.SESSION_OVER: "the session is over",
    BehaviourRefusal.STREAM_UNKNOWN: "there is no such stream of yours: open one",
    BehaviourRefusal.TOKEN_NOT_YOUR_OWN: "behaviour is taken with a person's own token alone, bound to a key by DPoP",
    BehaviourRefusal.WINDOWS_LIMITED: "too many windows or agreements: wait",
    BehaviourRefusal.WINDOW_AHEAD: "the window lasts longer than there was time since the stream was opened",
    BehaviourRefusal.WINDOW_OVERLAPS: "the window began before the one before it ended",
    BehaviourRefusal.WINDOW_STALE: "the window is too old to say anything of now: open a stream anew",
}
STATUS: Final = {
    BehaviourRefusal.CONSENT_TEXT_INVALID: 400,
    BehaviourRefusal.NONCE_WRONG: 409,
    BehaviourRefusal.SEQUENCE_NOT_RISING: 409,
    BehaviourRefusal.STREAM_UNKNOWN: 409,
    BehaviourRefusal.WINDOWS_LIMITED: 429,
    BehaviourRefusal.WINDOW_AHEAD: 409,
    BehaviourRefusal.WINDOW_OVERLAPS: 409,
    BehaviourRefusal.WINDOW_STALE: 409,
}


class WindowRefusedError(RefusedError):
    """A refusal that may say how long to wait, and which nonce the next window must carry."""

    def __init__(self, code: BehaviourRefusal, *, wait_s: float = 0.0, nonce: str = "") -> None:
        """Say why, how long to wait, and how to go on."""
        super().__init__(code, WORDS[code])
        self.wait_s = ceil(wait_s)
        self.nonce = nonce
