"""A history as Parquet: consecutive parts in the order of time, and one signed list that names each by its digest.

Rules:
- A part holds each event whole (``event``, msgpack), beside a few columns for people with other tools.
- The list is signed with the tenant's key for histories; parts are believed by their digest in it alone.
- Events of one tenant, in the order of time, also from part to part. What is not so is refused where it is read.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ostiary.artifacts.dsse import pae
from ostiary.errors import FaultyInputError, VerificationError
from ostiary.keys import KeyRing, sha256_hex
from ostiary.risk.source import Source
from ostiary.server.history.shelf import Shelf
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.unreadable import UNREADABLE

PURPOSE: Final = "history"
TYPE: Final = "application/vnd.ostiary.history+json"
PART_EVENTS: Final = 100_000
MOST_EVENTS: Final = 2_000_000
MOST_LIST: Final = 64 << 20
LIST: Final = "history.json"
_PLAIN: Final = ("event_id", "subject_type", "subject_id", "action", "resource_type", "resource_id")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(AccessEvent).decode
Told = TypeVar("Told")


class Part(msgspec.Struct, frozen=True):
    """One part: its file, what it holds, and the times of its first and last event."""

    name: str
    digest: str
    events: int
    first_ns: int
    last_ns: int


class Listed(msgspec.Struct, frozen=True):
    """The list of a history; ``source`` says where the events came from, as a model's card tells it."""

    tenant: str
    parts: tuple[Part, ...]
    source: Source
    version: int = 1

    @property
    def events(self) -> int:
        """How many events all parts hold."""
        return sum(part.events for part in self.parts)


class _Sealed(msgspec.Struct, frozen=True):
    payload: bytes
    kid: str
    signature: bytes


def seal(ring: KeyRing, tenant: str, told: object) -> bytes:
    """Return ``told`` as JSON, signed with the tenant's key for histories."""
    key, payload = ring.active(tenant, PURPOSE), msgspec.json.encode(told)
    return msgspec.json.encode(_Sealed(payload, key.kid, key.sign(pae(TYPE, payload))))


def unseal(ring: KeyRing, tenant: str, data: bytes, kind: type[Told]) -> Told:
    """Return what was signed.

    Raises:
        VerificationError: ``history_untrusted``: it is malformed, or no key of the tenant signed it.
    """
    try:
        sealed = msgspec.json.decode(data, type=_Sealed)
        keys = {key.kid: key for key in ring.all_public(tenant, PURPOSE)}
        if sealed.kid in keys and keys[sealed.kid].verify(sealed.signature, pae(TYPE, sealed.payload)):
            return msgspec.json.decode(sealed.payload, type=kind)
    except UNREADABLE as fault:
        raise VerificationError("history_untrusted", "the list of a history cannot be read") from fault
    raise VerificationError("history_untrusted", "no key of this tenant signed the list of this history")


def export(
    shelf: Shelf,
    ring: KeyRing,
    tenant: str,
    events: Iterable[AccessEvent],
    source: Callable[[], Source],
    part_events: int = PART_EVENTS,
) -> Listed:
    """Write a history: events of one tenant in the order of time; ``source`` is asked once all were read.

    Raises:
        FaultyInputError: ``history_out_of_order``, ``history_other_tenant``, ``history_empty``.
        UnavailableError: ``history_unwritable``.
    """
    if not 0 < part_events <= MOST_EVENTS:
        raise FaultyInputError("history_part_invalid", f"a part has 1 to {MOST_EVENTS} events")
    parts: list[Part] = []
    for number, chunk in enumerate(_chunks(events, part_events)):
        check(chunk, tenant, parts[-1].last_ns if parts else 0)
        name = f"events/part-{number:05}.parquet"
        digest = shelf.write(name, write_part(chunk))
        parts.append(Part(name, digest, len(chunk), chunk[0].time_ns, chunk[-1].time_ns))
    if not parts:
        raise FaultyInputError("history_empty", "there is no event to export")
    listed = Listed(tenant, tuple(parts), source())
    shelf.write(LIST, seal(ring, tenant, listed))
    return listed


