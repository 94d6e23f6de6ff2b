"""What a door says to those whom it does not let in.

- 401 to whoever proved nothing, with how it is done (RFC 6750 §3, RFC 9449 §7.1); an API key alone is never enough.
- 403 to whoever is known and may not, 429 to whoever asked too much; 401 with an RFC 9470 challenge where a sign-in
  would help.
- Each answer has ``code`` and ``message``; after a decision also its id and reasons. Never a score, never a secret.
"""

from typing import Any, Final

import msgspec

from ostiary.decision.answer import retry_after
from ostiary.decision.parts import Decided
from ostiary.errors import OstiaryError
from ostiary.server.challenge import quoted, step_up_challenge
from ostiary.server.wire import Reply, json_reply
from ostiary.vocabulary.effects import Effect

DENIED: Final = "access_denied"
STEP_UP: Final = "step_up_needed"
NOT_UNDERSTOOD: Final = "obligation_not_understood"
_ALGORITHMS: Final = "ES256 EdDSA"
Headers = tuple[tuple[bytes, bytes], ...]


class TurnedAway(Exception):  # noqa: N818 - it is an answer, not a fault
    """A caller is not let in; ``reply`` is what it is told."""

    def __init__(self, reply: Reply) -> None:
        """Keep the reply."""
        super().__init__(reply.status)
        self.reply = reply


def stranger(no: OstiaryError, nonce: str | None = None) -> TurnedAway:
    """Return the answer to a caller that proved nothing."""
    error = "use_dpop_nonce" if nonce else "invalid_token"
    told = f'DPoP error="{error}", error_description={quoted(no.message)}, algs="{_ALGORITHMS}"'
    headers: Headers = ((b"www-authenticate", told.encode("ascii")),)
    if nonce:
        headers = (*headers, (b"dpop-nonce", nonce.encode("ascii")))
    return TurnedAway(json_reply(401, {"code": no.code, "message": no.message}, *headers))


def denied(decided: Decided) -> TurnedAway:
    """Return the answer to a caller that the decision did not let in."""
    context = decided.answer["context"]
    step_up = decided.record.outcome.effect == Effect.STEP_UP
    body: dict[str, Any] = {
        "code": STEP_UP if step_up else DENIED,
        "message": context.get("reason_user", {}).get("en", "Access is denied."),
        "decision_id": context["id"],
        "reasons": context["reasons"],
    }
    if "remediation" in context:
        body["remediation"] = context["remediation"]
    if "denied_uri" in context:
        body["denied_uri"] = context["denied_uri"]
    if step_up:
        return TurnedAway(json_reply(401, body, *step_up_challenge(decided)))
    wait_s = retry_after(decided.record.outcome)
    if wait_s:
        return TurnedAway(json_reply(429, body, (b"retry-after", b"%d" % wait_s)))
    return TurnedAway(json_reply(403, body))


def not_understood(decided: Decided, types: set[str]) -> TurnedAway:
    """Return the answer where a permission has conditions that this door cannot carry out."""
    body = {
        "code": NOT_UNDERSTOOD,
        "message": f"this door cannot carry out {', '.join(sorted(types))}, so the answer is no",
        "decision_id": decided.record.receipt.decision_id,
        "reasons": [NOT_UNDERSTOOD],
    }
    return TurnedAway(json_reply(403, body))


def faulty(no: OstiaryError, status: int = 400) -> TurnedAway:
    """Return the answer to a request that cannot be meant."""
    return TurnedAway(json_reply(status, {"code": no.code, "message": no.message}))


def unavailable(no: OstiaryError) -> TurnedAway:
    """Return the answer when nobody can decide or record now."""
    body = {"code": no.code, "message": "The service cannot decide now, so the answer is no."}
    return TurnedAway(Reply(503, msgspec.json.encode(body), ((b"content-type", b"application/json"), _RETRY)))


_RETRY: Final = (b"retry-after", b"1")
