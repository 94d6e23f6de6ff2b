"""What a proxy is told: 200 with headers for the upstream, or the answer that the client gets.

- A permission names subject, tenant, decision, effect and obligations in headers; all of them are there each time, so
  that a client's own never reach an upstream.
- A refusal is a problem (RFC 9457) with reason codes and the decision's id; 401 where a sign-in helps (RFC 6750,
  9449, 9470), also where a session is over; 429 where too much was asked. Never a score, never a rule's text.
- What is told to nobody in particular (a stranger, a proxy that proved nothing) has a code and no decision.
"""

import json
from typing import Any, Final
from urllib.parse import quote

import msgspec

from ostiary.decision.answer import retry_after
from ostiary.decision.parts import Decided
from ostiary.errors import OstiaryError
from ostiary.server.challenge import quoted, step_up_challenge
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.reasons import Reason

SUBJECT: Final = "x-ostiary-subject"
TENANT: Final = "x-ostiary-tenant"
DECISION: Final = "x-ostiary-decision"
EFFECT: Final = "x-ostiary-effect"
OBLIGATIONS: Final = "x-ostiary-obligations"
TOLD: Final = (SUBJECT, TENANT, DECISION, EFFECT, OBLIGATIONS)
"""All headers that an upstream may believe, when it is reached through a proxy alone."""
PROBLEM: Final = "application/problem+json"
NOT_UNDERSTOOD: Final = "obligation_not_understood"
TOO_LONG: Final = "obligations_too_long"
MAX_OBLIGATIONS: Final = 3072
_PLAIN: Final = ":@!$&'()*+,;=/"
_OVER: Final = frozenset({Reason.SESSION_EXPIRED, Reason.SESSION_TERMINATED, Reason.SUBJECT_REVOKED})
_TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    408: "Request Timeout",
    413: "Content Too Large",
    429: "Too Many Requests",
    503: "Service Unavailable",
}
Headers = tuple[tuple[str, str], ...]


class EdgeAnswer(msgspec.Struct, frozen=True):
    """One answer to a proxy."""

    status: int
    headers: Headers
    body: bytes = b""

    @property
    def allows(self) -> bool:
        """Whether the request may pass."""
        return self.status == 200  # noqa: PLR2004 - the one that lets through, in each of the protocols


def allowed(decided: Decided, subject: str, carries: frozenset[str]) -> EdgeAnswer:
    """Return the answer of a permission; one with an obligation that is not carried out here is none."""
    record = decided.record
    unknown = sorted({one.type for one in record.obligations} - carries)
    if unknown:
        return refused(403, NOT_UNDERSTOOD, decided=decided)
    told = json.dumps(decided.answer["context"].get("obligations", []), separators=(",", ":"), sort_keys=True)
    told = told.replace("\x7f", "\\u007f")  # the one control character that JSON lets stand
    if len(told) > MAX_OBLIGATIONS:
        return refused(403, TOO_LONG, decided=decided)
    headers = (
        (SUBJECT, quote(subject, safe=_PLAIN)),
        (TENANT, record.tenant),
        (DECISION, record.receipt.decision_id),
        (EFFECT, record.outcome.effect.name),
        (OBLIGATIONS, told),
    )
    return EdgeAnswer(200, headers)


def denied(decided: Decided) -> EdgeAnswer:
    """Return the answer of a decision that does not permit."""
    outcome = decided.record.outcome
    if outcome.effect == Effect.STEP_UP:
        return refused(401, "step_up_needed", _texts(step_up_challenge(decided)), decided=decided)
    if outcome.effect == Effect.TERMINATE or decided.record.refusal in _OVER:
        challenge = 'Bearer error="invalid_token", error_description="the session is over"'
        return refused(401, "session_over", (("www-authenticate", challenge),), decided=decided)
    wait_s = retry_after(outcome)
    if wait_s:
        return refused(429, "access_denied", (("retry-after", str(wait_s)),), decided=decided)
    return refused(403, "access_denied", decided=decided)


def stranger(no: OstiaryError, nonce: str | None) -> EdgeAnswer:
    """Return the answer to a client that proved nothing."""
    error = "use_dpop_nonce" if nonce else "invalid_token"
    told = f'error="{error}", error_description={quoted(no.message)}'
    headers: Headers = (("www-authenticate", f'DPoP {told}, algs="ES256 EdDSA"'),)
    if nonce:
        headers = (*headers, ("dpop-nonce", nonce))
    return refused(401, no.code, headers)


def unavailable(code: str) -> EdgeAnswer:
    """Return the answer when nobody can decide or record now."""
    return refused(503, code, (("retry-after", "1"),))


def refused(status: int, code: str, headers: Headers = (), *, decided: Decided | None = None) -> EdgeAnswer:
    """Return a refusal as a problem."""
    body: dict[str, Any] = {"type": "about:blank", "title": _TITLES[status], "status": status, "code": code}
    if decided is not None:
        context = decided.answer["context"]
        body |= {"decision_id": context["id"], "reasons": context["reasons"]}
        if "reason_user" in context:
            body["detail"] = context["reason_user"]["en"]
        body |= {name: context[name] for name in ("remediation", "denied_uri") if name in context}
        headers = (*headers, (DECISION, context["id"]))
    return EdgeAnswer(status, (("content-type", PROBLEM), *headers), msgspec.json.encode(body))


def _texts(headers: tuple[tuple[bytes, bytes], ...]) -> Headers:
    return tuple((name.decode("ascii"), value.decode("ascii")) for name, value in headers)
