"""Where every row of a history came from: signed statements beside the history, checked before anything is trained.

Rules:

- A statement is made when a verified batch lands: its header, its producer's signature, and a digest of each line
  that it brought. The deployment signs it. Whoever edits the history file has no statement for what he wrote.
- A line may stand in the history as often as batches brought it, never more often: a copied row is a forged one.
- Lines may be missing (people are forgotten); lines without a statement may not be there: ``provenance_missing``.
- Lines of a producer that is distrusted from a time on are left out and counted, not refused.
- All in one pass over the file: what was checked is what is trained.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256 as digest_of
from pathlib import Path
from typing import Final, Protocol

import msgspec

from ostiary.defence.batches import ROW, Header, row_digest
from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.keys import KeyRing, sha256, sha256_hex
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.unreadable import UNREADABLE

PURPOSE: Final = "provenance"
KIND: Final = "batch"
_DOMAIN: Final = b"ostiary.provenance.v1\0"
_MAX_LINE: Final = 1 << 20
_decode: Final = msgspec.json.Decoder(AccessEvent).decode


class Kept(Protocol):
    """One stored value."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def data(self) -> bytes:
        """What it is."""
        ...


class StatementStore(Protocol):
    """Keeps statements: opaque bytes by tenant, kind and name."""

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        """Store one, replacing what was there."""
        ...

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        ...

    def all(self, tenant: str, kind: str) -> Sequence[Kept]:
        """Return all of a kind in the order of their names."""
        ...


class Statement(msgspec.Struct, frozen=True):
    """What a batch brought.

    Attributes:
        tenant: whose history.
        batch: digest of the batch.
        header: what its producer signed.
        signature: the producer's, over the header.
        rows: digests of the lines, one after the other.
        landed: whether the lines are in the history; ``False`` between taking a batch and writing it down.
        released: digest of the approval by which a refused batch was let in after all, empty for the others.
        kid, seal: the deployment's key and its signature over all of this.
    """

    tenant: str
    batch: str
    header: Header
    signature: bytes
    rows: bytes
    landed: bool = False
    released: str = ""
    kid: str = ""
    seal: bytes = b""

    @property
    def count(self) -> int:
        """How many lines it brought."""
        return len(self.rows) // ROW

    def digests(self) -> Iterator[bytes]:
        """Yield the digest of each line."""
        return (self.rows[at : at + ROW] for at in range(0, len(self.rows), ROW))

    @property
    def signed(self) -> bytes:
        """What the deployment signs."""
        bare = msgspec.structs.replace(self, kid="", seal=b"")
        return _DOMAIN + sha256(msgspec.msgpack.encode(bare))


class Source(msgspec.Struct, frozen=True):
    """What a producer has in a history."""

    producer: str
    rows: int
    batches: int


class Proven(msgspec.Struct, frozen=True):
    """A history whose every line has a statement.

    Attributes:
        events: in the order of the file, without the distrusted.
        producers: whose each event is.
        sources: what each producer has in it.
        batches: digest over the digests of all batches that it rests on, in order of their digests.
        sha256: of the file's bytes.
        left_out: lines of distrusted producers, and those without a statement where that was asked for.
    """

    events: list[AccessEvent]
    producers: list[str]
    sources: tuple[Source, ...]
    batches: str
    sha256: str
    left_out: int


