"""The first words of a TLS connection, read from both sides as they come in whatever pieces.

1. ``ClientHello`` (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2): its one server name (RFC 6066 §3), and whether it hides another
   one behind ECH (extension ``0xfe0d``, or the older drafts' ``0xffce``).
2. ``HelloRetryRequest`` (RFC 8446 §4.1.4): the client then says hello again, and that one is read like the first.
3. Everything is bounded: a hello in a hundred records, or of half a megabyte, is refused and not waited for.

>>> reader = ClientHelloReader()
>>> reader.feed(b"GET / HTTP/1.1")
Traceback (most recent call last):
ostiary.errors.FaultyInputError: the tunnel does not begin with a TLS handshake
"""

from typing import Final

import msgspec

from ostiary.errors import FaultyInputError

MAX_HELLO: Final = 32 * 1024
MAX_RECORDS: Final = 48
MAX_RECORD: Final = 16_384
_CHANGE_CIPHER_SPEC, _HANDSHAKE, _ALERT = 20, 22, 21
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_SERVER_NAME: Final = 0
_HIDDEN_NAMES: Final = frozenset({0xFE0D, 0xFFCE, 0xFF02, 0xFF03})
_RECORD_HEAD, _MESSAGE_HEAD = 5, 4
_MAX_EXTENSIONS: Final = 128
# RFC 8446 §4.1.3: the SHA-256 of "HelloRetryRequest" stands in the place of the server's random bytes.
RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class Hello(msgspec.Struct, frozen=True):
    """What a client's hello names: a server, or nobody; and whether it hides a name."""

    server_name: str
    hidden: bool


class Cursor:
    """Reads a message from front to back; what is missing or left over is a fault."""

    def __init__(self, data: bytes) -> None:
        """Begin at the front of ``data``."""
        self._data = data
        self._place = 0

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        end = self._place + count
        if end > len(self._data):
            raise _malformed("it ends early")
        taken = self._data[self._place : end]
        self._place = end
        return taken

    def number(self, width: int) -> int:
        """Return the next number of ``width`` bytes."""
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> "Cursor":
        """Return a cursor over what follows its own length of ``width`` bytes."""
        return Cursor(self.take(self.number(width)))

    def all(self) -> bytes:
        """Return everything that is left."""
        return self.take(len(self._data) - self._place)

    def done(self) -> bool:
        """Whether everything was read."""
        return self._place == len(self._data)


def parse_client_hello(body: bytes) -> Hello:
    """Read the body of a ClientHello, without its four bytes of head.

    Raises:
        FaultyInputError: ``tls_hello_malformed``.
    """
    cursor = Cursor(body)
    cursor.take(2 + 32)
    cursor.vector(1)
    cursor.vector(2)
    cursor.vector(1)
    if cursor.done():
        return Hello("", hidden=False)
    extensions = cursor.vector(2)
    if not cursor.done():
        raise _malformed("something follows its extensions")
    found: dict[int, Cursor] = {}
    while not extensions.done():
        kind, value = extensions.number(2), extensions.vector(2)
        if kind in found or len(found) >= _MAX_EXTENSIONS:
            raise _malformed("an extension comes twice, or there are too many")
        found[kind] = value
    name = _server_name(found[_SERVER_NAME]) if _SERVER_NAME in found else ""
    return Hello(name, hidden=not _HIDDEN_NAMES.isdisjoint(found))


def _server_name(value: Cursor) -> str:
    names = value.vector(2)
    kind, name = names.number(1), names.vector(2)
    if kind != 0 or not names.done() or not value.done():
        raise _malformed("it names more than one server")
    raw = name.all()
    if not raw.isascii() or not 0 < len(raw) <= 255:  # noqa: PLR2004 - RFC 1035 §2.3.4
        raise _malformed("its server name is no name")
    return raw.decode("ascii").lower()


