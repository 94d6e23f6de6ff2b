"""Where an allowed name leads: resolved by the proxy, once a run, and never to a private place that nobody declared.

1. The first answer holds for the whole run: a name that is bound anew later (DNS rebinding) leads where it led.
2. Every address of an answer must be public, or the whole name is refused: one good address beside a bad one is how
   rebinding begins.
3. Addresses that a rule declares are used as they are, without asking anybody; they may be private.

>>> is_public("8.8.8.8"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1"), is_public("100.64.0.1")
(True, False, False, False)
"""

import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Final

from ostiary.errors import RefusedError, UnavailableError
from ostiary.pipeline.training.egress import EgressRule, Target

Resolve = Callable[[str, int], Sequence[str]]
MAX_ADDRESSES: Final = 32
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# Not private to the registries, and of this machine's own surroundings all the same: site-local addresses (RFC 3879),
# the public address at which Azure's hosts hand out a machine's certificates, and 192.0.0.0/24, where Oracle's did.
_NEAR: Final = tuple(map(ipaddress.ip_network, ("fec0::/10", "168.63.129.16/32", "192.88.99.0/24", "192.0.0.0/24")))


def ask_system(host: str, port: int) -> list[str]:
    """Return the addresses that this machine's resolver gives."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(text: str) -> bool:
    """Return whether an address is one of the open internet, whatever it is wrapped in."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        inner = inner or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return False  # nobody has to be called through a wrapper
    if any(address in near for near in _NEAR):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class Pins:
    """The addresses of one run's names."""

    def __init__(self, rules: Sequence[EgressRule], resolve: Resolve = ask_system) -> None:
        """Pin ``rules``; names are resolved when they are first called."""
        self._rules = {rule.target: rule for rule in rules}
        self._resolve = resolve
        self._pinned: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    def allows(self, target: Target) -> bool:
        """Return whether policy lets this run call ``target``."""
        return target in self._rules

    def addresses(self, target: Target) -> tuple[str, ...]:
        """Return where an allowed target leads.

        Raises:
            RefusedError: ``egress_not_granted``, ``egress_private_address``.
            UnavailableError: ``egress_unresolved``.
        """
        rule = self._rules.get(target)
        if rule is None:
            raise RefusedError("egress_not_granted", f"this run may not call `{target}`")
        if rule.addresses:
            return rule.addresses
        with self._lock:
            if target.host not in self._pinned:
                self._pinned[target.host] = self._look_up(target)
            return self._pinned[target.host]

    def _look_up(self, target: Target) -> tuple[str, ...]:
        try:
            found = tuple(self._resolve(target.host, target.port))
        except OSError as fault:
            raise UnavailableError("egress_unresolved", f"`{target.host}` does not resolve") from fault
        if not found or len(found) > MAX_ADDRESSES:
            raise UnavailableError("egress_unresolved", f"`{target.host}` has no or too many addresses")
        if not all(is_public(address) for address in found):
            raise RefusedError("egress_private_address", f"`{target.host}` leads to an address that is not public")
        return found