class Statements:
    """The statements of all tenants, signed with each tenant's key for provenance."""

    def __init__(self, store: StatementStore, ring: KeyRing) -> None:
        """Keep them in ``store``."""
        self._store = store
        self._ring = ring

    def keep(self, bare: Statement, now_ns: int) -> Statement:
        """Sign and keep one, over the one of the same batch."""
        key = self._ring.active(bare.tenant, PURPOSE)
        named = msgspec.structs.replace(bare, kid=key.kid, seal=b"")
        made = msgspec.structs.replace(named, seal=key.sign(named.signed))
        self._store.save(bare.tenant, KIND, bare.batch, msgspec.msgpack.encode(made), now_ns)
        return made

    def find(self, tenant: str, batch: str) -> Statement | None:
        """Return the statement of a batch, verified.

        Raises:
            VerificationError: ``provenance_tampered``.
        """
        data = self._store.load(tenant, KIND, batch)
        return None if data is None else self._verified(tenant, batch, data)

    def of_tenant(self, tenant: str) -> list[Statement]:
        """Return a tenant's statements, verified.

        Raises:
            VerificationError: ``provenance_tampered``.
        """
        return [self._verified(tenant, one.name, one.data) for one in self._store.all(tenant, KIND)]

    def _verified(self, tenant: str, batch: str, data: bytes) -> Statement:
        try:
            found = msgspec.msgpack.decode(data, type=Statement)
        except UNREADABLE as fault:
            raise VerificationError("provenance_tampered", f"the statement of `{batch}` cannot be read") from fault
        keys = {key.kid: key for key in self._ring.all_public(tenant, PURPOSE)}
        named = (found.tenant, found.batch) == (tenant, batch) and found.kid in keys
        if not named or not keys[found.kid].verify(found.seal, found.signed):
            raise VerificationError("provenance_tampered", f"the statement of `{batch}` is not what was signed")
        return found


def prove(
    history: Path, statements: Iterable[Statement], distrusted: Mapping[str, int], *, only_proven: bool = False
) -> Proven:
    """Read a history and check where every line came from.

    Args:
        history: the file.
        statements: all of its tenant.
        distrusted: by producer, from when on its batches are not believed.
        only_proven: leave lines without a statement out instead of refusing all.

    Raises:
        RefusedError: ``provenance_missing``: lines came from nobody who answers for them.
        FaultyInputError: ``events_unreadable``, ``events_malformed``.
    """
    known = _Known(statements, distrusted)
    told, left_out = digest_of(), 0
    events: list[AccessEvent] = []
    producers: list[str] = []
    missing: list[int] = []
    for number, line in enumerate(_lines(history), 1):
        told.update(line)
        found = known.take(line.rstrip(b"\n"))
        if found is None and not only_proven:
            missing.append(number)
        elif found is None or found.distrusted:
            left_out += 1
        elif not missing:
            events.append(_event(line, number, history))
            producers.append(found.producer)
    if missing:
        text = (
            f"`{history}` has {len(missing):,} rows that came in no signed batch, the first in line {missing[0]}: "
            "they train nothing; `--only-proven` leaves them out, and an operator who answers for a file names it "
            "with `--events`"
        )
        raise RefusedError("provenance_missing", text)
    return Proven(events, producers, known.sources(producers), known.batches(), told.hexdigest(), left_out)


class _Batch(msgspec.Struct, frozen=True):
    digest: str
    producer: str
    distrusted: bool


class _Known:
    """Which lines are accounted for, and how often each still may come."""

    def __init__(self, statements: Iterable[Statement], distrusted: Mapping[str, int]) -> None:
        self._open: dict[bytes, list[_Batch]] = {}
        self._used: set[_Batch] = set()
        for one in statements:
            since = distrusted.get(one.header.producer)
            batch = _Batch(one.batch, one.header.producer, since is not None and one.header.time_ns >= since)
            for row in one.digests():
                self._open.setdefault(row, []).append(batch)

    def take(self, line: bytes) -> _Batch | None:
        waiting = self._open.get(row_digest(line))
        if not waiting:
            return None
        batch = waiting.pop()
        if not batch.distrusted:
            self._used.add(batch)
        return batch

    def batches(self) -> str:
        return "sha256:" + sha256_hex(msgspec.json.encode(sorted(one.digest for one in self._used)))

    def sources(self, producers: Sequence[str]) -> tuple[Source, ...]:
        rows = Counter(producers)
        batches = Counter(one.producer for one in self._used)
        return tuple(Source(name, rows[name], batches[name]) for name in sorted(rows))


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(_MAX_LINE + 1):
                yield line
    except OSError as fault:
        raise FaultyInputError("events_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault


def _event(line: bytes, number: int, path: Path) -> AccessEvent:
    try:
        return _decode(line)
    except UNREADABLE as fault:
        raise FaultyInputError("events_malformed", f"`{path}` line {number} is no access event", str(number)) from fault
