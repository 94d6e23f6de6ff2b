"""The audit log: append, read back, prove.

- ``append`` costs a few microseconds and returns a future; one writer thread seals, hashes, signs and commits.
- With durability ``before_answer`` the future is done when the record is on disk; with ``async`` when it is queued.
- Reading needs the tenant: a record of another tenant is as unknown as one that never was.
- ``append_effect`` runs a change inside its own record's transaction, so that neither is ever there without the other.
- As one of several replicas, a decision is done when it is on disk in the inbox (``audit.sequencing``); its place in
  the log follows at once, and whoever asks for it by its id before gets it its place.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from ostiary.audit.batch import BatchWriter
from ostiary.audit.entry import SALT_BYTES, check_record, record_aad
from ostiary.audit.pending import Appended, Effect, Pending, StoredRecord
from ostiary.audit.ports import AuditStore, Head, RecordRow, Selection, pages
from ostiary.audit.reserve import DiskReserve
from ostiary.audit.sequencing.handing import HANDED_KINDS, HandOver
from ostiary.audit.sequencing.sequencer import OnFault, Sequencer
from ostiary.audit.sequencing.settings import Sequencing
from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT, AuditSettings
from ostiary.audit.tlog.notes import NoteKey
from ostiary.audit.tlog.proofs import LogProof
from ostiary.audit.tlog.tiles import inclusion_proof
from ostiary.audit.writer import GroupWriter, WriterStats
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.keys import KeyRing, SubjectVault, Unsealer
from ostiary.vocabulary.clock import Clock

_QUEUED = Appended(-1, b"")
_DAY_S = 86_400
_NEAR = 64


class AuditLog:
    """One log over one store; safe for many threads. Close it, or use it as a context manager."""

    def __init__(
        self,
        store: AuditStore,
        vault: SubjectVault,
        ring: KeyRing,
        clock: Clock,
        settings: AuditSettings | None = None,
        reserve: DiskReserve | None = None,
        shared: Sequencing | None = None,
        on_fault: OnFault = lambda _code, _fault: None,
    ) -> None:
        """Open the log, sign its first checkpoint if it is new, and start the writer.

        With ``shared`` this process is one of several; ``on_fault`` hears of what keeps it from sequencing.

        Raises:
            UnavailableError: the store cannot be written.
            RefusedError: ``origin_changed`` when a log with entries is to be renamed.
        """
        self._settings = settings or AuditSettings()
        self._store = store
        self._vault = vault
        self._ring = ring
        self._clock = clock
        inbox = shared.inbox if shared else None
        batches = BatchWriter(store, vault, ring, clock, self._settings.origin, inbox, on_fault)
        if not store.head().checkpoint or self._settings.origin not in {"", store.head().origin}:
            batches.write([])
        self._async = self._settings.durability == "async"
        self._sequencer: Sequencer | None = None
        if shared is None or not shared.replica:
            self._writer = GroupWriter(batches, clock, reserve, self._settings)
            return
        own = BatchWriter(store, vault, ring, clock, self._settings.origin, inbox, on_fault)
        self._sequencer = Sequencer(own, shared, on_fault)
        handing = HandOver(batches, store, vault, shared, self._sequencer.wake)
        self._writer = GroupWriter(handing, clock, reserve, self._settings)
        self._sequencer.start()

    def __enter__(self) -> Self:
        """Return the log itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the log."""
        self.close()

    def append(
        self, tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject_key: str
    ) -> Future[Appended]:
        """Queue one record and return at once.

        The future ends with where the record went, or with ``UnavailableError`` (``overloaded``, ``disk_full``,
        ``storage_unavailable``, ``log_closed``) or ``RefusedError`` (``tenant_unknown``, ``tenant_shredded``).

        Args:
            tenant: whose record it is.
            kind: ``decision``, ``admin``, ``refusals``, ….
            record_id: the record's id, unique within the tenant.
            time_ns: when it happened, as stamped at receipt.
            payload: what is sealed, at most 1 MiB.
            subject_key: whose personal data it is; empty when it is nobody's.

        Raises:
            FaultyInputError: ``record_invalid``.
        """
        check_record(kind, record_id, payload)
        pending = Pending(tenant, kind, record_id, time_ns, payload, subject_key)
        self._writer.submit(pending)
        return _done_early(pending.future) if self._async else pending.future

    def append_effect(self, tenant: str, kind: str, record_id: str, time_ns: int, effect: Effect) -> Future[Appended]:
        """Run ``effect`` inside a transaction and record what it returns: both or neither, never early."""
        check_record(kind, record_id, b"")
        pending = Pending(tenant, kind, record_id, time_ns, b"", "", effect)
        self._writer.submit(pending)
        return pending.future

    def get(self, tenant: str, record_id: str) -> StoredRecord | None:
        """Return a record of this tenant, opened, or ``None``."""
        row = self._find(tenant, record_id)
        return None if row is None else self._opened(row)

    def iterate(
        self, tenant: str, kind: str | None = None, since_index: int = 0, subject_key: str | None = None
    ) -> Iterator[StoredRecord]:
        """Yield a tenant's records, oldest first, opened, reading a page at a time.

        What was handed over before gets its place first: whoever asks finds all that may have been answered. Kinds that
        are never handed over have theirs already, and whoever reads them on a decision's way writes nothing.
        """
        if self._sequencer is not None and (kind is None or kind in HANDED_KINDS):
            self._sequencer.settle()
        try:
            tag = None if subject_key is None else self._vault.tag(tenant, subject_key)
        except (RefusedError, FaultyInputError):
            return  # a tenant that is gone or never was has no records
        wanted = Selection(tenant, kind, tag, since_index=since_index)
        yield from map(self._opened, pages(self._store, wanted))

    def between(self, start: int, end: int, wanted: Callable[[str, str], bool]) -> Iterator[StoredRecord]:
        """Yield the records of all tenants from ``start`` to ``end``, opened, whose kind and id are ``wanted``.

        Of the others nothing but kind and id is read: to whoever wants few, a page of whole records is megabytes.
        """
        asked = [index for index, kind, name in self._store.names(start, end) if wanted(kind, name)]
        while asked:
            first = asked[0]
            near = [index for index in asked[:_NEAR] if index < first + _NEAR]
            asked = asked[len(near) :]
            for row in self._store.rows(first, near[-1] + 1):
                if row.idx in near:
                    yield self._opened(row)

    def head(self) -> Head:
        """Return where the log stands."""
        return self._store.head()

    def checkpoint(self) -> bytes:
        """Return the newest signed checkpoint, a note."""
        return self._store.head().checkpoint

    def public_keys(self) -> list[NoteKey]:
        """Return the log's public keys as verifier keys, newest first."""
        origin = self._store.head().origin
        return [NoteKey(origin, key) for key in self._ring.all_public(SYSTEM_TENANT, LOG_PURPOSE)]

    def prove(self, tenant: str, record_id: str) -> LogProof | None:
        """Return the receipt of one record against the newest checkpoint; ``extra`` carries the entry."""
        row = self._find(tenant, record_id)
        if row is None:
            return None
        head = self._store.head()
        path = inclusion_proof(row.idx, head.size, self._store.tile)
        return LogProof(row.idx, tuple(path), head.checkpoint, row.entry)

    def check(self) -> None:
        """Return when records can be signed and the newest ones could be written.

        Raises:
            UnavailableError: why not: ``key_unavailable``, ``disk_full``, ``storage_unavailable``.
        """
        self._ring.signers(SYSTEM_TENANT, LOG_PURPOSE)
        failing = self._writer.stats.failing
        if failing:
            raise UnavailableError(failing, "the newest records could not be written")

    def rotate_key(self) -> NoteKey:
        """Make a new log key; the old one signs beside it for the overlap, so that verifiers can learn the new one.

        The new key becomes an entry of kind ``log_key``: whoever trusts the old key finds it in the signed tree.

        Raises:
            UnavailableError: the log cannot be written; the new key signs all the same, introduce it by hand.
        """
        overlap_s = self._settings.key_overlap_days * _DAY_S
        key = self._ring.rotate(SYSTEM_TENANT, LOG_PURPOSE, overlap_s=overlap_s)
        public = NoteKey(self._store.head().origin, key.public)
        now = self._clock.now_ns()
        self.append_effect(SYSTEM_TENANT, "log_key", public.vkey(), now, lambda _: b'{"v":1}').result()
        return public

    def be_patient(self, patience: Callable[[], float]) -> None:
        """Let the writer ask before each transaction how many seconds to wait for records that are still to come."""
        self._writer.be_patient(patience)

    @property
    def stats(self) -> WriterStats:
        """What the writer has done since it started."""
        return self._writer.stats

    @property
    def sequencer(self) -> Sequencer | None:
        """What sequences the log while it may, where replicas share it."""
        return self._sequencer

    @property
    def store(self) -> AuditStore:
        """The store beneath, for reading tiles."""
        return self._store

    @property
    def vault(self) -> SubjectVault:
        """The vault that seals the payloads."""
        return self._vault

    def close(self) -> None:
        """Write everything that is queued and end the writer."""
        self._writer.close()
        if self._sequencer is not None:
            self._sequencer.close()

    def _find(self, tenant: str, record_id: str) -> RecordRow | None:
        row = self._store.find_record(tenant, record_id)
        if row is None and self._sequencer is not None and self._sequencer.settle():
            row = self._store.find_record(tenant, record_id)
        return row

    def _opened(self, row: RecordRow) -> StoredRecord:
        return StoredRecord(row.idx, row.tenant, row.kind, row.record_id, row.time_ns, self._payload(row), row.entry)

    def _payload(self, row: RecordRow) -> bytes | None:
        opened = open_row(self._vault, row)
        return None if opened is None else opened[SALT_BYTES:]


def open_row(vault: SubjectVault | Unsealer, row: RecordRow) -> bytes | None:
    """Return salt and payload of a row, ``None`` when they were erased.

    Raises:
        VerificationError: ``sealed_data_refused`` when they were tampered with.
    """
    if row.sealed is None:
        return None
    try:
        aad = record_aad(row.tenant, row.kind, row.record_id)
        return vault.decrypt_tagged(row.tenant, row.tag, row.sealed, aad)
    except RefusedError as fault:
        if fault.code in {"subject_shredded", "tenant_shredded", "tenant_unknown"}:
            return None
        raise


def _done_early(real: Future[Appended]) -> Future[Appended]:
    if real.done():  # refused at once: overloaded or closed
        return real
    early: Future[Appended] = Future()
    early.set_result(_QUEUED)
    return early
