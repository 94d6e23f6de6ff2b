"""One exchange over HTTP (RFC 8693): the form that is sent, and what is made of the answer.

An answer counts only whole: status, type, a token that is bound as asked, a lifetime. Anything else is a ``TokenError``
with the server's own code where it gave one.
"""

import ssl
from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from ostiary_sdk.pipeline.access import Access
from ostiary_sdk.pipeline.sources import MAX_TOKEN

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name of RFC 8693 §3
MAX_ANSWER: Final = 65_536
NONCE_WANTED: Final = "use_dpop_nonce"
_MAX_TEXT: Final = 300


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set.

    Attributes:
        timeout_s: of each step of an exchange.
        renew_s: a token is renewed when it has less than this left, or a third of its life.
        retry_s: pause after an exchange that failed while the old token still holds.
        allow_http: whether a server elsewhere may be asked without TLS.
        verify: whether, or against which file of authorities, its certificate is checked.
        certificate, certificate_key: PEM files; with them tokens are bound to that certificate (RFC 8705), not to a
            key of our own, and whoever calls the doors must present it as well.
    """

    timeout_s: float = 5.0
    renew_s: float = 30.0
    retry_s: float = 2.0
    allow_http: bool = False
    verify: bool | str = True
    certificate: str = ""
    certificate_key: str = ""


class TokenError(RuntimeError):
    """No token can be had; the text never holds one.

    Attributes:
        code: the server's ``error``, or ``unreachable``, ``answer_invalid``, ``source``.
        decision_id: the decision that said no, where there was one.
        reasons: its reasons.
    """

    def __init__(self, code: str, text: str, decision_id: str = "", reasons: tuple[str, ...] = ()) -> None:
        """Keep what is known."""
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code
        self.decision_id = decision_id
        self.reasons = reasons


class Granted(msgspec.Struct, frozen=True):
    """What an exchange gave; ``repr`` hides the token."""

    access_token: str
    token_type: str
    expires_in: float
    authorization_details: tuple[dict[str, Any], ...] = ()

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show everything but the token."""
        return f"Granted({self.token_type}, {self.expires_in:g} s)"


class _Refused(msgspec.Struct, frozen=True):
    error: str
    error_description: str = ""
    decision_id: str = ""
    reasons: tuple[str, ...] = ()


def form(subject_token: str, access: Access | Mapping[str, Any], actor_token: str = "") -> dict[str, str]:
    """Return the form of one exchange."""
    detail = access.document() if isinstance(access, Access) else dict(access)
    actor = {"actor_token": actor_token, "actor_token_type": JWT} if actor_token else {}
    return {
        "grant_type": GRANT,
        "subject_token": subject_token,
        "subject_token_type": JWT,
        "requested_token_type": ACCESS_TOKEN,
        "authorization_details": msgspec.json.encode([detail]).decode(),
        **actor,
    }


def read_granted(status: int, body: bytes, wanted: str) -> Granted:
    """Return what an answer grants; ``wanted`` is the token type that was asked for by the way of binding.

    Raises:
        TokenError: it grants nothing.
    """
    try:
        if status != httpx.codes.OK:
            no = msgspec.json.decode(body, type=_Refused)
            raise TokenError(no.error[:_MAX_TEXT], no.error_description[:_MAX_TEXT], no.decision_id, no.reasons)
        granted = msgspec.json.decode(body, type=Granted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TokenError("answer_invalid", f"status {status}") from None
    token = granted.access_token
    if granted.token_type.lower() != wanted.lower() or not token.isascii() or not 0 < len(token) <= MAX_TOKEN:
        raise TokenError("answer_invalid", "the token is not bound as it was asked for")
    return granted


def http_client(settings: TokenSettings) -> httpx.Client:
    """Return the client of exchanges; nothing of the environment counts, and it follows no redirect."""
    context = _context(settings)
    return httpx.Client(verify=context, timeout=settings.timeout_s, trust_env=False, follow_redirects=False)


def _context(settings: TokenSettings) -> ssl.SSLContext | bool:
    if settings.verify is True and not settings.certificate:
        return True
    context = ssl.create_default_context(cafile=settings.verify if isinstance(settings.verify, str) else None)
    if settings.verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.certificate_key or None)
    return context
