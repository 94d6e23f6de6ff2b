r"""Reads what a Valkey answers (RESP 2), within limits: the server is believed no more than any other outside thing.

- One deadline for a whole reply, however slowly its bytes trickle in; most bytes, most members, least depth.
- Whatever does not fit ends the connection: after it nobody knows where a reply begins.

>>> feed = iter([b"*2\r\n:1\r\n$3\r\nab", b"c\r\n"])
>>> Replies(lambda: next(feed)).read()
[1, b'abc']
"""

from collections.abc import Callable
from typing import Final, TypeAlias

MOST_BYTES: Final = 16 << 20
MOST_MEMBERS: Final = 100_000
MOST_DEPTH: Final = 4
_LONGEST_LINE: Final = 4096
_LONGEST_NUMBER: Final = 20


class MalformedReplyError(Exception):
    """The bytes are no reply, or more than is read."""


class ErrorReply(Exception):  # noqa: N818 - it is a value that is handed on, and raised by whoever asked
    """The server's own word that it did not do what was asked; its first word is a code."""

    @property
    def code(self) -> str:
        """The first word, in capitals, such as ``NOSCRIPT``."""
        return str(self).partition(" ")[0]


Reply: TypeAlias = "int | bytes | list[Reply] | ErrorReply | None"


class Replies:
    """Reads replies off a stream of pieces; it keeps what came too early."""

    def __init__(self, more: Callable[[], bytes]) -> None:
        """Take what gives the next bytes; it gives none at the end, and raises when there is no time left."""
        self._more = more
        self._kept = bytearray()
        self._left = MOST_BYTES
        self._members = MOST_MEMBERS

    @property
    def waiting(self) -> int:
        """How many bytes came that nobody has read."""
        return len(self._kept)

    def read(self) -> Reply:
        """Return the next reply; an error of the server's comes as a value.

        Raises:
            MalformedReplyError: it is none, or larger than is read.
        """
        self._left, self._members = MOST_BYTES, MOST_MEMBERS
        return self._reply(0)

    def _reply(self, depth: int) -> Reply:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return ErrorReply(rest.decode("utf-8", "replace"))
        if kind == b":":
            return _number(rest)
        if kind == b"$":
            return self._bulk(_number(rest))
        if kind == b"*":
            return self._array(_number(rest), depth)
        raise MalformedReplyError("no reply begins like this")

    def _bulk(self, size: int) -> bytes | None:
        if size == -1:
            return None
        if not 0 <= size <= self._left:
            raise MalformedReplyError("a reply is larger than is read")
        data = self._take(size + 2)
        if data[-2:] != b"\r\n":
            raise MalformedReplyError("a text does not end where it should")
        return data[:-2]

    def _array(self, size: int, depth: int) -> list[Reply] | None:
        if size == -1:
            return None
        self._members -= size
        if size < 0 or self._members < 0 or depth >= MOST_DEPTH:
            raise MalformedReplyError("a reply has too many members, or too deep ones")
        return [self._reply(depth + 1) for _ in range(size)]

    def _line(self) -> bytes:
        while (end := self._kept.find(b"\r\n")) < 0:
            if len(self._kept) > _LONGEST_LINE:
                raise MalformedReplyError("a line does not end")
            self._fill()
        if end > _LONGEST_LINE:
            raise MalformedReplyError("a line is too long")
        return self._take(end + 2)[:-2]

    def _take(self, count: int) -> bytes:
        self._left -= count
        if self._left < -_LONGEST_LINE:
            raise MalformedReplyError("a reply is larger than is read")
        while len(self._kept) < count:
            self._fill()
        data = bytes(self._kept[:count])
        del self._kept[:count]
        return data

    def _fill(self) -> None:
        piece = self._more()
        if not piece:
            raise MalformedReplyError("the connection ended within a reply")
        self._kept += piece


def _number(text: bytes) -> int:
    digits = text[1:] if text[:1] == b"-" else text
    if not digits.isdigit() or len(text) > _LONGEST_NUMBER:
        raise MalformedReplyError("a number is none")
    return int(text)