class ClientHelloReader:
    """Collects a client's hello out of pieces and records; ``again`` lets one ChangeCipherSpec stand before it."""

    def __init__(self, *, again: bool = False) -> None:
        """Wait for the first hello, or for the one after a retry."""
        self._raw = bytearray()
        self._message = bytearray()
        self._place = 0
        self._records = 0
        self._skips = 1 if again else 0

    @property
    def raw(self) -> bytes:
        """The records that were read, to be passed on unchanged."""
        return bytes(self._raw[: self._place])

    @property
    def rest(self) -> bytes:
        """What was fed beyond them."""
        return bytes(self._raw[self._place :])

    def feed(self, data: bytes) -> Hello | None:
        """Take some bytes; return the hello as soon as it is whole.

        Raises:
            FaultyInputError: ``tls_hello_malformed``, ``tls_expected``, ``tls_hello_too_large``.
        """
        self._raw += data
        if len(self._raw) > MAX_HELLO + MAX_RECORD:
            raise FaultyInputError("tls_hello_too_large", f"the TLS hello is longer than {MAX_HELLO} bytes")
        while (record := self._record()) is not None:
            self._message += record
            found = self._whole()
            if found is not None:
                return found
        return None

    def _record(self) -> bytes | None:
        """Return the fragment of the next whole record."""
        head = self._raw[self._place : self._place + _RECORD_HEAD]
        self._check_kind(head)
        if len(head) < _RECORD_HEAD:
            return None
        length = int.from_bytes(head[3:5], "big")
        if not 0 < length <= MAX_RECORD:
            raise _malformed("a record has a wrong length")
        begin = self._place + _RECORD_HEAD
        if len(self._raw) < begin + length:
            return None
        self._count()
        self._place = begin + length
        if head[0] == _CHANGE_CIPHER_SPEC:
            self._skips -= 1
            return b""
        return bytes(self._raw[begin : begin + length])

    def _check_kind(self, head: bytes | bytearray) -> None:
        if not head or (head[0] == _CHANGE_CIPHER_SPEC and self._skips and not self._message):
            return
        if head[0] != _HANDSHAKE or (len(head) > 1 and head[1] != 3):  # noqa: PLR2004 - TLS is version 3 of SSL
            raise FaultyInputError("tls_expected", "the tunnel does not begin with a TLS handshake")

    def _count(self) -> None:
        self._records += 1
        if self._records > MAX_RECORDS:
            raise FaultyInputError("tls_hello_too_large", f"the TLS hello comes in more than {MAX_RECORDS} records")

    def _whole(self) -> Hello | None:
        if len(self._message) < _MESSAGE_HEAD:
            return None
        length = int.from_bytes(self._message[1:4], "big")
        if self._message[0] != _CLIENT_HELLO:
            raise _malformed("the first message is no ClientHello")
        if length > MAX_HELLO:
            raise FaultyInputError("tls_hello_too_large", f"the TLS hello is longer than {MAX_HELLO} bytes")
        if len(self._message) < _MESSAGE_HEAD + length:
            return None
        if len(self._message) > _MESSAGE_HEAD + length:  # RFC 8446 §5.1: nothing may follow it in its record
            raise _malformed("something follows it in its record")
        return parse_client_hello(bytes(self._message[_MESSAGE_HEAD:]))


class ServerHelloReader:
    """Looks whether a server's first message asks the client to say hello again."""

    def __init__(self) -> None:
        """Wait for the first record."""
        self._raw = bytearray()

    def feed(self, data: bytes) -> bool | None:
        """Take some bytes; return whether it is a retry, or ``None`` while that cannot be told."""
        self._raw += data
        if self._raw and self._raw[0] != _HANDSHAKE:
            return False  # an alert, or no TLS at all: the client will see
        needed = _RECORD_HEAD + _MESSAGE_HEAD + 2 + len(RETRY)
        if len(self._raw) > _RECORD_HEAD and self._raw[_RECORD_HEAD] != _SERVER_HELLO:
            raise _malformed("the server answers with something else")  # a HelloRequest asks for another hello
        if len(self._raw) < needed:
            self._refuse_splitting()
            return None
        return bytes(self._raw[needed - len(RETRY) : needed]) == RETRY

    def _refuse_splitting(self) -> None:
        # A server that hides a retry by cutting its first message small is no server to talk to.
        if len(self._raw) < _RECORD_HEAD:
            return
        if int.from_bytes(self._raw[3:5], "big") < _MESSAGE_HEAD + 2 + len(RETRY):
            raise _malformed("the server cuts its hello into pieces")


def _malformed(why: str) -> FaultyInputError:
    return FaultyInputError("tls_hello_malformed", f"the TLS hello is malformed: {why}")
