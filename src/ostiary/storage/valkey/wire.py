"""One connection to a Valkey: every wait has one deadline, nothing is asked twice, and it knows whom it talks to.

- A reply that comes late, malformed or not at all closes the connection: what was asked may have been done or not.
- Each connection learns at its start which server run it talks to (``run``). A restart or a failover is another run.
- A server that may throw keys away when its memory is full is refused: what it forgets would count as never done.
"""

import socket
import ssl
import time
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.storage.valkey.address import Address
from ostiary.storage.valkey.replies import ErrorReply, MalformedReplyError, Replies, Reply

AWAY: Final = "valkey_unavailable"
Argument = bytes | str | int
_PIECE: Final = 65_536


class Wire:
    """One connection; for one thread at a time."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None, connect_s: float, answer_s: float) -> None:
        """Connect, prove ourselves and learn whom we talk to.

        Raises:
            UnavailableError: ``valkey_unavailable``; the server is away, late, refuses us, or may forget.
        """
        self._until = time.monotonic() + connect_s
        self._answer_s = answer_s
        try:
            self._socket = socket.create_connection((address.host, address.port), connect_s)
            if tls is not None:
                self._socket.settimeout(self._left())
                self._socket = tls.wrap_socket(self._socket, server_hostname=address.host)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, ssl.SSLError) as fault:
            self._shut()
            raise away("it cannot be reached") from fault
        self._replies = Replies(self._more)
        self.run = b""
        try:
            self._greet(address, connect_s)
        except BaseException:
            self.close()
            raise

    def ask(self, *command: Argument, within_s: float | None = None) -> Reply:
        """Send one command and return its reply; what the server refuses comes as an ``ErrorReply``.

        Raises:
            UnavailableError: ``valkey_unavailable``; the connection is closed.
        """
        self._until = time.monotonic() + (self._answer_s if within_s is None else within_s)
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(packed(command))
            return self._replies.read()
        except (OSError, MalformedReplyError) as fault:
            self.close()
            raise away("it did not answer in time, or not in its protocol") from fault

    def next_message(self, within_s: float) -> Reply:
        """Wait for something that the server sends by itself; ``None`` when nothing comes.

        Raises:
            UnavailableError: ``valkey_unavailable``; the connection is closed.
        """
        self._until = time.monotonic() + within_s
        try:
            return self._replies.read()
        except TimeoutError as fault:
            if not self._replies.waiting:
                return None
            self.close()
            raise away("a message did not end") from fault
        except (OSError, MalformedReplyError) as fault:
            self.close()
            raise away("it sent what is no message") from fault

    def close(self) -> None:
        """Close it."""
        self._shut()

    def _greet(self, address: Address, within_s: float) -> None:
        if address.password:
            who = (address.user, address.password) if address.user else (address.password,)
            self._need("AUTH", *who)
        if address.database:
            self._need("SELECT", address.database)
        told = self.ask("INFO", within_s=within_s)
        if not isinstance(told, bytes):
            raise away("it does not tell who it is")
        facts = dict(line.split(b":", 1) for line in told.splitlines() if b":" in line)
        self.run = facts.get(b"run_id", b"")
        if not self.run.isalnum() or facts.get(b"loading", b"0") != b"0":
            raise away("it does not tell who it is, or it loads its data still")
        if facts.get(b"maxmemory", b"0") != b"0" and facts.get(b"maxmemory_policy") != b"noeviction":
            raise away("it throws keys away when its memory is full: set maxmemory-policy noeviction")

    def _need(self, *command: Argument) -> None:
        if self.ask(*command) != b"OK":
            raise away("it does not let us in")  # its own words may repeat what we said

    def _more(self) -> bytes:
        self._socket.settimeout(self._left())
        return self._socket.recv(_PIECE)

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _shut(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()


def packed(command: tuple[Argument, ...]) -> bytes:
    r"""Return a command as it is sent: each part with its length, so that no part can be taken for another.

    >>> packed(("GET", b"a"))
    b'*2\r\n$3\r\nGET\r\n$1\r\na\r\n'
    """
    sent = bytearray(b"*%d\r\n" % len(command))
    for one in command:
        part = one if isinstance(one, bytes) else str(one).encode("utf-8", "surrogatepass")
        sent += b"$%d\r\n" % len(part) + part + b"\r\n"
    return bytes(sent)


def away(why: str) -> UnavailableError:
    """Return the fault of a Valkey that cannot be used now."""
    return UnavailableError(AWAY, f"Valkey is away: {why}")


def refused(reply: ErrorReply) -> UnavailableError:
    """Return the fault of a Valkey that does not do what it is asked; only the code of its words is told."""
    word = reply.code if reply.code.isalpha() and len(reply.code) <= 16 else "?"  # noqa: PLR2004
    return UnavailableError(AWAY, f"Valkey refuses: {word}")
