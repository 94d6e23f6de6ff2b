r"""Server-sent events read from bytes that may be cut anywhere, also in the middle of a character; bounded.

>>> reader = EventReader()
>>> [event.data for piece in (b"event: message\ndata: {\"a\"", b": 1}\n", b"\n") for event in reader.feed(piece)]
['{"a": 1}']
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError

MAX_EVENT: Final = 4 * 1024 * 1024
TOO_LARGE: Final = "mcp_message_too_large"
_MAX_LINE_FIELDS: Final = 4096


class Event(msgspec.Struct, frozen=True):
    """One event; a comment that keeps the connection open is none."""

    data: str
    id: str = ""
    retry: str = ""


class EventReader:
    """Reads one stream; a byte is looked at once, however small the pieces are."""

    def __init__(self) -> None:
        """Begin."""
        self._rest = bytearray()
        self._lines: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Take more bytes and yield the events that are whole.

        Raises:
            FaultyInputError: ``mcp_message_too_large``: an event that does not end.
        """
        first, *more = piece.split(b"\n")
        self._rest += first
        for following in more:
            line = bytes(self._rest).removesuffix(b"\r")
            self._rest = bytearray(following)
            if line:
                self._keep(line)
            elif self._lines:
                event, self._lines, self._size = _event(self._lines), [], 0
                if event is not None:
                    yield event
        if len(self._rest) + self._size > MAX_EVENT + 1:  # one may be the end of the line's end
            raise _too_large()

    def _keep(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > MAX_EVENT or len(self._lines) >= _MAX_LINE_FIELDS:
            raise _too_large()
        self._lines.append(line)


def _too_large() -> FaultyInputError:
    return FaultyInputError(TOO_LARGE, f"an event has at most {MAX_EVENT} bytes")


def _event(lines: list[bytes]) -> Event | None:
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        fields.setdefault(name, []).append(value.removeprefix(" "))
    if "data" not in fields:
        return None
    last = {name: values[-1] for name, values in fields.items()}
    return Event("\n".join(fields["data"]), last.get("id", ""), last.get("retry", ""))


def write_event(data: bytes, event_id: str = "", retry: str = "") -> bytes:
    r"""Return an event as bytes; ``data`` is one line of JSON, or nothing where the event only primes a stream.

    >>> write_event(b"{}", "7\ndata: evil")
    b'event: message\ndata: {}\n\n'
    """
    head = f"id: {event_id}\n".encode() if event_id and event_id.isprintable() else b""
    if retry.isascii() and retry.isdigit():
        head += f"retry: {retry[:9]}\n".encode()
    kind = b"event: message\n" if data else b""
    return head + kind + b"data: " + data + b"\n\n"
