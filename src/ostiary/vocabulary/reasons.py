"""Reason codes: stable, alphabetised, one meaning each.

Grammar: ``noun_state`` in snake_case. ``token_…`` and ``dpop_…`` are refusals of identity, ``pep_…`` of the
enforcement point, ``policy_…`` of the policy engine, ``risk_…`` say why there is no score, ``request_…`` and
``body_…`` are faults of the input. A rule's own reason is ``rule:<rule id>``.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Every reason code that does not come from a policy rule."""

    ADAPTIVE_ERROR = "adaptive_error"
    ADAPTIVE_PROPOSAL = "adaptive_proposal"
    BIOMETRICS_CAP = "biometrics_cap"
    BODY_DEPTH = "body_too_deep"
    BODY_DUPLICATE_KEY = "body_duplicate_key"
    BODY_MALFORMED = "body_malformed"
    BODY_TOO_LARGE = "body_too_large"
    BREAK_GLASS = "break_glass"
    CRITICAL_CAP = "critical_cap"
    INTERNAL_ERROR = "internal_error"
    NO_ALLOW_RULE = "no_allow_rule"
    OVERLOADED = "overloaded"
    PEP_UNAUTHENTICATED = "pep_unauthenticated"
    PEP_WRONG_TENANT = "pep_wrong_tenant"
    PHASE_NOT_LIVE = "phase_not_live"
    POLICY_CEILING = "policy_ceiling"
    POLICY_ERROR = "policy_error"
    POLICY_MALFORMED = "policy_malformed_answer"
    POLICY_TIMEOUT = "policy_timeout"
    POLICY_UNAVAILABLE = "policy_unavailable"
    POLICY_UNDEFINED = "policy_undefined"
    RECORD_FAILED = "record_failed"
    REQUEST_INVALID = "request_invalid"
    RISK_ERROR = "risk_error"
    RISK_LATE = "risk_late"
    RISK_NO_MODEL = "risk_no_model"
    SESSION_EXPIRED = "session_expired"
    SESSION_TERMINATED = "session_terminated"
    SIGNALS_ERROR = "signals_error"
    STATE_ERROR = "state_error"
    SUBJECT_MISMATCH = "subject_mismatch"
    SUBJECT_REVOKED = "subject_revoked"
    SUBJECT_UNVERIFIED = "subject_unverified"
    SUPPRESSED = "suppressed"
    TENANT_UNKNOWN = "tenant_unknown"
