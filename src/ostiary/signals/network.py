"""What an address alone tells: which network it belongs to and of what kind; no look-up leaves the machine.

Rules:
- One network is a /24 of IPv4 or a /48 of IPv6: what one site or one home usually holds.
- IPv4 wrapped in IPv6 (``::ffff:…``) is the IPv4 address it is.
- An unreadable address has no network, and the answer says so with ``kind="invalid"``.

>>> network_of("192.0.2.77").prefix
'192.0.2.0/24'
>>> network_of("10.1.2.3").kind, network_of("::1").kind, network_of("203.0.113.4").kind
('private', 'loopback', 'private')
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

_CACHE: Final = 65_536
_MAX_TEXT: Final = 64
_V4_BITS: Final = 24
_V6_BITS: Final = 48


class NetworkFacts(NamedTuple):
    """What an address alone tells.

    Attributes:
        prefix: the /24 or /48 around the address, or ``None`` when it cannot be read.
        kind: ``public``, ``private``, ``loopback``, ``other`` (multicast, unspecified) or ``invalid``.
    """

    prefix: str | None
    kind: str


UNREADABLE: Final = NetworkFacts(None, "invalid")


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address that ``text`` writes, unwrapped when it is IPv4 inside IPv6, or ``None``."""
    if len(text) > _MAX_TEXT:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _kind(address: IPv4Address | IPv6Address) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_multicast or address.is_unspecified:
        return "other"
    return "private" if address.is_private or address.is_link_local else "public"


def network_of(ip: str) -> NetworkFacts:
    """Return the facts of one address; cached, pure."""
    return _network_of(ip) if len(ip) <= _MAX_TEXT else UNREADABLE


@lru_cache(maxsize=_CACHE)
def _network_of(ip: str) -> NetworkFacts:
    address = read_address(ip)
    if address is None:
        return UNREADABLE
    bits = _V4_BITS if address.version == 4 else _V6_BITS  # noqa: PLR2004 - the protocol's own number
    return NetworkFacts(str(ip_network((address, bits), strict=False)), _kind(address))


def read_prefixes(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks that ``texts`` write.

    Raises:
        ValueError: one of them is no network.
    """
    return tuple(ip_network(text) for text in texts)
