r"""How a refusal looks over HTTP: problem details (RFC 9457), and the challenges of RFC 6750, 9449 and 9470.

- What the client is told: one sentence for people, reason codes, the decision's id. No token, no policy text.
- A header's value holds nothing that could end it.

>>> refusal(Decision.failed("pdp_timeout")).status
503
>>> quoted('a"b\r\nSet-Cookie: x')
'"a\\"b??Set-Cookie: x"'
"""

from typing import Any, Final

import msgspec

from ostiary_sdk.answers import Challenge, Decision, Effect

PROBLEM: Final = "application/problem+json"
_ASK_FOR_TOKEN: Final = frozenset({"token_missing", "credentials_ambiguous", "dpop_proof_missing"})
_OURS: Final = {"path_ambiguous": 400, "mapping_unknown": 403, "mapping_failed": 403}
_BAD_TOKEN: Final = ("token_", "dpop_", "subject_")
_TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


class Refusal(msgspec.Struct, frozen=True):
    """What is sent instead of the application's answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def line(self) -> str:
        """Status and phrase."""
        return f"{self.status} {_TITLES[self.status]}"


class RefusedError(Exception):
    """Raised where an access is refused inside the application; the middleware turns it into an answer."""

    def __init__(self, decision: Decision) -> None:
        """Keep the decision."""
        super().__init__(", ".join(decision.reasons) or decision.effect.value)
        self.decision = decision


def quoted(text: str) -> str:
    """Return ``text`` as a quoted string (RFC 9110 §5.6.4); what a header cannot hold becomes a question mark."""
    safe = "".join(c if " " <= c <= "~" else "?" for c in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


def refusal(decision: Decision, scheme: str = "Bearer") -> Refusal:
    """Return the answer for a request that was not allowed."""
    scheme = "DPoP" if scheme.lower() == "dpop" else "Bearer"
    status, challenge = _status(decision, scheme)
    head: list[tuple[str, str]] = [("content-type", PROBLEM), ("cache-control", "no-store")]
    if challenge:
        head.append(("www-authenticate", challenge))
    if decision.dpop_nonce:
        head.append(("dpop-nonce", quoted(decision.dpop_nonce)[1:-1]))
    if status in {429, 503}:  # it may be better in a moment
        head.append(("retry-after", str(decision.retry_after_s or 1)))
    return Refusal(status, tuple(head), msgspec.json.encode(_problem(decision, status)))


def _status(decision: Decision, scheme: str) -> tuple[int, str]:
    if decision.dpop_nonce:
        return 401, 'DPoP error="use_dpop_nonce"'
    if decision.effect is Effect.STEP_UP:
        return 401, _step_up(decision.challenge or Challenge(), scheme)
    if decision.over:
        return 401, f'{scheme} error="invalid_token", error_description="the session is over"'
    if not decision.decided:
        return _undecided(decision.reasons, scheme)
    if decision.retry_after_s and decision.effect is Effect.DENY:
        return 429, ""
    bad_token = any(reason.startswith(_BAD_TOKEN) for reason in decision.reasons)
    return (401, f'{scheme} error="invalid_token"') if bad_token else (403, "")


def _undecided(reasons: tuple[str, ...], scheme: str) -> tuple[int, str]:
    for reason in reasons:
        if reason in _ASK_FOR_TOKEN:
            return 401, scheme
        if reason in _OURS:
            return _OURS[reason], ""
    return 503, ""


def _step_up(challenge: Challenge, scheme: str) -> str:
    fields = ['error="insufficient_user_authentication"']
    if challenge.acr_values:
        fields.append(f"acr_values={quoted(challenge.acr_values)}")
    if challenge.max_age is not None:
        fields.append(f'max_age="{challenge.max_age}"')
    if challenge.uri:
        fields.append(f"step_up_uri={quoted(challenge.uri)}")
    return f"{scheme} {', '.join(fields)}"


def _problem(decision: Decision, status: int) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "about:blank", "title": _TITLES[status], "status": status}
    if decision.reason_user:
        told["detail"] = decision.reason_user
    told["reasons"] = list(decision.reasons)
    if decision.id:
        told["decision_id"] = decision.id
    if decision.challenge is not None and decision.challenge.uri:
        told["step_up_uri"] = decision.challenge.uri
    return told
