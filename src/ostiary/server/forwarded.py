"""Who is on the other side: what a connection proves, and what a trusted proxy may add.

1. A header speaks only when the connection itself comes from ``trusted_proxies``; everybody else's is not even read.
2. Addresses are read from the right: the first one that is no trusted proxy is the client. What stands left of it
   was written by somebody who proved nothing.
3. Only the configured header is read. A proxy that keeps ``X-Forwarded-For`` clean passes ``Forwarded`` on unseen.
4. What is malformed is not told: no address is better than one that an attacker chose.
5. A list with quotes is read from its end too: a quote that a client left open swallows nothing written behind it.
6. Without a trusted proxy the end user's address is unknown: the connection's own is the enforcement point's.

>>> from ipaddress import ip_network
>>> proxies = Proxies((ip_network("10.0.0.0/8"),))
>>> proxies.client("10.0.0.1", [(b"x-forwarded-for", b"6.6.6.6, 203.0.113.9, 10.0.0.2")])
'203.0.113.9'
>>> proxies.client("203.0.113.1", [(b"x-forwarded-for", b"6.6.6.6")]) is None
True
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import unquote_to_bytes

from ostiary.keys.hashing import sha256_hex

Headers = Iterable[tuple[bytes, bytes]]
Address = IPv4Address | IPv6Address
MAX_HOPS: Final = 32
# One element: `name=value` pairs; a quote opens right behind `=` and closes right before `;` or the element's end.
_PAIR: Final = r'[^\s"=,;\\]+=(?:"(?:[^"\\]|\\.)*+"|[^\s",;\\]*+)'
_ELEMENT: Final = re.compile(rf"\s*+(?:{_PAIR})?+\s*+(?:;\s*+(?:{_PAIR})?+\s*+)*+")
_FOR: Final = re.compile(r'(?:^|;)\s*for=(?:"([^"\\]*)"|([^;,"\s]+))\s*(?=;|$)', re.IGNORECASE)
_PORTED: Final = re.compile(r"\[([0-9a-fA-F:.]+)\](?::\d{1,5})?\Z|([0-9.]+):\d{1,5}\Z")
_HASH: Final = re.compile(r"(?:^|;)Hash=\"?([0-9a-fA-F]{64})\"?(?=;|$)", re.IGNORECASE)
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*\Z")


def parse_address(text: str) -> Address | None:
    """Return the address in ``text``, with or without a port; an IPv4 address inside IPv6 comes out as IPv4."""
    text = text.strip()
    ported = _PORTED.match(text)
    if ported:
        text = ported[1] or ported[2]
    if "%" in text:  # a zone id means something to another machine only
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _values(headers: Headers, name: bytes) -> str:
    """Return all fields of a name as one list, in order (RFC 9110 §5.3)."""
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)


def _elements(text: str) -> list[str]:
    """Return the last well-formed elements of a list, in order; before them an empty one when the rest is malformed."""
    found: list[str] = []
    end = len(text)
    while end >= 0 and len(found) < MAX_HOPS:
        start = end
        for _ in range(MAX_HOPS):
            start = text.rfind(",", 0, max(start, 0))
            if start < 0 or _ELEMENT.fullmatch(text, start + 1, end):
                break
        whole = _ELEMENT.fullmatch(text, start + 1, end)
        found.append(whole[0] if whole else "")
        if not whole:
            break
        end = start
    return found[::-1]


def _forwarded_for(text: str) -> list[str]:
    """Return the ``for`` of each hop of a ``Forwarded`` header (RFC 7239); a hop without one is empty."""
    hops = []
    for element in _elements(text):
        found = _FOR.search(element)
        hops.append((found[1] or found[2] or "") if found else "")
    return hops


class Proxies:
    """The networks whose headers are believed, and which headers those are."""

    def __init__(
        self,
        networks: Sequence[IPv4Network | IPv6Network] = (),
        address_header: str = "x-forwarded-for",
        certificate_header: str = "",
    ) -> None:
        """Take the networks, the header with addresses and the one with the client certificate, lower case."""
        self._networks = tuple(networks)
        self._address_header = address_header.encode()
        self._certificate_header = certificate_header.encode()

    def trusts(self, peer: str | None) -> bool:
        """Return whether ``peer`` lies in a trusted network."""
        if not self._networks or peer is None:
            return False
        address = parse_address(peer)
        return address is not None and self._holds(address)

    def _holds(self, address: Address) -> bool:
        return any(address.version == net.version and address in net for net in self._networks)

    def client(self, peer: str | None, headers: Headers) -> str | None:
        """Return the end user's address as a trusted proxy told it, else ``None``."""
        if not self.trusts(peer):
            return None
        text = _values(headers, self._address_header)
        hops = _forwarded_for(text) if self._address_header == b"forwarded" else text.split(",")
        for hop in reversed(hops[-MAX_HOPS:]):
            address = parse_address(hop)
            if address is None:
                return None
            if not self._holds(address):
                return str(address)
        return None

    def certificate(self, peer: str | None, headers: Headers) -> str | None:
        """Return the SHA-256 (hex) of the client certificate as a trusted proxy told it, else ``None``."""
        if not self._certificate_header or not self.trusts(peer):
            return None
        text = _values(headers, self._certificate_header)
        if self._certificate_header == b"x-forwarded-client-cert":
            return _xfcc(text)
        return escaped_pem(text)


def _xfcc(text: str) -> str | None:
    """Return the hash in the last element of Envoy's header: the one that the nearest proxy wrote."""
    elements = _elements(text)
    found = _HASH.search(re.sub(r'"(?:[^"\\]|\\.)*"', _keep_hex, elements[-1])) if elements else None
    return found[1].lower() if found else None


def _keep_hex(quoted: re.Match[str]) -> str:
    """Blank quoted values that are no hash, so that a subject named ``;Hash=…`` says nothing."""
    inner = quoted[0][1:-1]
    return inner if re.fullmatch(r"[0-9a-fA-F]{64}", inner) else "-"


def escaped_pem(text: str) -> str | None:
    """Return the hash of a URL-escaped PEM certificate (nginx's ``$ssl_client_escaped_cert``)."""
    found = _PEM.match(unquote_to_bytes(text))
    if found is None:
        return None
    try:
        return sha256_hex(base64.b64decode(b"".join(found[1].split()), validate=True))
    except binascii.Error:
        return None
