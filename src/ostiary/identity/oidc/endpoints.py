"""What a provider's discovery document says (OpenID Connect Discovery §3, RFC 8414), as far as it may be used.

1. The document names the very issuer that it was asked for (RFC 9700 §4.4: or another's endpoints get our codes).
2. Each endpoint is https on the issuer's own host, or on one that the operator named: a document sends neither us nor a
   browser elsewhere. Plain http is for this machine alone, by option.

>>> config = ProviderConfig(name="corp", tenant="acme", issuer="https://idp.example", client_id="ostiary")
>>> told = b'{"issuer": "https://idp.example", "authorization_endpoint": "https://evil.example/a"}'
>>> read_endpoints(told, config)
Traceback (most recent call last):
...
ostiary.errors.UnavailableError: `authorization_endpoint` of the provider lies on a host that is not its own: name it
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ostiary.errors import UnavailableError
from ostiary.identity.login.provider import is_this_machine
from ostiary.identity.oidc.config import ProviderConfig
from ostiary.identity.oidc.reasons import OidcRefusal
from ostiary.identity.strict import NotStrictError, is_name, parse_object

_MAX_URL: Final = 2048


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider takes what.

    Attributes:
        authorization: where a browser is sent.
        token: where codes are redeemed.
        end_session: where a browser signs out; empty where the provider has no such place.
        names_itself: whether its answers name it (RFC 9207): one that then does not is not its answer.
    """

    authorization: str
    token: str
    end_session: str = ""
    names_itself: bool = False


def read_endpoints(document: bytes, config: ProviderConfig) -> Endpoints:
    """Return what a discovery document says.

    Raises:
        UnavailableError: ``oidc_provider_unavailable``.
    """
    try:
        told = parse_object(document)
    except NotStrictError as fault:
        raise _unusable(f"the discovery document is unacceptable: {fault.fault.value}") from fault
    if told.get("issuer") != config.issuer:
        raise _unusable("the discovery document is another issuer's")
    leaves = "end_session_endpoint" in told
    return Endpoints(
        authorization=_endpoint(told, "authorization_endpoint", config),
        token=_endpoint(told, "token_endpoint", config),
        end_session=_endpoint(told, "end_session_endpoint", config) if leaves else "",
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(told: dict[str, Any], name: str, config: ProviderConfig) -> str:
    url = told.get(name)
    if not isinstance(url, str) or not is_name(url, _MAX_URL) or not url.isascii() or " " in url:
        raise _unusable(f"the provider names no `{name}`")
    try:
        parts = urlsplit(url)
        loopback = parts.scheme == "http" and config.allow_loopback_http and is_this_machine(parts.hostname or "")
        sound = bool(parts.hostname) and parts.username is None and not parts.fragment
    except ValueError as fault:
        raise _unusable(f"`{name}` of the provider is no address") from fault
    if not sound or not (parts.scheme == "https" or loopback):
        raise _unusable(f"`{name}` of the provider is no https address")
    if parts.netloc.lower() not in config.own_hosts:
        raise _unusable(f"`{name}` of the provider lies on a host that is not its own: name it")
    return url


def _unusable(message: str) -> UnavailableError:
    return UnavailableError(OidcRefusal.UNAVAILABLE, message)
