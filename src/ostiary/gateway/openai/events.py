r"""Server-sent events, both ways: written as OpenAI does, read from pieces cut anywhere.

- The reader works on bytes and hands out whole events alone: a piece may end inside a character, a line, a JSON text.
- An event, and what is kept of one that has not ended, is bounded; lines end with LF, CRLF or CR (WHATWG HTML §9.2.5).

>>> reader = EventReader(1024)
>>> reader.feed(b'data: {"a": "\xc3') + reader.feed(b'\xa9"}\r') + reader.feed(b'\n\r\n: here\n\n')
[b'{"a": "\xc3\xa9"}']
"""

from typing import Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.vocabulary.unreadable import UNREADABLE

DONE: Final = b"[DONE]"
LAST: Final = b"data: [DONE]\n\n"
MALFORMED: Final = "upstream_malformed"
_encode: Final = msgspec.json.Encoder().encode


class EventReader:
    """Reads the data of events; the names of events are in their data, too."""

    def __init__(self, max_bytes: int) -> None:
        """Refuse an event of more than ``max_bytes``."""
        self._max = max_bytes
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._cr = False
        self._begun = False

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the events that are whole now.

        Raises:
            UnavailableError: ``upstream_malformed``: one is too large.
        """
        if not piece:
            return []
        other_half, self._cr = self._cr and piece.startswith(b"\n"), piece.endswith(b"\r")
        if other_half:  # of a CRLF that was cut
            piece = piece[1:]
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = piece.split(b"\n")
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        if len(self._rest) + self._size > self._max:
            raise UnavailableError(MALFORMED, f"an event has more than {self._max} bytes")
        return [event for line in lines if (event := self._line(line)) is not None]

    @property
    def pending(self) -> bool:
        """Whether an event has begun and not ended."""
        return bool(self._rest.strip() or self._data)

    def _line(self, line: bytes) -> bytes | None:
        if not self._begun:
            self._begun, line = True, line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            event = b"\n".join(self._data) if self._data else None
            self._data, self._size = [], 0
            return event
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._size += len(value) + 1
            if self._size > self._max:
                raise UnavailableError(MALFORMED, f"an event has more than {self._max} bytes")
        return None


def event(value: dict[str, Any], *, named: bool = False) -> bytes:
    """Return one event; ``named`` puts its type in front, as the responses API does."""
    data = b"data: " + _encode(value) + b"\n\n"
    return b"event: " + value["type"].encode() + b"\n" + data if named else data


def decoded(data: bytes) -> dict[str, Any]:
    """Return the object in an event.

    Raises:
        UnavailableError: ``upstream_malformed``.
    """
    try:
        value = msgspec.json.decode(data)
    except UNREADABLE as fault:
        raise UnavailableError(MALFORMED, "the model's server sent an event that is no JSON") from fault
    if not isinstance(value, dict):
        raise UnavailableError(MALFORMED, "the model's server sent an event that is no object")
    return value
