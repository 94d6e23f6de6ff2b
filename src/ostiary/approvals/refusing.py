"""Why an approval is refused: one stable code for each, alphabetised, with its one sentence.

Codes of passkeys (``webauthn_…``, ``authenticator_…``, ``challenge_…``) are those of step-up: the checks are the same.

>>> refusal("approval_denied").message
'people have said no to this'
"""

from typing import Final

from ostiary.errors import RefusedError, VerificationError

WORDS: Final = {
    "approval_decided": "you have said no to this already: that stands",
    "approval_delegation": "this delegation does not cover it: not given to you, not for this kind, or not now",
    "approval_denied": "people have said no to this",
    "approval_expired": "the approval is not good at this time",
    "approval_key_revoked": "a passkey that signed is not registered any more",
    "approval_key_too_new": "this passkey came after the proposal, so it cannot sign it",
    "approval_malformed": "what is asked does not have the form of a proposal",
    "approval_missing": "nobody has approved this",
    "approval_not_asked": "you are not among those who may approve this",
    "approval_other_deed": "the approval is for something else",
    "approval_own_work": "whoever made or asked for something does not approve it",
    "approval_people_exist": "people are named already: they alone change who may approve",
    "approval_proposer_unknown": "nobody among the people stands behind this administrator's key",
    "approval_raced": "somebody else was quicker; look again",
    "approval_row_tampered": "what is stored of the approval is not what the log has recorded",
    "approval_rule_changed": "the rule has changed since this was proposed: propose it anew",
    "approval_signed_twice": "you have signed this already: one person counts once",
    "approval_too_early": "the time for this has not come",
    "approval_too_few": "too few people have approved this",
    "approval_unknown": "there is no such proposal, or it is another tenant's",
    "approval_unsatisfiable": "nobody could ever agree by this: too few people, or too few groups",
    "approval_used": "this approval was used before",
    "approval_withdrawn": "this proposal was withdrawn",
}


def refusal(code: str, text: str = "") -> RefusedError:
    """Return the error of a code, with ``text`` instead of its sentence when there is more to say."""
    return RefusedError(code, text or WORDS[code])


def tampered() -> VerificationError:
    """Return the error for rows that the log does not vouch for."""
    return VerificationError("approval_row_tampered", WORDS["approval_row_tampered"])
