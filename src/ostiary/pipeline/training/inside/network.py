"""Probes of the network: there is one way out, and it lets only listed names through."""

from __future__ import annotations

import errno
from _socket import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    SOCK_DGRAM,
    SOCK_RAW,
    SOCK_STREAM,
    gaierror,
    getaddrinfo,
    socket,
    socketpair,
)

from ostiary.pipeline.training.inside.trying import EscapedError, must, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ostiary.pipeline.training.inside.trying import Order, Probe

AF_NETLINK, AF_PACKET, AF_TIPC, AF_ALG, AF_VSOCK = 16, 17, 30, 38, 40
# RFC 5737 and RFC 3849: addresses of nobody. In a sandbox that holds nothing is ever sent to them.
NOBODY, NOBODY6 = "192.0.2.1", "2001:db8::1"
_AWAY = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EHOSTUNREACH, errno.EPERM, errno.EACCES)
_NO_FAMILY = (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT)


def connect(family: int, address: tuple[str, int] | str, kind: int = SOCK_STREAM) -> None:
    """Connect and close; raises OSError when it cannot."""
    one = socket(family, kind)
    try:
        one.settimeout(1)
        one.connect(address)
    finally:
        one.close()


def only_loopback(order: Order) -> str:
    """There is no interface but the loopback."""
    with open("/proc/net/dev") as file:
        names = [line.split(":")[0].strip() for line in file if ":" in line]
    return must(names == ["lo"], f"interfaces: {names}")


def tcp_by_address(order: Order) -> str:
    """A stranger's address cannot be reached."""
    return refused(lambda: connect(AF_INET, (NOBODY, 443)), *_AWAY)


def tcp6_by_address(order: Order) -> str:
    """Nor by IPv6."""
    return refused(lambda: connect(AF_INET6, (NOBODY6, 443)), *_AWAY, errno.EAFNOSUPPORT)


def metadata_service(order: Order) -> str:
    """Nor the address under which clouds hand out credentials."""
    return refused(lambda: connect(AF_INET, ("169.254.169.254", 80)), *_AWAY)


def host_loopback(order: Order) -> str:
    """The parent listens on its own loopback: nothing may arrive there."""
    return refused(lambda: connect(AF_INET, ("127.0.0.1", order["tcp"])), errno.ECONNREFUSED)


def host_loopback6(order: Order) -> str:
    """The same over IPv6."""
    wrong = (errno.ECONNREFUSED, errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.EAFNOSUPPORT)
    return refused(lambda: connect(AF_INET6, ("::1", order["tcp"])), *wrong)


def abstract_socket(order: Order) -> str:
    """The parent listens on an abstract local socket too."""
    return refused(lambda: connect(AF_UNIX, "\0" + order["abstract"]), errno.ECONNREFUSED, errno.EPERM)


def datagrams(order: Order) -> str:
    """There are no datagrams."""
    return refused(lambda: socket(AF_INET, SOCK_DGRAM), errno.EPERM)


def datagrams6(order: Order) -> str:
    """Nor over IPv6."""
    return refused(lambda: socket(AF_INET6, SOCK_DGRAM), errno.EPERM, errno.EAFNOSUPPORT)


def raw_socket(order: Order) -> str:
    """There are no raw sockets."""
    return refused(lambda: socket(AF_INET, SOCK_RAW, 1), errno.EPERM)


def packet_socket(order: Order) -> str:
    """There are no packet sockets."""
    return refused(lambda: socket(AF_PACKET, SOCK_RAW), *_NO_FAMILY)


def netlink_socket(order: Order) -> str:
    """Nobody configures the network from here."""
    return refused(lambda: socket(AF_NETLINK, SOCK_RAW, 0), *_NO_FAMILY)


def vsock(order: Order) -> str:
    """There is no way to the hypervisor."""
    return refused(lambda: socket(AF_VSOCK, SOCK_STREAM), *_NO_FAMILY)


def kernel_crypto(order: Order) -> str:
    """There is no way to the kernel's ciphers."""
    return refused(lambda: socket(AF_ALG, 5), *_NO_FAMILY)


def pair_of_strangers(order: Order) -> str:
    """Nor are pairs of other families made, not even to be thrown away."""
    for family in (AF_NETLINK, AF_TIPC, AF_ALG, AF_VSOCK, AF_INET):
        refused(lambda family=family: socketpair(family, SOCK_STREAM), errno.EPERM)  # type: ignore[misc]
    return "EPERM"


def names(order: Order) -> str:
    """Names are not resolved here: a question to a name server is a way out."""
    try:
        found = getaddrinfo("probe.example.com", 443)
    except gaierror as fault:
        return f"gaierror {fault.args[0]}"
    raise EscapedError(f"resolved: {found}")


def _through_proxy(order: Order, target: str) -> str:
    one = socket(AF_INET, SOCK_STREAM)
    try:
        one.settimeout(5)
        one.connect(("127.0.0.1", order["proxy_port"]))
        one.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        status = one.recv(64).split(b" ")[1:2]
    finally:
        one.close()
    return must(status in ([b"403"], [b"400"]), f"the proxy said {status}")


def proxy_by_address(order: Order) -> str:
    """The proxy does not call addresses."""
    return _through_proxy(order, f"{NOBODY}:443")


def proxy_to_host(order: Order) -> str:
    """The proxy does not call its own host."""
    return _through_proxy(order, f"127.0.0.1:{order['tcp']}")


def proxy_to_localhost(order: Order) -> str:
    """Not by its name either."""
    return _through_proxy(order, f"localhost:{order['tcp']}")


def proxy_unlisted(order: Order) -> str:
    """The proxy does not call names that are not listed."""
    return _through_proxy(order, "unlisted.example.net:443")


PROBES: list[Probe] = [
    ("network.only_loopback", only_loopback),
    ("network.tcp_by_address", tcp_by_address),
    ("network.tcp6_by_address", tcp6_by_address),
    ("network.metadata_service", metadata_service),
    ("network.host_loopback", host_loopback),
    ("network.host_loopback6", host_loopback6),
    ("network.abstract_socket", abstract_socket),
    ("network.datagrams", datagrams),
    ("network.datagrams6", datagrams6),
    ("network.raw_socket", raw_socket),
    ("network.packet_socket", packet_socket),
    ("network.netlink_socket", netlink_socket),
    ("network.vsock", vsock),
    ("network.kernel_crypto", kernel_crypto),
    ("network.pairs", pair_of_strangers),
    ("network.names", names),
    ("proxy.by_address", proxy_by_address),
    ("proxy.to_host", proxy_to_host),
    ("proxy.to_localhost", proxy_to_localhost),
    ("proxy.unlisted", proxy_unlisted),
]
