"""One batch: seal, hash, sign and store many records in one transaction.

- The head is read inside the transaction; when another process moved it, the tree's edge is read again. No fork.
- The checkpoint is signed inside the same transaction: there is never a stored state without a signed one.
- A record that cannot be written (unknown tenant, shredded key) fails alone; a fault of the disk fails the batch.
- Where replicas hand over to an inbox, what waits there goes first: no record overtakes one that was accepted before.
  A row that no replica marked is thrown away, and told.
"""

from collections.abc import Callable, Sequence

import msgspec

from ostiary.audit.entry import SALT_BYTES, VERSION, LogEntry, commitment, pseudonym, record_aad
from ostiary.audit.pending import Appended, Pending
from ostiary.audit.ports import AuditStore, AuditTransaction, Head, RecordRow, TileRow
from ostiary.audit.sequencing.marks import Marks
from ostiary.audit.sequencing.ports import Handed, Inbox
from ostiary.audit.settings import LOG_PURPOSE, SYSTEM_TENANT
from ostiary.audit.tlog.checkpoints import Checkpoint, sign_checkpoint
from ostiary.audit.tlog.merkle import leaf_hash
from ostiary.audit.tlog.notes import check_name
from ostiary.audit.tlog.tiles import Frontier
from ostiary.errors import OstiaryError, RefusedError, VerificationError
from ostiary.keys import KeyRing, Sealer, SubjectVault, random_bytes
from ostiary.vocabulary.clock import Clock

Result = Appended | OstiaryError
_PAGE = 2_048


