"""The one way in for events that train: a signed batch, verified, in order, written down with where it came from.

1. Read it within its bounds; nothing of it is believed yet.
2. Its producer is registered with this tenant and not revoked, its key signed the header, the header means this tenant,
   and the body is the one that was signed.
3. Its time is not ahead of ours, nor before the batch before it, nor too old; no event is later than the batch.
4. It is the next of its producer's chain: number, and digest of the one before. The chain moves by compare-and-set.
5. Every record is an event; one that is none refuses the batch whole.
6. The statement, then the history, then the statement says that the rows landed. A batch that was cut off between is
   finished when it is sent again, and no row lands twice.

Whatever is refused is counted by code and put into quarantine. A deed ``batch.release`` that enough people agreed to
lets one in, if a registered producer's key signed it at all: what nobody signed is nobody's, whoever agrees.
"""

import fcntl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from ostiary.defence.batches import IntakeSettings, UnverifiedBatch, read_batch, row_digest
from ostiary.defence.producers import Producer, Producers, ProducerStore
from ostiary.defence.provenance import Statement, Statements
from ostiary.defence.quarantine import Quarantine
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, VerificationError
from ostiary.signals import eventfile
from ostiary.signals.importing import Accepted, read
from ostiary.vocabulary.approvals import Deed, QuorumOnce
from ostiary.vocabulary.events import AccessEvent

RELEASE: Final = "batch.release"
FORMAT: Final = "ostiary"
_NS: Final = 1_000_000_000
_FORGED: Final = frozenset({"batch_unsigned", "batch_malformed", "batch_signature", "batch_body", "producer_unknown"})
"""What no agreement lets in: nobody who is known signed it, or not these bytes."""


class Landed(msgspec.Struct, frozen=True):
    """A batch that was taken."""

    batch: str
    producer: str
    sequence: int
    events: int
    released: str = ""


