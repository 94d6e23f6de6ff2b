"""Every way in which signing in at a provider is refused; each has a code and one sentence for the person.

>>> refusal(OidcRefusal.STATE).code.value
'oidc_state_wrong'
"""

from enum import StrEnum
from typing import Final

from ostiary.errors import RefusedError


class OidcRefusal(StrEnum):
    """The codes."""

    ANSWER = "oidc_answer_malformed"
    BUSY = "oidc_busy"
    EMAIL = "oidc_email_unverified"
    HASH = "oidc_access_token_hash_wrong"
    LOGOUT = "oidc_logout_token_invalid"
    MIXED_UP = "oidc_issuer_wrong"
    NONCE = "oidc_nonce_wrong"
    NOT_FRESH = "oidc_not_fresh"
    OTHER_PERSON = "oidc_other_person"
    PARTY = "oidc_authorized_party_wrong"
    REFUSED = "oidc_provider_refused"
    REPLAYED = "oidc_replayed"
    STATE = "oidc_state_wrong"
    SUBJECT = "oidc_subject_invalid"
    UNAVAILABLE = "oidc_provider_unavailable"
    UNKNOWN = "oidc_provider_unknown"


WORDS: Final[dict[OidcRefusal, str]] = {
    OidcRefusal.ANSWER: "the provider's answer is not one: begin again",
    OidcRefusal.BUSY: "too many people sign in at once: try again in a moment",
    OidcRefusal.EMAIL: "the provider has not verified your e-mail address, and it is your name here",
    OidcRefusal.HASH: "the provider's tokens do not belong together: begin again",
    OidcRefusal.LOGOUT: "this is no sign-out of the provider",
    OidcRefusal.MIXED_UP: "the answer came from another provider than the one that was asked: begin again",
    OidcRefusal.NONCE: "the provider's word is for another sign-in: begin again",
    OidcRefusal.NOT_FRESH: "the provider did not ask you to sign in anew, as it was told to",
    OidcRefusal.OTHER_PERSON: "you confirmed as somebody else: sign out first",
    OidcRefusal.PARTY: "the provider's word is for another program",
    OidcRefusal.REFUSED: "the provider refused, or you stopped there: begin again",
    OidcRefusal.REPLAYED: "this was used before: begin again",
    OidcRefusal.STATE: "this sign-in was not begun in this browser, or too long ago: begin again",
    OidcRefusal.SUBJECT: "the provider does not tell who you are in a way that can be used here",
    OidcRefusal.UNAVAILABLE: "the provider cannot be reached, or does not answer as it should",
    OidcRefusal.UNKNOWN: "there is no such provider",
}


def refusal(code: OidcRefusal) -> RefusedError:
    """Return the error for a code."""
    return RefusedError(code, WORDS[code])