class BatchWriter:
    """Writes batches; used by one thread at a time."""

    def __init__(
        self,
        store: AuditStore,
        vault: SubjectVault,
        ring: KeyRing,
        clock: Clock,
        origin: str = "",
        inbox: Inbox | None = None,
        on_fault: Callable[[str, BaseException], None] = lambda _code, _fault: None,
    ) -> None:
        """Write to ``store`` under the stored origin, or ``origin`` when there is none yet; empty ``inbox`` first.

        ``on_fault`` hears of rows in the inbox that are nobody's.
        """
        self._store = store
        self._inbox = inbox
        self._marks = Marks(vault) if inbox else None
        self._on_fault = on_fault
        self._vault = vault
        self._ring = ring
        self._clock = clock
        self._origin = check_name(origin) if origin else ""
        self._frontier: Frontier | None = None
        self._root = b""
        self._epoch = -1
        self._pseudonyms: dict[str, str] = {}

    def write(self, batch: Sequence[Pending]) -> list[Result]:
        """Write a batch; return for each record where it went, or why it alone failed.

        Raises:
            UnavailableError: nothing of the batch was written.
        """
        try:
            with self._store.transaction() as transaction:
                results = self._write(transaction, batch)
        except BaseException:
            self._forget()
            raise
        return results

    def take_in(self, fence: Callable[[], None], most: int) -> int:
        """Append what waits in the inbox, at most so many records; return how many that were.

        Args:
            fence: raises inside the transaction when this process may not append.
            most: records.

        Raises:
            RefusedError: what ``fence`` raised; nothing was appended.
            UnavailableError: nothing was appended.
        """
        try:
            with self._store.transaction() as transaction:
                fence()
                return self._take_in(transaction, most)
        except BaseException:
            self._forget()
            raise

    def _take_in(self, transaction: AuditTransaction, most: int) -> int:
        head = self._named(transaction.head())
        frontier = self._catch_up(head)
        at_ns = max(head.at_ns, self._clock.now_ns())
        rows = self._from_inbox(self._inbox.take(most), frontier, at_ns) if self._inbox else []
        if rows:
            self._store_all(transaction, head, frontier, rows, at_ns)
        return len(rows)

    def _write(self, transaction: AuditTransaction, batch: Sequence[Pending]) -> list[Result]:
        if self._inbox and any(pending.effect for pending in batch):
            self._inbox.shut()  # before the epoch is read, which an effect may move
        head = self._named(transaction.head())
        frontier = self._catch_up(head)
        at_ns = max(head.at_ns, self._clock.now_ns())
        salts = random_bytes(SALT_BYTES * len(batch))
        sealer = self._vault.sealer(len(batch))
        rows: list[RecordRow] = []
        while self._inbox and (waiting := self._inbox.take(_PAGE)):
            rows.extend(self._from_inbox(waiting, frontier, at_ns))
        if rows and any(pending.effect for pending in batch):  # an effect must see what was there before it
            self._store_all(transaction, head, frontier, rows, at_ns)
            rows = []
        results: list[Result] = []
        for number, pending in enumerate(batch):
            salt = salts[number * SALT_BYTES : (number + 1) * SALT_BYTES]
            try:
                row = self._row(transaction, pending, sealer, frontier.size, at_ns, salt)
            except RefusedError as fault:
                if pending.effect:  # it may have written half its work: all or nothing
                    raise
                results.append(fault)
                continue
            leaf = leaf_hash(row.entry)
            frontier.push(leaf)
            rows.append(row)
            results.append(Appended(row.idx, leaf))
        if any(pending.effect for pending in batch):  # an effect may have moved the epoch
            head = msgspec.structs.replace(head, epoch=transaction.head().epoch)
        self._store_all(transaction, head, frontier, rows, at_ns)
        return results

    def _from_inbox(self, waiting: Sequence[Handed], frontier: Frontier, at_ns: int) -> list[RecordRow]:
        """Give those that bear their mark their places."""
        ours = [bare for one in waiting if self._marks and (bare := self._marks.bare(one))]
        if len(ours) < len(waiting):
            text = f"{len(waiting) - len(ours)} rows in the inbox bear no mark of a replica: somebody else wrote them"
            self._on_fault("inbox_forged", VerificationError("inbox_forged", text))
        return [self._handed(one, frontier, at_ns) for one in ours]

    def _handed(self, one: Handed, frontier: Frontier, at_ns: int) -> RecordRow:
        """Give one record that was handed over its place."""
        name = self._pseudonym(one.tenant)
        entry = LogEntry(VERSION, one.kind, one.record_id, one.time_ns, at_ns, name, one.commit).encode()
        index = frontier.size
        frontier.push(leaf_hash(entry))
        return RecordRow(index, one.tenant, one.kind, one.record_id, one.time_ns, one.tag, entry, one.sealed)

    def _row(
        self, transaction: AuditTransaction, pending: Pending, sealer: Sealer, index: int, at_ns: int, salt: bytes
    ) -> RecordRow:
        tenant, kind, record_id = pending.tenant, pending.kind, pending.record_id
        name = self._pseudonym(tenant)
        payload = pending.effect(transaction) if pending.effect else pending.payload
        opening = salt + payload
        entry = LogEntry(VERSION, kind, record_id, pending.time_ns, at_ns, name, commitment(opening))
        tag, sealed = sealer.seal(tenant, pending.subject_key, opening, record_aad(tenant, kind, record_id))
        return RecordRow(index, tenant, kind, record_id, pending.time_ns, tag, entry.encode(), sealed)

    def _store_all(
        self, transaction: AuditTransaction, head: Head, frontier: Frontier, rows: Sequence[RecordRow], at_ns: int
    ) -> None:
        root = frontier.root()
        checkpoint = Checkpoint(head.origin, frontier.size, root)
        keys = self._ring.signers(SYSTEM_TENANT, LOG_PURPOSE)
        transaction.add_records(rows)
        transaction.put_tiles([TileRow(*tile) for tile in frontier.take_changed()])
        signed = sign_checkpoint(checkpoint, keys)
        transaction.set_head(Head(head.origin, frontier.size, root, signed, at_ns, head.epoch))
        self._root = root

    def _catch_up(self, head: Head) -> Frontier:
        if head.epoch != self._epoch:
            self._vault.drop_cache()
            living = [row for row in self._store.tenants() if row.deleted_ns is None]
            self._pseudonyms = {row.tenant: pseudonym(row.salt, row.tenant) for row in living}
            self._epoch = head.epoch
        if self._frontier is None or (self._frontier.size, self._root) != (head.size, head.root):
            self._frontier = Frontier.load(head.size, self._store.tile)
            self._root = head.root
        return self._frontier

    def _named(self, head: Head) -> Head:
        if head.origin and self._origin in {"", head.origin}:
            return head
        if head.size:
            text = f"the log is named `{head.origin}` and has entries: it cannot become `{self._origin}`"
            raise RefusedError("origin_changed", text)
        return msgspec.structs.replace(head, origin=self._origin or f"ostiary.local/{random_bytes(8).hex()}")

    def _pseudonym(self, tenant: str) -> str:
        name = self._pseudonyms.get(tenant)
        if name is None:
            raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
        return name

    def _forget(self) -> None:
        """After a roll-back nothing remembered is certain: neither the tree's edge nor keys made in the batch."""
        self._frontier = None
        self._epoch = -1
        self._vault.drop_cache()
