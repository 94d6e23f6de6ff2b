"""Proves that a received stream is whole: no number missing, none twice with another event, none out of order.

Rules:

- Numbers are looked at by source, from 1 on. The same number with the same id is a repetition, which at-least-once
  delivery allows; with another id it is a contradiction.
- A stream that begins after another one of its name says with what number that one ended; whoever has both can tell
  whether the end of the first is missing.
- Lines are CloudEvents documents, at most ``MAX_LINE`` bytes each; at most ``MAX_SOURCES`` sources and ``MAX_HOLES``
  holes at a time are kept.

>>> check = StreamCheck()
>>> for number in (1, 2, 4, 4): check.take({"source": "urn:x", "id": f"e{number}", "sequence": str(number)})
>>> check.report()[0].missing, check.report()[0].repeated, check.whole
(((3, 3),), 1, False)
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError

MAX_LINE: Final = 8 << 20
MAX_SOURCES: Final = 10_000
MAX_HOLES: Final = 100_000
KEPT_IDS: Final = 100_000
_HEADER: Final = "dev.ostiary.stream.v1"
_MAX_NUMBER: Final = 18


class SourceReport(msgspec.Struct, frozen=True):
    """What one source's events look like; ``missing`` are ranges, first and last number."""

    source: str
    received: int
    last: int
    missing: tuple[tuple[int, int], ...]
    repeated: int
    contradicted: tuple[int, ...]
    out_of_order: int

    @property
    def whole(self) -> bool:
        """Whether nothing is missing and nothing contradicts."""
        return not self.missing and not self.contradicted


class _Source:
    def __init__(self) -> None:
        self.received = self.last = self.repeated = self.late = 0
        self.holes: dict[int, int] = {}
        self.ids: dict[int, str] = {}
        self.contradicted: set[int] = set()

    def take(self, number: int, ident: str) -> None:
        self.received += 1
        if number > self.last:
            if number > self.last + 1:
                self._note_hole(self.last + 1, number - 1)
            self.last = number
        elif not self._filled(number):
            self.repeated += 1
            if self.ids.get(number, ident) != ident:
                self.contradicted.add(number)
            return
        else:
            self.late += 1
        self.ids[number] = ident
        if len(self.ids) > KEPT_IDS:
            del self.ids[next(iter(self.ids))]

    def _note_hole(self, first: int, last: int) -> None:
        if len(self.holes) >= MAX_HOLES:
            raise FaultyInputError("stream_too_broken", f"more than {MAX_HOLES} holes")
        self.holes[first] = last

    def _filled(self, number: int) -> bool:
        """Take a number out of a hole; return whether it was missing."""
        for first, last in self.holes.items():
            if first <= number <= last:
                del self.holes[first]
                if first < number:
                    self.holes[first] = number - 1
                if number < last:
                    self.holes[number + 1] = last
                return True
        return False


class StreamCheck:
    """Looks at events as they come, of any number of sources."""

    def __init__(self) -> None:
        """Begin with nothing received."""
        self._sources: dict[str, _Source] = {}
        self._ends: dict[str, int] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Look at one CloudEvents document.

        Raises:
            FaultyInputError: ``stream_event_malformed``, ``stream_too_many_sources``, ``stream_too_broken``.
        """
        source, ident, number = event.get("source"), event.get("id"), str(event.get("sequence"))
        fits = number.isascii() and number.isdigit() and len(number) <= _MAX_NUMBER and int(number) > 0
        if not isinstance(source, str) or not isinstance(ident, str) or not source or not ident or not fits:
            raise FaultyInputError("stream_event_malformed", "an event has `source`, `id` and a `sequence` from 1 on")
        if source not in self._sources and len(self._sources) >= MAX_SOURCES:
            raise FaultyInputError("stream_too_many_sources", f"more than {MAX_SOURCES} sources")
        self._sources.setdefault(source, _Source()).take(int(number), ident)
        data = event.get("data")
        if event.get("type") == _HEADER and isinstance(data, Mapping):
            self._heed(data)

    def take_lines(self, lines: Iterable[bytes]) -> None:
        """Look at documents, one a line; empty lines are nothing.

        Raises:
            FaultyInputError: as ``take``, with the line's number.
        """
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                self.take(_read(line))
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, FaultyInputError) as fault:
                code = fault.code if isinstance(fault, FaultyInputError) else "stream_event_malformed"
                text = fault.message if isinstance(fault, FaultyInputError) else "it is no JSON object"
                raise FaultyInputError(code, f"line {number}: {text}", str(number)) from fault

    def report(self) -> list[SourceReport]:
        """Return what is known of each source, by its name."""
        return [self._of(name, one) for name, one in sorted(self._sources.items())]

    @property
    def whole(self) -> bool:
        """Whether no source has a hole or a contradiction."""
        return all(one.whole for one in self.report())

    def _heed(self, data: Mapping[str, Any]) -> None:
        before, last = data.get("previous_source"), data.get("previous_sequence")
        if isinstance(before, str) and isinstance(last, int) and before and len(self._ends) < MAX_SOURCES:
            self._ends[before] = last

    def _of(self, name: str, one: _Source) -> SourceReport:
        holes = dict(one.holes)
        if self._ends.get(name, 0) > one.last:
            holes[one.last + 1] = self._ends[name]
        missing = tuple(sorted(holes.items()))
        contradicted = tuple(sorted(one.contradicted))
        return SourceReport(name, one.received, one.last, missing, one.repeated, contradicted, one.late)


def _read(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise FaultyInputError("stream_event_malformed", f"an event has at most {MAX_LINE} bytes")
    return msgspec.json.decode(line, type=dict[str, Any])
