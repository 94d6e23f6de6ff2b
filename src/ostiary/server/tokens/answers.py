"""What the token endpoint says: OAuth's own bodies (RFC 6749 §5), with our code beside the standard's error.

``error`` is for any OAuth client, ``code`` is the stable one of ours; after a decision its id and reasons are there
too. Never a token, never a score.
"""

from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.identity.exchange.asking import ACCESS_TOKEN
from ostiary.identity.exchange.details import AccessDetail
from ostiary.identity.exchange.issuing import Minted
from ostiary.identity.exchange.reasons import error_of
from ostiary.server.doors import TurnedAway
from ostiary.server.doors.turned_away import STEP_UP as STEP_UP_NEEDED
from ostiary.server.wire import BODY_LATE, CLOSE, Reply, json_reply
from ostiary.vocabulary.reasons import Reason

DENIED: Final = "access_denied"
UNAVAILABLE: Final = "temporarily_unavailable"
STEP_UP: Final = "insufficient_user_authentication"
RETRY: Final = (b"retry-after", b"1")
_CLOSING: Final = {BODY_LATE: 408, Reason.BODY_TOO_LARGE.value: 413}
_NS: Final = 1_000_000_000
Headers = tuple[tuple[bytes, bytes], ...]


def granted(minted: Minted, detail: AccessDetail, now_ns: int, *, dpop: bool) -> Reply:
    """Return the answer with a token (RFC 8693 §2.2.1, RFC 9396 §7); a certificate's token is a ``Bearer`` one."""
    body = {
        "access_token": minted.token,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "DPoP" if dpop else "Bearer",
        "expires_in": (minted.expires_ns - now_ns) // _NS,
        "authorization_details": [detail],
    }
    return json_reply(200, body, (b"pragma", b"no-cache"))


def refused(no: OstiaryError, nonce: str | None = None) -> Reply:
    """Return the answer to a request that is malformed, or whose caller proved nothing."""
    if isinstance(no, UnavailableError):
        body = {"error": UNAVAILABLE, "code": no.code, "error_description": "nobody can be believed now: try again"}
        return json_reply(503, body, RETRY)
    status = _CLOSING.get(no.code, 400)
    headers: Headers = () if nonce is None else ((b"dpop-nonce", nonce.encode("ascii")),)
    headers += (CLOSE,) if status != 400 else ()  # noqa: PLR2004 - an unread body follows
    error = error_of(no.code) if not isinstance(no, FaultyInputError) or status == 400 else "invalid_request"  # noqa: PLR2004
    return json_reply(status, {"error": error, "error_description": _plain(no.message), "code": no.code}, *headers)


def turned_away(no: TurnedAway) -> Reply:
    """Return a door's answer as OAuth says it: 400 for a denial, 401 with the challenge where a sign-in would help."""
    told: dict[str, Any] = msgspec.json.decode(no.reply.body)
    codes = [told["code"], *told.get("reasons", ())]
    if no.reply.status == 503:  # noqa: PLR2004 - nobody can decide or record now
        status, error = 503, UNAVAILABLE
    elif codes[0] == STEP_UP_NEEDED:
        status, error = 401, STEP_UP
    elif no.reply.status == 403:  # noqa: PLR2004 - a decision, or a refusal with its record
        status, error = 400, error_of(codes[-1]) if _ours(codes[-1]) else DENIED
    else:
        status, error = 400, "invalid_request"
    body = {"error": error, "error_description": _plain(told.pop("message", "")), **told}
    return msgspec.structs.replace(no.reply, status=status, body=msgspec.json.encode(body))


def _ours(code: str) -> bool:
    """Return whether a refusal is about what was asked for, and not the policy's word."""
    return error_of(code) != "invalid_request"


def _plain(text: str) -> str:
    """Return a text as ``error_description`` can hold it (RFC 6749 §5.2: no quotes, no backslash, ASCII)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)[:500]
