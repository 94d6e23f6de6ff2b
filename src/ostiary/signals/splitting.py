r"""Cuts a stream of bytes into records with bounded memory: lines, or the objects of one huge JSON document.

Rules:
- A record has at most ``MAX_RECORD`` bytes; a longer one is reported and skipped, the rest goes on.
- The first line decides: a whole JSON object on it means one record a line; the beginning of an array, of a
  pretty-printed object or of an envelope such as ``{"Records": [`` means a document, which may hold several of them.
- Every piece carries the number of the line on which it begins.

>>> [piece.data for piece in json_pieces([b'{"Records": [{"a": 1},', b' {"b": "]}"}]}'], ("Records",))]
[b'{"a": 1}', b'{"b": "]}"}']
>>> [piece.line for piece in json_pieces([b'{"a": 1}\n{"b"', b': 2}\n'], ("Records",))]
[1, 2]
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from ostiary.signals.decoding import decoded
from ostiary.signals.documents import documents
from ostiary.signals.pieces import MAX_RECORD, Piece
from ostiary.vocabulary.unreadable import UNREADABLE

_HEAD: Final = 1 << 16
_BOM: Final = b"\xef\xbb\xbf"


def lines(chunks: Iterable[bytes], limit: int = MAX_RECORD) -> Iterator[Piece]:
    """Yield every line that is not blank."""
    rest, number, skipping = b"", 1, False
    for chunk in chunks:
        parts = (rest + chunk).split(b"\n")
        rest = parts.pop()
        for part in parts:
            if skipping:
                skipping = False
            elif len(part) > limit:
                yield Piece(number, b"", "record_too_large")
            elif part.strip():
                yield Piece(number, part)
            number += 1
        if len(rest) > limit:
            if not skipping:
                yield Piece(number, b"", "record_too_large")
            rest, skipping = b"", True
    if rest.strip() and not skipping:
        yield Piece(number, rest)


def json_pieces(chunks: Iterable[bytes], envelopes: tuple[str, ...], limit: int = MAX_RECORD) -> Iterator[Piece]:
    """Yield every record of JSON lines or of a JSON document; an envelope's list is opened, not read whole."""
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= _HEAD or b"\n" in head.lstrip():
            break
    head = head.removeprefix(_BOM)
    whole = chain((head,), stream)
    is_document = _is_document(head.lstrip()[:_HEAD], envelopes)
    yield from documents(whole, envelopes, limit) if is_document else lines(whole, limit)


def _is_document(head: bytes, envelopes: tuple[str, ...]) -> bool:
    if not head.startswith(b"{"):
        return head.startswith(b"[")
    first, newline, _ = head.partition(b"\n")
    try:
        value = decoded(first)
    except UNREADABLE:
        if newline:
            return first.rstrip().endswith((b"{", b"[", b",", b":"))
        keys = "|".join(map(re.escape, envelopes)).encode() or b"(?!)"
        return re.search(rb'"(?:' + keys + rb')"\s*:\s*\[', first) is not None
    return isinstance(value, dict) and any(_holds_records(value.get(key)) for key in envelopes)


def _holds_records(value: object) -> bool:
    return isinstance(value, list) and not (value and isinstance(value[0], str))
