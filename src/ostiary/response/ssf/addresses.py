"""Where a delivery may go: a receiver gives us an address, and we are the ones who connect (CWE-918).

Rules:

- https only; http only to a loopback address, and only where the settings allow it (for trying out);
- no user, no fragment, no hidden characters; the port is the receiver's choice;
- the name is looked up once for each delivery, every address it has must be allowed, and the connection goes to that
  very address: a name that changes its mind between check and use gains nothing (DNS rebinding);
- allowed is what is globally routable, and the networks that an administrator names; an IPv6 address that stands for
  an IPv4 one is judged as that one.

>>> check_url("http://10.0.0.1/", AddressRules())
Traceback (most recent call last):
...
ostiary.errors.FaultyInputError: `http://10.0.0.1/` is no address to deliver to: use https
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.identity.strict import is_name
from ostiary.response.sinks.guard import is_public
from ostiary.signals.texts import shown

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], list[str]]
_PORTS: Final = {"https": 443, "http": 80}
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOW: Final = (1 << 32) - 1


class AddressRules(msgspec.Struct, frozen=True):
    """Where deliveries may go.

    Attributes:
        networks: further networks, such as the organisation's own.
        loopback_http: whether plain http to this machine is allowed.
        anywhere: whether every address is, because an administrator and not a receiver named it.
    """

    networks: tuple[Network, ...] = ()
    loopback_http: bool = False
    anywhere: bool = False


class Target(msgspec.Struct, frozen=True):
    """One address to connect to."""

    scheme: str
    host: str
    port: int
    address: str
    path: str

    @property
    def url(self) -> str:
        """The URL by address instead of by name."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def authority(self) -> str:
        """What belongs into the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def look_up(host: str, port: int) -> list[str]:
    """Return every address of a name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise UnavailableError("receiver_away", "the receiver's name is not known") from fault
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check_url(url: str, rules: AddressRules) -> SplitResult:
    """Return the parts of an address whose form is allowed; nothing is looked up yet.

    Raises:
        FaultyInputError: ``address_refused``.
    """
    try:
        parts = urlsplit(url)
        port, literal = parts.port, _literal(parts.hostname or "")
    except ValueError:
        raise _refused(url, "it is malformed") from None
    if not is_name(url, 2048) or not url.isascii() or not parts.hostname or port == 0:
        raise _refused(url, "it is malformed")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused(url, "leave out user and fragment")
    loopback = (literal is not None and literal.is_loopback) or parts.hostname == "localhost"
    if parts.scheme != "https" and not (parts.scheme == "http" and rules.loopback_http and loopback):
        raise _refused(url, "use https")
    if literal is not None and not may_reach(literal, parts.scheme, rules):
        raise _refused(url, "that network is not allowed")
    return parts


def aim(url: str, rules: AddressRules, resolve: Resolve = look_up) -> Target:
    """Return the one address to connect to, after looking the name up.

    Raises:
        FaultyInputError: ``address_refused`` for the form.
        RefusedError: ``address_refused`` for where the name leads.
        UnavailableError: ``receiver_away``.
    """
    parts = check_url(url, rules)
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    found = [ip_address(text.partition("%")[0]) for text in resolve(host, port)]
    if not found:
        raise UnavailableError("receiver_away", "the receiver's name has no address")
    if not all(may_reach(address, parts.scheme, rules) for address in found):
        raise RefusedError("address_refused", "the receiver's name leads into a network that is not allowed")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, str(found[0]), path)


def may_reach(address: Address, scheme: str, rules: AddressRules) -> bool:
    """Return whether a delivery may connect to ``address``."""
    inner = _inner(address)
    if inner.is_loopback and rules.loopback_http:
        return True
    if scheme != "https":
        return False
    if rules.anywhere or any(inner in network for network in rules.networks if network.version == inner.version):
        return True
    return is_public(str(address))


def _inner(address: Address) -> Address:
    """Return the IPv4 address for which an IPv6 one stands, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _LOW)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _refused(url: str, why: str) -> FaultyInputError:
    return FaultyInputError("address_refused", f"`{shown(url)}` is no address to deliver to: {why}")
