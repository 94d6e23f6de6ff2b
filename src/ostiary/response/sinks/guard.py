"""Which addresses a sink may be reached at: the guard against requests to where only we could go (SSRF, CWE-918).

Rules:

- A webhook is ``https``; plain ``http`` is for this machine itself, and only where the setting says so.
- No user, no fragment, no odd port of another protocol's; no redirect is followed by whoever uses this.
- The name is resolved once, every address it has must be allowed, and the connection goes to the very address that was
  checked: a name that answers differently a moment later gains nothing (DNS rebinding).
- Private, loopback, link-local, shared, multicast and reserved addresses are refused, also when they hide in an IPv6
  form (mapped, 6to4, Teredo, NAT64), unless the sink's own setting allows private ones. Link-local (where cloud
  machines keep their credentials) is never allowed.

>>> is_public("93.184.216.34"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
(True, False, False)
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
MAX_URL: Final = 2048
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_MAX_ADDRESSES: Final = 16
# Older than the library's own lists: site-local (RFC 3879), NAT64 for local use (RFC 8215), 6to4 relays (RFC 7526).
_CLOSED: Final = tuple(
    ipaddress.ip_network(text) for text in ("fec0::/10", "64:ff9b:1::/48", "192.88.99.0/24", "192.0.0.0/24")
)
# Where clouds hand out credentials and keys of a machine, beside the link-local addresses: AWS, Alibaba, Azure, Oracle.
_CREDENTIALS: Final = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"))
)


class Target(msgspec.Struct, frozen=True):
    """A URL taken apart."""

    scheme: str
    host: str
    port: int
    path: str


def check_url(url: str, *, loopback_http: bool) -> Target:
    """Return the parts of a webhook's URL.

    Raises:
        FaultyInputError: ``sink_url_invalid``.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as fault:
        raise _invalid(url) from fault
    plain = parts.scheme == "http" and loopback_http and _names_loopback(host)
    fits = len(url) <= MAX_URL and url.isascii() and url.isprintable() and " " not in url
    if not fits or not host or not (parts.scheme == "https" or plain) or "@" in parts.netloc or parts.fragment:
        raise _invalid(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def allowed_address(target_host: str, port: int, resolve: Resolve, *, private: bool, loopback: bool) -> str:
    """Resolve a host and return the address to connect to.

    Raises:
        RefusedError: ``sink_address_refused``: one of its addresses is not allowed.
        UnavailableError: ``sink_unresolved``.
    """
    try:
        found = list(dict.fromkeys(resolve(target_host, port)))[:_MAX_ADDRESSES]
    except OSError as fault:
        raise UnavailableError("sink_unresolved", f"`{target_host[:80]}` cannot be resolved") from fault
    if not found:
        raise UnavailableError("sink_unresolved", f"`{target_host[:80]}` has no address")
    for address in found:
        if not _may_reach(address, private=private, loopback=loopback):
            raise RefusedError("sink_address_refused", f"`{target_host[:80]}` leads where a sink must not go")
    return found[0]


def is_public(text: str) -> bool:
    """Return whether an address is one of the open internet, however it is written."""
    return all(_is_open(one) for one in _inside(text))


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the operating system."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _is_open(one: Address) -> bool:
    closed = any(one.version == network.version and one in network for network in _CLOSED)
    return one.is_global and not closed and one not in _CREDENTIALS and not one.is_multicast and not one.is_reserved


def _may_reach(text: str, *, private: bool, loopback: bool) -> bool:
    inside = _inside(text)
    if any(one.is_link_local or one.is_multicast or one.is_unspecified or one in _CREDENTIALS for one in inside):
        return False
    if any(one.is_loopback for one in inside):
        return loopback
    return private or is_public(text)


def _inside(text: str) -> list[Address]:
    """Return an address and the IPv4 addresses that hide in it."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    hidden: list[Address] = [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    hidden += list(address.teredo or ())
    if address in _NAT64:
        hidden.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    # What is only an envelope is judged by what is in it.
    return hidden if address.ipv4_mapped or address in _NAT64 else [address, *hidden]


def _names_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _invalid(url: str) -> FaultyInputError:
    text = f"`{url[:200]}` is no address for a sink: use https (http only to this machine, by setting), no user or #"
    return FaultyInputError("sink_url_invalid", text)
