"""Plain words for every reason code that does not come from a policy rule.

>>> sentence(Reason.NO_ALLOW_RULE)
'No policy rule allows this.'
"""

from typing import Final

from ostiary.vocabulary.reasons import Reason

# What a token of Ostiary's own says that it is for, and this access is not (``identity.exchange.restrictions``).
_OTHER: Final = {
    "action": "another action",
    "columns": "other columns",
    "commit": "another commit",
    "prefix": "objects in another place",
    "purpose": "another purpose",
    "resource": "another resource",
    "stage": "another stage of the pipeline",
}
SENTENCES: Final[dict[str, str]] = {
    Reason.ADAPTIVE_ERROR: "The adaptive policy could not be evaluated, so the answer is no.",
    Reason.ADAPTIVE_PROPOSAL: "The adaptive rules asked for more than the guardrails did.",
    Reason.BIOMETRICS_CAP: "How somebody types and moves may ask for a step-up at most: it never ends anything.",
    Reason.BODY_DEPTH: "The request is nested too deeply.",
    Reason.BODY_DUPLICATE_KEY: "The request names a member twice.",
    Reason.BODY_MALFORMED: "The request is not valid JSON.",
    Reason.BODY_TOO_LARGE: "The request is too large.",
    Reason.BREAK_GLASS: "A break-glass that people opened replaced the rules it names.",
    Reason.CRITICAL_CAP: "The resource is critical: models alone may ask for a step-up at most; a person must review.",
    Reason.INTERNAL_ERROR: "Something inside Ostiary failed, so the answer is no.",
    Reason.NO_ALLOW_RULE: "No policy rule allows this.",
    Reason.OVERLOADED: "Ostiary is overloaded, so the answer is no.",
    Reason.PEP_UNAUTHENTICATED: "The enforcement point did not prove who it is.",
    Reason.PEP_WRONG_TENANT: "The enforcement point does not belong to this tenant.",
    Reason.PHASE_NOT_LIVE: "A model proposed more, but that control is not live yet.",
    Reason.POLICY_CEILING: "A model proposed more, but policy caps what models may do here.",
    Reason.POLICY_ERROR: "The policy could not be evaluated, so the answer is no.",
    Reason.POLICY_MALFORMED: "The policy gave an answer of the wrong form, so the answer is no.",
    Reason.POLICY_TIMEOUT: "The policy did not answer in time, so the answer is no.",
    Reason.POLICY_UNAVAILABLE: "The policy engine is away, so the answer is no.",
    Reason.POLICY_UNDEFINED: "The policy gave no answer, so the answer is no.",
    Reason.RECORD_FAILED: "The decision could not be recorded, so the answer is no.",
    Reason.REQUEST_INVALID: "The request does not have the form of an access evaluation.",
    Reason.RISK_ERROR: "The risk model failed.",
    Reason.RISK_LATE: "The risk model was late.",
    Reason.RISK_NO_MODEL: "No risk model is installed.",
    Reason.SESSION_EXPIRED: "This session has come to its end: sign in again to start a new one.",
    Reason.SESSION_TERMINATED: "This session was ended and cannot be used again.",
    Reason.SIGNALS_ERROR: "The signals of this access could not be read, so the answer is no.",
    Reason.STATE_ERROR: "The state of subject, resource or session could not be read, so the answer is no.",
    Reason.SUBJECT_MISMATCH: "The token speaks of another subject.",
    Reason.SUBJECT_REVOKED: "All that this subject began before was ended: sign in again.",
    Reason.SUBJECT_UNVERIFIED: "The subject did not prove who it is.",
    Reason.SUPPRESSED: "A model proposed more, but a suppression that people added withholds it for now.",
    Reason.TENANT_UNKNOWN: "There is no such tenant.",
    **{f"token_other_{what}": f"The token is for {words}." for what, words in _OTHER.items()},
}


def sentence(reason: str) -> str:
    """Return the sentence for a reason code; a refusal of identity is told by its code."""
    return SENTENCES.get(reason, f"The subject's identity was refused ({reason}).")
