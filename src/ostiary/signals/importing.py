r"""Turns foreign logs into access events: every record is accepted or rejected, nothing is lost in silence.

Rules:
- A record that cannot be understood is rejected with its line and a reason code, and the rest goes on.
- Read = accepted + rejected, always. A file that breaks off is one rejection more, at the line where it broke.
- The tenant of every event is the one who imports, never what the log says of itself.
- Adapters are the modules of ``signals/adapters``; a new file there is a new format, and ``log_types`` is many.

>>> [(each.line, each.code) for each in read("ostiary", [b'{"nonsense": 1}\n'], "default")]
[(1, 'record_malformed')]
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals import adapters as folder
from ostiary.signals.anylog.shelf import shipped
from ostiary.signals.decoding import Decode, decoder
from ostiary.signals.pieces import Accepted, EventCounts, Piece, Rejected, Shape
from ostiary.signals.splitting import json_pieces, lines
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.ids import check_tenant

__all__ = ["Accepted", "Adapter", "EventCounts", "Rejected", "adapter_of", "adapters", "read"]

_TEXTS: Final = {
    "record_too_large": "the record has more than one mebibyte",
    "input_truncated": "the input ends inside a record",
}
_UNREADABLE: Final = "what stands here is no record"


class Adapter(msgspec.Struct, frozen=True):
    """What one module of ``signals/adapters`` offers.

    Attributes:
        name: what ``--format`` takes.
        describe: one line for a person.
        shape: how records lie in a file.
        envelopes: keys of a JSON document whose list holds the records.
        normalise: one record and the tenant to an event; raises ``FaultyInputError``.
    """

    name: str
    describe: str
    shape: Shape
    envelopes: tuple[str, ...]
    normalise: Callable[[Any, str], AccessEvent]


@cache
def adapters() -> dict[str, Adapter]:
    """Return every adapter by its format's name, in order."""
    found = {}
    for module in pkgutil.iter_modules(folder.__path__):
        each = importlib.import_module(f"{folder.__name__}.{module.name}")
        for table in getattr(each, "tables", tuple)():
            found[table.format] = Adapter(table.format, table.describe, Shape.JSON, table.envelopes, table.normalise)
        if hasattr(each, "FORMAT"):
            envelopes = getattr(each, "ENVELOPES", ())
            found[each.FORMAT] = Adapter(each.FORMAT, each.DESCRIBE, each.SHAPE, envelopes, each.normalise)
    return dict(sorted(found.items()))


def adapter_of(name: str) -> Adapter:
    """Return the adapter called ``name``.

    Raises:
        FaultyInputError: ``format_unknown``.
    """
    found = adapters().get(name)
    if found is None:
        text = f"`{name[:80]}` is no known format: use one of {', '.join(adapters())}"
        raise FaultyInputError("format_unknown", text)
    return found


def read(name: str, chunks: Iterable[bytes], tenant: str) -> Iterator[Accepted | Rejected]:
    """Yield what becomes of each record of ``chunks``, in order, with bounded memory.

    Args:
        name: the format: an adapter's, or a shipped mapping's.
        chunks: the file's bytes in pieces of any size.
        tenant: whose events they are.

    Raises:
        FaultyInputError: ``format_unknown``, ``tenant_invalid``.
    """
    tenant, mapping = check_tenant(tenant), shipped(name)
    return mapping.read(chunks, tenant) if mapping is not None else _read(adapter_of(name), chunks, tenant)


def _read(adapter: Adapter, chunks: Iterable[bytes], tenant: str) -> Iterator[Accepted | Rejected]:
    decode, last = decoder(adapter.shape), 1
    pieces = json_pieces(chunks, adapter.envelopes) if adapter.shape is Shape.JSON else lines(chunks)
    try:
        for piece in pieces:
            last = piece.line
            outcome = _outcome(adapter, decode, piece, tenant)
            if outcome is not None:
                yield outcome
    except FaultyInputError as fault:  # the stream itself broke: a damaged or hostile gzip, an unreadable disk
        yield Rejected(last, fault.code, fault.message)


def _outcome(adapter: Adapter, decode: Decode, piece: Piece, tenant: str) -> Accepted | Rejected | None:
    if piece.fault:
        return Rejected(piece.line, piece.fault, _TEXTS.get(piece.fault, _UNREADABLE))
    try:
        record = decode(piece.data)
        return None if record is None else Accepted(piece.line, adapter.normalise(record, tenant))
    except FaultyInputError as fault:
        return Rejected(piece.line, fault.code, fault.message)
