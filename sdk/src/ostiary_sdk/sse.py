r"""Server-Sent Events, parsed as the HTML Standard §9.2.6 says, with limits: bytes in, events out, no I/O.

>>> parser = SseParser()
>>> parser.feed(b"id: 7\nevent: change\ndata: {\ndata: }\n") or parser.feed(b"\n")
[SseEvent(name='change', data='{\n}', id='7')]
"""

import codecs
from typing import Final

import msgspec

MAX_EVENT: Final = 8 * 1024 * 1024
_BOM: Final = "\ufeff"


class SseError(ValueError):
    """What came is longer than anything we would be told."""


class SseEvent(msgspec.Struct, frozen=True):
    """One event; ``id`` is the last one that was told, by this event or an earlier one."""

    name: str
    data: str
    id: str


class SseParser:
    """Parses one stream."""

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        """Begin; ``max_event`` bounds the characters that one event may have, field names included."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._max = max_event
        self._begun = False
        self._after_cr = False
        self._line: list[str] = []
        self._size = 0
        self._name = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that ``chunk`` completes.

        Raises:
            SseError: an event is too long.
        """
        text = self._decoder.decode(chunk)
        if not self._begun and text:
            self._begun = True
            text = text.removeprefix(_BOM)
        if self._after_cr and text:  # a line end of two characters, split over two chunks
            self._after_cr = False
            text = text.removeprefix("\n")
        self._after_cr = self._after_cr or text.endswith("\r")
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        events: list[SseEvent] = []
        for line in lines:
            self._grow(line)
            whole, self._line = "".join(self._line), []
            self._take(whole, events)
        if rest:
            self._grow(rest)
        return events

    def _grow(self, text: str) -> None:
        self._size += len(text) + 1
        if self._size > self._max:
            raise SseError("an event of the feed is too long")
        self._line.append(text)

    def _take(self, line: str, events: list[SseEvent]) -> None:
        if not line:
            self._dispatch(events)
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self._id = value
        elif not field:  # a comment: a sign of life and no part of any event
            self._size -= len(line) + 1

    def _dispatch(self, events: list[SseEvent]) -> None:
        if self._data:
            events.append(SseEvent(self._name or "message", "\n".join(self._data), self._id))
        self._name, self._data, self._size = "", [], 0
