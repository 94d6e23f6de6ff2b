"""Why the token endpoint says no, beside what is wrong with a token or a proof (``identity.reasons``); alphabetised.

>>> error_of("dpop_replayed"), error_of("workload_replayed"), error_of("token_other_columns")
('invalid_dpop_proof', 'invalid_request', 'invalid_authorization_details')
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ostiary.identity.exchange.details import INVALID


class ExchangeRefusal(StrEnum):
    """Every code of an exchange's own."""

    ACTOR_CHAIN_TOO_LONG = "actor_chain_too_long"
    ACTOR_CLAIM_INVALID = "actor_claim_invalid"
    ACTOR_NOT_ALLOWED = "actor_not_allowed"
    ACTOR_REVOKED = "actor_revoked"
    COMMIT_NOT_THE_JOBS = "commit_not_the_jobs"
    GRANT_TYPE_UNSUPPORTED = "grant_type_unsupported"
    HOLDER_UNPROVEN = "holder_unproven"
    ISSUED_TOKEN_TOO_LARGE = "issued_token_too_large"  # noqa: S105 - a code
    SCOPE_UNSUPPORTED = "scope_unsupported"
    TARGET_UNKNOWN = "target_unknown"
    TOKEN_REQUEST_INVALID = "token_request_invalid"  # noqa: S105 - a code
    TYPE_NOT_OFFERED = "type_not_offered"


_NONCE: Final = frozenset({"dpop_nonce_missing", "dpop_nonce_wrong"})
_ERRORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        INVALID: "invalid_authorization_details",
        ExchangeRefusal.COMMIT_NOT_THE_JOBS: "invalid_authorization_details",
        ExchangeRefusal.GRANT_TYPE_UNSUPPORTED: "unsupported_grant_type",
        ExchangeRefusal.HOLDER_UNPROVEN: "invalid_dpop_proof",
        ExchangeRefusal.ISSUED_TOKEN_TOO_LARGE: "invalid_authorization_details",
        ExchangeRefusal.SCOPE_UNSUPPORTED: "invalid_scope",
        ExchangeRefusal.TARGET_UNKNOWN: "invalid_target",
        ExchangeRefusal.TYPE_NOT_OFFERED: "invalid_authorization_details",
    }
)


def error_of(code: str) -> str:
    """Return the OAuth ``error`` of one of our codes (RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 9396 §5, RFC 9449 §5).

    RFC 8693 demands ``invalid_request`` for every subject or actor token that is refused, whatever is wrong with it.
    """
    if code in _NONCE:
        return "use_dpop_nonce"
    if code.startswith("dpop_"):
        return "invalid_dpop_proof"
    if code.startswith("token_other_"):
        return "invalid_authorization_details"
    return _ERRORS.get(code, "invalid_request")