def list_of(shelf: Shelf, ring: KeyRing, tenant: str) -> Listed:
    """Return the list of a history, verified.

    Raises:
        UnavailableError: ``history_unreadable``.
        FaultyInputError: ``history_too_large``.
        VerificationError: ``history_untrusted``.
    """
    listed = unseal(ring, tenant, shelf.read(LIST, most=MOST_LIST), Listed)
    if listed.tenant != tenant or not listed.parts:
        raise VerificationError("history_untrusted", "the list is of another tenant, or empty")
    return listed


def digest_of(listed: Listed) -> str:
    """Return what names a history: all its events in their order."""
    return sha256_hex(msgspec.json.encode(listed))


def read_events(shelf: Shelf, part: Part, tenant: str) -> list[AccessEvent]:
    """Return the events of a part, as the list says that they are.

    Raises:
        VerificationError: ``history_changed``.
        FaultyInputError: ``history_malformed``, ``history_out_of_order``, ``history_other_tenant``.
    """
    events = read_part(shelf.read(part.name, part.digest))
    check(events, tenant, part.first_ns)
    if (len(events), events[-1].time_ns) != (part.events, part.last_ns):
        raise FaultyInputError("history_malformed", f"`{part.name}` holds other events than the list says")
    return events


def write_part(events: Sequence[AccessEvent]) -> bytes:
    """Return events as one Parquet file."""
    columns: dict[str, Any] = {"time_ns": pa.array([event.time_ns for event in events], pa.int64())}
    columns |= {name: pa.array([getattr(event, name) for event in events], pa.string()) for name in _PLAIN}
    columns["event"] = pa.array([_encode(event) for event in events], pa.binary())
    return write_table(pa.table(columns))


def read_part(data: bytes) -> list[AccessEvent]:
    """Return the events of a Parquet file.

    Raises:
        FaultyInputError: ``history_malformed``.
    """
    table = read_table(data, ["event"])
    try:
        return [_decode(one) for one in table.column("event").to_pylist()]
    except (*UNREADABLE, TypeError) as fault:  # a null where an event belongs
        raise FaultyInputError("history_malformed", "a part holds what is no event") from fault


def write_table(table: Any) -> bytes:
    """Return a table as one Parquet file: the same table gives the same bytes."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_statistics=False, store_schema=False)
    return sink.getvalue()


def read_table(data: bytes, columns: Sequence[str]) -> Any:
    """Return some columns of a Parquet file.

    Raises:
        FaultyInputError: ``history_malformed``: it is no such file, or has more rows than a part may.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        if file.metadata.num_rows > MOST_EVENTS:
            raise FaultyInputError("history_malformed", f"a part has more than {MOST_EVENTS} rows")
        return file.read(columns=list(columns), use_threads=False)
    except (pa.ArrowException, OSError, KeyError, ValueError) as fault:
        raise FaultyInputError("history_malformed", "a part of the history is no Parquet file of ours") from fault


def check(events: Sequence[AccessEvent], tenant: str, since_ns: int) -> None:
    """Refuse events of another tenant, out of order, or none.

    Raises:
        FaultyInputError: ``history_out_of_order``, ``history_other_tenant``, ``history_malformed``.
    """
    if not events:
        raise FaultyInputError("history_malformed", "a part of the history is empty")
    for event in events:
        if event.tenant != tenant:
            raise FaultyInputError("history_other_tenant", f"the event `{event.event_id[:80]}` is of another tenant")
        if event.time_ns < since_ns:
            raise FaultyInputError("history_out_of_order", f"the event `{event.event_id[:80]}` is out of order")
        since_ns = event.time_ns


def _chunks(events: Iterable[AccessEvent], size: int) -> Iterator[list[AccessEvent]]:
    source = iter(events)
    while chunk := list(islice(source, size)):
        yield chunk
