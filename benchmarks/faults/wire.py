"""A wire between this network namespace and one of its own: packets on it are lost, or it is pulled (root alone may).

A relay listens at the far end and passes on to this machine, so that whoever comes through it sends real packets over a
real pair of interfaces, and it is the kernel's TCP that has to cope. netfilter drops the packets, by chance and on both
ways: not every kernel has netem.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.testing.flaky_link import FlakyLink

_NETNS: Final = Path("/run/netns")
_NEW_NET: Final = 0x40000000  # CLONE_NEWNET
_NEAR: Final = "10.213.{}.1"
_FAR: Final = "10.213.{}.2"
_RULES: Final = """flush ruleset
table inet faults {{
  chain comes {{ type filter hook input priority 0; tcp dport {port} numgen random mod 100 < {percent} drop; }}
  chain goes {{ type filter hook output priority 0; tcp sport {port} numgen random mod 100 < {percent} drop; }}
}}
"""


class Wire:
    """One pair of interfaces and the namespace at its far end. ``open`` makes them, ``close`` takes them away."""

    def __init__(self, name: str, ends: tuple[str, str], far: str) -> None:
        """Stand for the namespace ``name``, where the second of the interfaces ``ends`` has the address ``far``."""
        self._name = name
        self._near_end, self._end = ends
        self._far = far
        self._relays: list[FlakyLink] = []

    @classmethod
    def open(cls) -> "Wire | None":
        """Lay a wire; return ``None`` where that may not be done."""
        if os.geteuid() != 0 or not all(shutil.which(program) for program in ("ip", "nft")):
            return None
        number = os.getpid() % 250  # several campaigns may run at once
        name, near, far = f"ostiary-{os.getpid()}", _NEAR.format(number), _FAR.format(number)
        here, there = f"of{os.getpid()}a", f"of{os.getpid()}b"
        wire = cls(name, (here, there), far)
        laid = (
            _ran("ip", "netns", "add", name)
            and _ran("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
            and _ran("ip", "address", "add", f"{near}/30", "dev", here)
            and _ran("ip", "link", "set", here, "up")
            and wire.beyond("ip", "address", "add", f"{far}/30", "dev", there)
            and wire.beyond("ip", "link", "set", there, "up")
            and wire.beyond("nft", "flush", "ruleset")
        )
        if not laid:
            wire.close()
            return None
        return wire

    def relay(self, port: int) -> tuple[str, int]:
        """Pass on to ``port`` of this machine from the far end; return the address there."""
        relay = FlakyLink("127.0.0.1", port, listener=self._listener())
        self._relays.append(relay)
        return self._far, relay.port

    def lose(self, port: int, percent: int) -> None:
        """Lose so many of the packets from and to a relay's port, in each direction.

        Raises:
            UnavailableError: ``campaign_wire``.
        """
        rules = _RULES.format(port=port, percent=percent).encode()
        self._must("nft", "-f", "-", given=rules)

    def pull(self) -> None:
        """Let nothing through at all: nobody is told.

        Raises:
            UnavailableError: ``campaign_wire``.
        """
        self._must("ip", "link", "set", self._end, "down")

    def mend(self) -> None:
        """Make it a good wire again.

        Raises:
            UnavailableError: ``campaign_wire``.
        """
        self._must("nft", "flush", "ruleset")
        self._must("ip", "link", "set", self._end, "up")

    def close(self) -> None:
        """Take it away at once: a namespace lives on while a socket of it does, and the next wire has its name."""
        for relay in self._relays:
            relay.close()
        _ran("ip", "link", "delete", self._near_end)
        _ran("ip", "netns", "delete", self._name)

    def beyond(self, *command: str, given: bytes = b"") -> bool:
        """Run a program at the far end; return whether it went well."""
        return _ran("ip", "netns", "exec", self._name, *command, given=given)

    def _must(self, *command: str, given: bytes = b"") -> None:
        if not self.beyond(*command, given=given):
            raise UnavailableError("campaign_wire", f"`{' '.join(command)}` failed at the far end of the wire")

    def _listener(self) -> socket.socket:
        """Return a socket that listens at the far end: it belongs to the namespace in which it was made."""
        made: list[socket.socket] = []

        def make() -> None:
            with (_NETNS / self._name).open("rb") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _NEW_NET) == 0:
                    made.append(socket.create_server((self._far, 0)))

        thread = threading.Thread(target=make, name="far-end")  # it alone changes its namespace, and ends with it
        thread.start()
        thread.join()
        if not made:
            raise UnavailableError("campaign_wire", "nothing can listen at the far end of the wire")
        return made[0]


def _ran(*command: str, given: bytes = b"") -> bool:
    return subprocess.run(command, input=given, check=False, capture_output=True).returncode == 0  # noqa: S603 - ip, nft
