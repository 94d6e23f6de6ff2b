"""Why a step-up or an enrolment is refused: one stable code for each, alphabetised.

Grammar: ``authenticator_…`` is about a kept passkey, ``challenge_…`` about what was to be signed, ``enrolment_…`` and
``recovery_…`` about how passkeys come to be, ``step_up_…`` about the request, ``webauthn_…`` about a browser's answer.

>>> StepUpRefusal("challenge_used").value
'challenge_used'
"""

from enum import StrEnum


class StepUpRefusal(StrEnum):
    """Every code of this room; the first word says what it is about."""

    AUTHENTICATOR_CLONED = "authenticator_cloned"
    AUTHENTICATOR_EXISTS = "authenticator_exists"
    AUTHENTICATOR_LIMIT = "authenticator_limit"
    AUTHENTICATOR_NAME_INVALID = "authenticator_name_invalid"
    AUTHENTICATOR_NONE = "authenticator_none"
    AUTHENTICATOR_UNKNOWN = "authenticator_unknown"
    CHALLENGE_EXPIRED = "challenge_expired"
    CHALLENGE_OTHER_REQUEST = "challenge_other_request"
    CHALLENGE_UNKNOWN = "challenge_unknown"
    CHALLENGE_USED = "challenge_used"
    ENROLMENT_NEEDS_EXISTING = "enrolment_needs_existing"
    ENROLMENT_UNKNOWN = "enrolment_unknown"
    RECOVERY_NEEDED = "recovery_needed"
    RECOVERY_SAME_ADMINISTRATOR = "recovery_same_administrator"
    RECOVERY_UNKNOWN = "recovery_unknown"
    STEP_UP_BUSY = "step_up_busy"
    STEP_UP_FOREIGN_SITE = "step_up_foreign_site"
    STEP_UP_SESSION_ENDED = "step_up_session_ended"
    STEP_UP_UNKNOWN = "step_up_unknown"
    SUBJECT_INVALID = "subject_invalid"
    WEBAUTHN_ANSWER_MALFORMED = "webauthn_answer_malformed"
    WEBAUTHN_ATTESTATION_REFUSED = "webauthn_attestation_refused"
    WEBAUTHN_IN_FRAME = "webauthn_in_frame"
    WEBAUTHN_MODEL_NOT_ALLOWED = "webauthn_model_not_allowed"
    WEBAUTHN_ORIGIN_WRONG = "webauthn_origin_wrong"
    WEBAUTHN_RP_WRONG = "webauthn_rp_wrong"
    WEBAUTHN_SIGNATURE_INVALID = "webauthn_signature_invalid"
    WEBAUTHN_TYPE_WRONG = "webauthn_type_wrong"
    WEBAUTHN_USER_ABSENT = "webauthn_user_absent"
    WEBAUTHN_USER_HANDLE_WRONG = "webauthn_user_handle_wrong"
    WEBAUTHN_USER_NOT_VERIFIED = "webauthn_user_not_verified"


WORDS: dict[str, str] = {
    StepUpRefusal.AUTHENTICATOR_CLONED: "this passkey's counter went back, as a copy's would: it cannot be used",
    StepUpRefusal.AUTHENTICATOR_EXISTS: "this passkey is registered already",
    StepUpRefusal.AUTHENTICATOR_LIMIT: "there are as many passkeys as one person may have; remove one first",
    StepUpRefusal.AUTHENTICATOR_NAME_INVALID: "a name has 1 to 64 printable characters",
    StepUpRefusal.AUTHENTICATOR_NONE: "there is no passkey to confirm with; ask an administrator for an invitation",
    StepUpRefusal.AUTHENTICATOR_UNKNOWN: "this passkey is not registered here",
    StepUpRefusal.CHALLENGE_EXPIRED: "the time to answer is over",
    StepUpRefusal.CHALLENGE_OTHER_REQUEST: "this answer was made for another request",
    StepUpRefusal.CHALLENGE_UNKNOWN: "this answer is to no question of this server",
    StepUpRefusal.CHALLENGE_USED: "this answer was used before",
    StepUpRefusal.ENROLMENT_NEEDS_EXISTING: "confirm with a passkey that is registered already first",
    StepUpRefusal.ENROLMENT_UNKNOWN: "this link is not good, or not any more",
    StepUpRefusal.RECOVERY_NEEDED: "all passkeys of this person were removed: a new one takes a recovery",
    StepUpRefusal.RECOVERY_SAME_ADMINISTRATOR: (
        "a recovery needs two administrators: neither who asked for it nor whom it is for can approve"
    ),
    StepUpRefusal.RECOVERY_UNKNOWN: "there is no such recovery, or its time is over",
    StepUpRefusal.STEP_UP_BUSY: "too many confirmations at once; try again in a moment",
    StepUpRefusal.STEP_UP_FOREIGN_SITE: "this was sent from another site",
    StepUpRefusal.STEP_UP_SESSION_ENDED: "this session has ended and cannot be raised; sign in again",
    StepUpRefusal.STEP_UP_UNKNOWN: "there is nothing to confirm here, or not any more",
    StepUpRefusal.SUBJECT_INVALID: "a subject is type:id, such as user:ann",
    StepUpRefusal.WEBAUTHN_ANSWER_MALFORMED: "the browser's answer does not have the form of a passkey's answer",
    StepUpRefusal.WEBAUTHN_ATTESTATION_REFUSED: "what the passkey says of its own make does not verify",
    StepUpRefusal.WEBAUTHN_IN_FRAME: "the answer was made inside another site's page",
    StepUpRefusal.WEBAUTHN_MODEL_NOT_ALLOWED: "passkeys of this model are not accepted here",
    StepUpRefusal.WEBAUTHN_ORIGIN_WRONG: "the answer was made on another site",
    StepUpRefusal.WEBAUTHN_RP_WRONG: "the answer was made for another site",
    StepUpRefusal.WEBAUTHN_SIGNATURE_INVALID: "the signature does not verify",
    StepUpRefusal.WEBAUTHN_TYPE_WRONG: "the answer belongs to another kind of question",
    StepUpRefusal.WEBAUTHN_USER_ABSENT: "nobody touched the passkey",
    StepUpRefusal.WEBAUTHN_USER_HANDLE_WRONG: "this passkey belongs to somebody else",
    StepUpRefusal.WEBAUTHN_USER_NOT_VERIFIED: "the passkey did not check who is using it (PIN, finger or face)",
}
