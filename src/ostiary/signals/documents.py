"""Finds the records of a JSON document of any size while it streams by, without holding more than one of them.

Rules:
- Records are the root objects, the elements of a root array, or the elements of an envelope's list; an envelope is a
  root object with one of the given keys, and the rest of it is dropped. A list of words under such a key is a field of
  a record: GitHub writes down of a new hook which ``events`` it is sent.
- The scanner knows how deep it is and whether it stands in a string, nothing else; reading a record is for others.
- What stands where a record should and is none is a ``record_malformed``, an end too early an ``input_truncated``.

>>> [piece.data for piece in documents([b'[{"a": "', b'}"}, {}]'], ())]
[b'{"a": "}"}', b'{}']
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ostiary.signals.pieces import MAX_RECORD, Piece

_REST_OF_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_TO_MARK: Final = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_MARK_OR_LOOSE: Final = re.compile(rb'[{}\[\]"]|[^\s,:{}\[\]"]+')
_QUOTE, _BRACE, _BRACKET = b'"{['
_OPENING: Final = b"{["
_CLOSING: Final = b"}]"
_OF_WORDS: Final = re.compile(rb'\[\s*+"')
_MOST_HELD: Final = 1 << 18
_TAIL: Final = 256
_OUTSIDE: Final = -1
_IN_ENVELOPE: Final = 2


def documents(chunks: Iterable[bytes], envelopes: tuple[str, ...], limit: int = MAX_RECORD) -> Iterator[Piece]:
    """Yield every record of the document, or of the documents one after another."""
    scanner = _Scanner(envelopes, limit)
    for chunk in _unbroken(chunks):
        yield from scanner.feed(chunk)
    yield from scanner.end()


def _unbroken(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield ``chunks`` again, none of which ends between a bracket and what it opens on, blanks as far as a bound."""
    held = b""
    for chunk in chunks:
        held += chunk
        if len(held) < _MOST_HELD and held.rstrip()[-1:] == b"[":
            continue
        yield held
        held = b""
    yield held


def _next(chunk: bytes, place: int, *, waiting: bool) -> tuple[int, int]:
    """Return where the next bracket, open string or, while waiting for a record, stray text begins and ends."""
    if waiting:
        mark = _MARK_OR_LOOSE.search(chunk, place)
        return mark.span() if mark else (len(chunk), len(chunk))
    skipped = _TO_MARK.match(chunk, place)
    begin = skipped.end() if skipped else place
    return begin, begin + 1


class _Scanner:
    def __init__(self, envelopes: tuple[str, ...], limit: int) -> None:
        keys = "|".join(map(re.escape, envelopes)).encode() or rb"(?!)"
        self._envelope = re.compile(rb'"(?:' + keys + rb')"\s*:\s*\Z')
        self._limit = limit
        self._depth = 0
        self._level = 0  # the depth at which records begin; _OUTSIDE in what an envelope holds beside its list
        self._inside = False  # of a record
        self._string = self._escaped = self._loose = False  # open at the end of the last chunk
        self._record = bytearray()
        self._large = False
        self._line = self._begun = 1
        self._counted = 0
        self._tail = b""

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Yield the records that end in ``chunk``."""
        if not chunk:
            return
        place = self._string_end(chunk, 0) if self._string else 0
        since, loose_before, self._loose = 0, self._loose, False
        while place < len(chunk):
            waiting = not self._inside and self._depth == self._level
            begin, place = _next(chunk, place, waiting=waiting)
            if begin == len(chunk):
                break
            byte = chunk[begin]
            if byte == _QUOTE:
                place = self._string_end(chunk, place)
                if waiting:
                    yield Piece(self._line_at(chunk, begin), b"", "record_malformed")
            elif byte in _OPENING:
                since = self._open(chunk, begin, since, waiting=waiting)
            elif byte in _CLOSING:
                yield from self._close(chunk, since, place)
            else:
                self._loose = place == len(chunk)
                if begin or not loose_before:
                    yield Piece(self._line_at(chunk, begin), b"", "record_malformed")
        if self._inside:
            self._take(chunk[since:])
        self._line_at(chunk, len(chunk))
        self._counted, self._tail = 0, (self._tail + chunk)[-_TAIL:]

    def end(self) -> Iterator[Piece]:
        """Yield a fault when the document ended too early."""
        if self._depth > 0 or self._string:
            yield Piece(self._begun if self._inside else self._line, b"", "input_truncated")

    def _open(self, chunk: bytes, begin: int, since: int, *, waiting: bool) -> int:
        byte = chunk[begin]
        if waiting and (byte == _BRACE or self._level > 0):
            self._inside, self._begun, since = True, self._line_at(chunk, begin), begin
        elif waiting:
            self._level = 1
        elif byte == _BRACKET and self._depth == 1 and self._level <= 0 and self._is_envelope(chunk, begin):
            self._forget()
            self._inside, self._level = False, _IN_ENVELOPE
        self._depth += 1
        return since

    def _close(self, chunk: bytes, since: int, place: int) -> Iterator[Piece]:
        self._depth -= 1
        if self._inside:
            if self._depth == self._level:
                self._take(chunk[since:place])
                yield Piece(self._begun, bytes(self._record), "record_too_large" if self._large else "")
                self._forget()
                self._inside = False
        elif self._depth < 0:
            self._depth = 0
            yield Piece(self._line_at(chunk, place - 1), b"", "record_malformed")
        elif self._depth < self._level or self._level == _OUTSIDE:
            self._level = _OUTSIDE if self._depth else 0

    def _is_envelope(self, chunk: bytes, begin: int) -> bool:
        if _OF_WORDS.match(chunk, begin) is not None:
            return False
        before = (self._tail + chunk[max(0, begin - _TAIL) : begin])[-_TAIL:]
        return self._envelope.search(before) is not None

    def _string_end(self, chunk: bytes, place: int) -> int:
        """Return the place after the string's closing quote, or the chunk's end with the string left open."""
        place += self._escaped
        self._string, self._escaped = True, False
        found = _REST_OF_STRING.match(chunk, place)
        end = found.end() if found else place
        if end >= len(chunk):
            return len(chunk)
        if chunk[end] != _QUOTE:
            self._escaped = True
            return len(chunk)
        self._string = False
        return end + 1

    def _take(self, part: bytes) -> None:
        if self._large or len(self._record) + len(part) > self._limit:
            self._large = True
            self._record.clear()
        else:
            self._record += part

    def _forget(self) -> None:
        self._record.clear()
        self._large = False

    def _line_at(self, chunk: bytes, place: int) -> int:
        self._line += chunk.count(b"\n", self._counted, place)
        self._counted = place
        return self._line
