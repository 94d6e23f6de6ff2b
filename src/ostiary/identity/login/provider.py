"""What a provider's discovery document says of its device flow (RFC 8414, RFC 8628 §4).

- The document must name the very issuer it was asked for: another's endpoints would get this person's codes (RFC 9700).
- Every endpoint is https, or on this machine.

>>> told = b'{"issuer": "https://idp.example", "token_endpoint": "https://idp.example/t"}'
>>> read_provider(told, "https://idp.example")
Traceback (most recent call last):
...
ostiary.errors.FaultyInputError: the provider offers no device flow: it names no `device_authorization_endpoint`
"""

import ipaddress
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.strict import NotStrictError, is_name, parse_object

INVALID: Final = "provider_invalid"
WELL_KNOWN: Final = "/.well-known/openid-configuration"
_MAX_URL: Final = 2048


class Provider(msgspec.Struct, frozen=True):
    """Where a provider takes what; an endpoint that it does not have is empty.

    Attributes:
        issuer: its name.
        device: where a sign-in begins.
        token: where tokens are fetched.
        revocation: where they are given back (RFC 7009).
        proofs: whether it binds tokens to a key (RFC 9449 §5.1, ES256).
    """

    issuer: str
    device: str
    token: str
    revocation: str = ""
    proofs: bool = False


def read_provider(document: bytes, issuer: str) -> Provider:
    """Return what a discovery document says.

    Raises:
        FaultyInputError: ``provider_invalid``.
    """
    try:
        told = parse_object(document)
    except NotStrictError as fault:
        raise FaultyInputError(INVALID, f"the discovery document is unacceptable: {fault.fault.value}") from fault
    if told.get("issuer") != issuer:
        raise FaultyInputError(INVALID, "the discovery document is another issuer's")
    algorithms = told.get("dpop_signing_alg_values_supported", [])
    return Provider(
        issuer=issuer,
        device=_endpoint(told, "device_authorization_endpoint", "the provider offers no device flow"),
        token=_endpoint(told, "token_endpoint", "the provider has no token endpoint"),
        revocation=_endpoint(told, "revocation_endpoint", "") if "revocation_endpoint" in told else "",
        proofs=isinstance(algorithms, list) and "ES256" in algorithms,
    )


def check_address(url: str, what: str) -> str:
    """Return ``url`` when secrets may be sent there: https, or this very machine.

    Raises:
        FaultyInputError: ``url_invalid``.
    """
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and not parts.username and not parts.fragment
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname or ""))
    except ValueError:
        sound = safe = False
    if not sound or not safe or not is_name(url, _MAX_URL):
        raise FaultyInputError("url_invalid", f"{what} `{url[:120]}` is no https:// address")
    return url


def is_this_machine(host: str) -> bool:
    """Return whether a host's name is this machine's loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _endpoint(told: dict[str, Any], name: str, without: str) -> str:
    value = told.get(name)
    if not isinstance(value, str):
        raise FaultyInputError(INVALID, f"{without}: it names no `{name}`")
    return check_address(value, f"the provider's `{name}`")
