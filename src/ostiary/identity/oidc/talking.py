"""Redeems a code at a provider's token endpoint: one request, bounded in size and time, no redirect followed."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote_plus

from ostiary.errors import UnavailableError
from ostiary.identity.deadline import Deadline
from ostiary.identity.login.talking import MAX_ANSWER
from ostiary.identity.oidc.config import ProviderConfig
from ostiary.identity.oidc.reasons import WORDS, OidcRefusal, refusal
from ostiary.identity.strict import NotStrictError, parse_object
from ostiary.identity.tokens import MAX_LENGTH

TIMEOUT_S: Final = 5.0
_OK: Final = 200
_BROKEN: Final = 500
_TYPES: Final = frozenset({"bearer", "dpop"})


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a code was worth; nothing of it is verified."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


class Redeem(Protocol):
    """Sends a form to a token endpoint."""

    def __call__(self, url: str, form: dict[str, str], authorization: str, /) -> tuple[int, bytes]:
        """Return status and body.

        Raises:
            UnavailableError: ``oidc_provider_unavailable``.
        """
        ...


def post_form(url: str, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
    """Send a form over HTTP, as ``Redeem`` says."""
    import httpx  # noqa: PLC0415 - a third of a second that few need

    headers = {"accept": "application/json", "accept-encoding": "identity"}
    if authorization:
        headers["authorization"] = authorization
    try:
        with (
            Deadline(TIMEOUT_S) as deadline,
            httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", url, data=form, headers=headers, extensions=deadline.extensions) as response,
        ):
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise unavailable()
            if deadline.over:
                raise unavailable()
            return response.status_code, bytes(body)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:
        raise unavailable() from fault


def redeem(
    config: ProviderConfig, url: str, code: str, verifier: str, redirect_uri: str, send: Redeem = post_form
) -> Redeemed:
    """Return the tokens for a code.

    Raises:
        RefusedError: ``oidc_provider_refused``: the code is not good, or not ours.
        UnavailableError: ``oidc_provider_unavailable``.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": config.client_id,
        "code_verifier": verifier,
    }
    secret, authorization = config.secret(), ""
    if secret and config.client_auth == "post":
        form["client_secret"] = secret
    elif secret:  # RFC 6749 §2.3.1: both are form-encoded first
        pair = f"{quote_plus(config.client_id)}:{quote_plus(secret)}"
        authorization = f"Basic {b64encode(pair.encode()).decode()}"
    status, body = send(url, form, authorization)
    if status >= _BROKEN:
        raise unavailable()
    if status != _OK:
        raise refusal(OidcRefusal.REFUSED)
    return _read(body)


def _read(body: bytes) -> Redeemed:
    try:
        told = parse_object(body)
    except NotStrictError as fault:
        raise unavailable() from fault
    kind = told.get("token_type", "bearer")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise unavailable()
    id_token = _text(told, "id_token")
    if not id_token:
        raise unavailable()
    return Redeemed(id_token, _text(told, "access_token"))


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name, "")
    sound = isinstance(value, str) and len(value) <= MAX_LENGTH and value.isascii() and value.isprintable()
    return value if sound else ""


def unavailable() -> UnavailableError:
    """Return the one error for a provider that does not answer as it should."""
    return UnavailableError(OidcRefusal.UNAVAILABLE, WORDS[OidcRefusal.UNAVAILABLE])