class Intake:
    """Takes batches for one tenant into its history."""

    def __init__(
        self,
        tenant: str,
        history: Path,
        quarantine: Quarantine,
        store: ProducerStore,
        statements: Statements,
        settings: IntakeSettings,
        enrich: Callable[[AccessEvent], AccessEvent] = lambda event: event,
    ) -> None:
        """Take whose, where its events lie, who may send, what remembers them, and what joins what the house knows."""
        self.tenant = tenant
        self.quarantine = quarantine
        self.producers = Producers(store)
        self._store = store
        self._history = history
        self._statements = statements
        self._settings = settings
        self._enrich = enrich

    def take(self, data: bytes, now_ns: int) -> Landed:
        """Verify a batch and write its events down; what is refused is counted and put aside.

        Raises:
            FaultyInputError: ``batch_too_large``, ``batch_malformed``, ``batch_events``.
            RefusedError: ``batch_unsigned``, ``batch_foreign``, ``batch_clock``, ``batch_replayed``, ``batch_gap``,
                ``batch_order``, ``producer_unknown``, ``producer_revoked``.
            VerificationError: ``batch_signature``, ``batch_body``, ``provenance_tampered``.
            UnavailableError: it cannot be written; send it again.
        """
        found: UnverifiedBatch | None = None
        try:
            found = read_batch(data, max_body=self._settings.max_bytes, max_events=self._settings.max_events)
            producer = self._check_signed(found)
            self._check_times(found, producer, now_ns)
            return self._next(found, producer, now_ns)
        except (RefusedError, FaultyInputError) as fault:
            self._put_aside(data, found, fault, now_ns)
            raise

    def release(self, digest: str, quorum: QuorumOnce, proposal: str, by: str, now_ns: int) -> Landed:
        """Let a batch out of quarantine that enough people agreed to; the agreement is used up by it.

        Raises:
            RefusedError: ``batch_unknown``, ``batch_not_releasable``, ``batch_replayed``, ``producer_revoked``,
                ``approval_…``.
            FaultyInputError: ``batch_events``.
            UnavailableError: it cannot be asked or recorded who agreed.
        """
        why, data = self.quarantine.take(digest)
        if why.code in _FORGED or not why.batch:
            raise RefusedError("batch_not_releasable", "no known producer signed these events: nobody can let them in")
        found = read_batch(data, max_body=self._settings.max_bytes, max_events=self._settings.max_events)
        producer = self._check_signed(found)
        self._check_fresh(found)
        self._events(found)
        approved = quorum.use(self.deed(found, why.code), proposal, by)
        landed = self._land(found, producer, now_ns, approved.digest)
        self.quarantine.drop(digest)
        return landed

    def deed(self, batch: UnverifiedBatch, code: str) -> Deed:
        """Return what people agree to when they let ``batch`` in, which was refused with ``code``."""
        bound = {
            "code": code,
            "producer": batch.header.producer,
            "sequence": str(batch.header.sequence),
            "body": batch.header.body,
        }
        return Deed(self.tenant, RELEASE, batch.digest, bound)

    def refusals(self) -> dict[str, int]:
        """Return how many batches were refused, by code."""
        return self._store.refusals(self.tenant)

    def _check_signed(self, batch: UnverifiedBatch) -> Producer:  # 2
        header = batch.header
        producer = self._store.find(self.tenant, header.producer)
        if producer is None:
            raise RefusedError("producer_unknown", "no registered producer of this tenant has this name")
        if not batch.signed_by(producer.verifier):
            raise VerificationError("batch_signature", f"the batch is not signed by the key of `{producer.name}`")
        if header.tenant != self.tenant:
            raise RefusedError("batch_foreign", "the batch was signed for another tenant")
        if producer.revoked:
            raise RefusedError("producer_revoked", f"the producer `{producer.name}` was revoked")
        if not batch.whole:
            raise VerificationError("batch_body", "the events are not those that the header names")
        return producer

    def _check_times(self, batch: UnverifiedBatch, producer: Producer, now_ns: int) -> None:  # 3
        header, skew = batch.header, self._settings.skew_s * _NS
        if header.time_ns > now_ns + skew:
            raise RefusedError("batch_clock", "the batch was signed in the future: set the producer's clock")
        if header.time_ns < now_ns - self._settings.max_age_s * _NS:
            raise RefusedError("batch_clock", "the batch was signed too long ago: sign its events anew")
        if header.sequence > producer.sequence and header.time_ns < producer.head_ns:
            raise RefusedError("batch_clock", "the batch was signed before the one that it follows")

    def _next(self, batch: UnverifiedBatch, producer: Producer, now_ns: int) -> Landed:  # 4
        header = batch.header
        if header.sequence <= producer.sequence:
            unfinished = self._statements.find(self.tenant, batch.digest)
            if batch.digest != producer.head or unfinished is None or unfinished.landed:
                text = f"`{producer.name}` has sent its batch {header.sequence} before"
                raise RefusedError("batch_replayed", text)
            return self._write(batch, unfinished, self._events(batch), now_ns, again=True)
        if header.sequence > producer.sequence + 1:
            text = f"batch {producer.sequence + 1} of `{producer.name}` is missing before batch {header.sequence}"
            raise RefusedError("batch_gap", text)
        if header.previous != producer.head:
            raise RefusedError("batch_order", f"the batch does not follow the last one of `{producer.name}`")
        return self._land(batch, producer, now_ns, "")

    def _land(self, batch: UnverifiedBatch, producer: Producer, now_ns: int, released: str) -> Landed:
        events, header = self._events(batch), batch.header  # 5
        known = self._check_fresh(batch)
        rows = b"".join(row_digest(msgspec.json.encode(event)) for event in events)
        bare = Statement(self.tenant, batch.digest, header, batch.signature, rows, released=released)
        statement = self._statements.keep(bare, now_ns)
        if header.sequence > producer.sequence and not self._store.advance(
            producer, header.sequence, batch.digest, header.time_ns
        ):
            raise RefusedError("batch_order", f"another batch of `{producer.name}` was quicker")
        return self._write(batch, statement, events, now_ns, again=known is not None)

    def _check_fresh(self, batch: UnverifiedBatch) -> Statement | None:
        """Return the statement of a batch that was cut off before; one that landed is refused."""
        known = self._statements.find(self.tenant, batch.digest)
        if known is not None and known.landed:
            raise RefusedError("batch_replayed", f"`{batch.header.producer}` has sent this batch before")
        return known

    def _events(self, batch: UnverifiedBatch) -> list[AccessEvent]:
        """Return the events, all of them or none; none is later than the batch."""
        latest, found = batch.header.time_ns + self._settings.skew_s * _NS, []
        for outcome in read(FORMAT, [batch.body], self.tenant):
            if not isinstance(outcome, Accepted):
                text = f"line {outcome.line} of the batch is no event ({outcome.code}): the batch is refused whole"
                raise FaultyInputError("batch_events", text, str(outcome.line))
            if outcome.event.time_ns > latest:
                raise RefusedError("batch_clock", f"line {outcome.line} is later than the batch that brings it")
            found.append(self._enrich(outcome.event))
        if len(found) != batch.header.count:
            raise FaultyInputError("batch_events", f"the batch has {len(found)} events, its header says otherwise")
        return found

    def _write(
        self, batch: UnverifiedBatch, statement: Statement, events: list[AccessEvent], now_ns: int, *, again: bool
    ) -> Landed:  # 6
        with _locked(self._history):
            there = _rows_there(self._history, statement) if again and self._history.exists() else Counter()
            fresh = []
            for event, row in zip(events, statement.digests(), strict=True):
                if there[row] > 0:
                    there[row] -= 1  # it was written before the process died
                else:
                    fresh.append(event)
            eventfile.write(self._history, fresh, append=True)
            self._statements.keep(msgspec.structs.replace(statement, landed=True), now_ns)
        header = batch.header
        return Landed(batch.digest, header.producer, header.sequence, len(events), statement.released)

    def _put_aside(self, data: bytes, batch: UnverifiedBatch | None, fault: OstiaryError, now_ns: int) -> None:
        self._store.refused(self.tenant, fault.code)
        if fault.code in {"batch_too_large", "batch_replayed", "provenance_tampered"}:
            return  # too much to keep, or kept already where it was taken
        header = None if batch is None else batch.header
        self.quarantine.keep(
            data,
            fault,
            now_ns,
            producer=header.producer if header else "",
            sequence=header.sequence if header else 0,
            batch=batch.digest if batch else "",
        )


def _rows_there(history: Path, statement: Statement) -> Counter[bytes]:
    """Return how many of a statement's rows stand in the history: looked for only when a batch was cut off before."""
    wanted = set(statement.digests())
    with history.open("rb") as file:
        return Counter(row for line in file if (row := row_digest(line.rstrip(b"\n"))) in wanted)


@contextmanager
def _locked(history: Path) -> Iterator[None]:
    """Hold the history's lock: whoever appends to it rewrites it whole, and two at once would lose one's rows."""
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.with_suffix(".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
