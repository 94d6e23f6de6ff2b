"""Moves one stream on: from the log to its receiver, in order, numbered without a gap, at least once.

Rules:

- What a receiver does not take now is tried again, longer apart each time, for as long as it takes: nothing is lost
  meanwhile, because the log keeps it. Nothing overtakes.
- An event that a receiver refuses for good becomes a dead letter of the one outbox under its own number, which stays
  missing at the receiver until somebody sends it again. At most ``MAX_DEAD`` wait; then the stream waits, too.
- A turn ends after ``TURN_NS`` or ``TURN_EVENTS``. Streams have threads of their own.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from ostiary.audit.pending import StoredRecord
from ostiary.audit.ports import Head
from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.keys import sha256_hex
from ostiary.response import outbox
from ostiary.response.backoff import Backoff
from ostiary.response.ports import Card, Cards
from ostiary.response.streams.content import content_of, told_of
from ostiary.response.streams.cursor import Cursor, CursorBook
from ostiary.response.streams.event import HEADER, REFUSED, Receiver, StreamEvent
from ostiary.vocabulary.clock import Clock

MAX_DEAD: Final = 1_000
TURN_NS: Final = 5_000_000_000
TURN_EVENTS: Final = 5_000
BATCH_BYTES: Final = 1 << 20
OnFault = Callable[[str, BaseException], None]
Step = tuple[StreamEvent, Cursor]


class Log(Protocol):
    """What of the audit log a stream uses."""

    def iterate(self, tenant: str, kind: str | None = None, since_index: int = 0) -> Iterator[StoredRecord]:
        """Yield a tenant's records, oldest first."""
        ...

    def get(self, tenant: str, record_id: str) -> StoredRecord | None:
        """Return one record."""
        ...

    def head(self) -> Head:
        """Return where the log stands."""
        ...


class StreamPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one stream is to do; ``lease_s`` outlasts the longest delivery."""

    tenant: str
    name: str
    contents: tuple[str, ...]
    from_start: bool = False
    lease_s: float = 30.0


class Pump:
    """Moves one stream. It is a sink of the outbox for its own dead letters."""

    def __init__(
        self, plan: StreamPlan, receiver: Receiver, log: Log, cards: Cards, clock: Clock, on_fault: OnFault,
        backoff: Backoff | None = None,
    ) -> None:  # fmt: skip
        """Take what to tell, whom, and from where."""
        self.plan = plan
        self._receiver = receiver
        self._log = log
        self._cards = cards
        self._book = CursorBook(cards)
        self._clock = clock
        self._on_fault = on_fault
        self._backoff = backoff or Backoff()
        self._attempts = 0
        self._next_ns = 0

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self.plan.tenant

    @property
    def name(self) -> str:
        """Its name."""
        return self.plan.name

    def cursor(self) -> Cursor | None:
        """Return how far it came."""
        return self._book.read(self.tenant, self.name)

    def behind(self) -> int:
        """Return how many entries of the log it has not looked at."""
        cursor = self.cursor()
        return 0 if cursor is None else max(0, self._log.head().size - cursor.index)

    def turn(self) -> int:
        """Send what there is; return how many events arrived."""
        now = self._clock.now_ns()
        if now < self._next_ns <= now + int(self._backoff.cap_s * 1e9):
            return 0
        if self.cursor() is None:
            first = 0 if self.plan.from_start else self._log.head().size
            self._book.begin(self.tenant, self.name, Cursor(first, contents=self.plan.contents), now)
        card = self._book.hold(self.tenant, self.name, now, self._lease_ns)
        return 0 if card is None else self._work(card)

    def deliver(self, letter: outbox.Letter, now_ns: int) -> None:
        """Send one dead letter again, under its old number; called by the outbox."""
        source, record = letter.facts.get("source", ""), letter.facts.get("record", "")
        stored = self._log.get(self.tenant, record)
        if stored is None:
            raise RefusedError(REFUSED, "the record is not there any more")
        self._receiver.deliver([_event(stored, source, letter.sequence)], now_ns)

    @property
    def _lease_ns(self) -> int:
        return int(self.plan.lease_s * 1e9)

    def _work(self, card: Card) -> int:
        before = cursor = self._current(msgspec.json.decode(card.data, type=Cursor))
        fault: OstiaryError | None = None
        held: Card | None = card
        try:
            for events, after in self._batches(cursor):
                for reached in self._sent(events, after):
                    cursor = reached
                if events:  # the lease is renewed with what arrived
                    held = self._book.move(card, cursor, self._clock.now_ns() + self._lease_ns)
                    if held is None:
                        return cursor.sequence - before.sequence
                    card = held
        except OstiaryError as away:
            fault = away
        except Exception as broken:  # noqa: BLE001 - a broken receiver must not end the stream: told, and tried again
            fault = UnavailableError("stream_failed", type(broken).__name__)
        self._end(card, cursor, fault)
        return cursor.sequence - before.sequence

    def _end(self, card: Card, cursor: Cursor, fault: OstiaryError | None) -> None:
        now = self._clock.now_ns()
        if fault is None:
            self._attempts, self._next_ns = 0, 0
            cursor = msgspec.structs.replace(cursor, fault="", since_ns=0)
        else:
            self._attempts += 1
            self._next_ns = now + self._backoff.delay_ns(self._attempts)
            cursor = msgspec.structs.replace(cursor, fault=fault.code, since_ns=cursor.since_ns or now)
            self._on_fault("stream_not_delivered", fault)
        self._book.move(card, cursor)

    def _current(self, cursor: Cursor) -> Cursor:
        if cursor.contents == self.plan.contents:
            return cursor
        return Cursor(cursor.index, 0, cursor.stream + 1, self.plan.contents, previous=cursor.sequence)

    def _source(self, stream: int) -> str:
        origin = self._log.head().origin or "log"
        return f"urn:ostiary:{origin}:{self.tenant}:{self.name}:{stream}"

    def _batches(self, cursor: Cursor) -> Iterator[tuple[list[Step], Cursor]]:
        """Yield what to send next, each with where the stream stands when it arrived; and where it stands after all."""
        until, source = self._clock.now_ns() + TURN_NS, self._source(cursor.stream)
        events, weight, begun = list[Step](), 0, cursor.sequence
        if cursor.sequence == 0:
            header = self._header(cursor, source)
            cursor = msgspec.structs.replace(cursor, sequence=1)
            events.append((header, cursor))
        for stored in self._log.iterate(self.tenant, self._only_kind(), cursor.index):
            cursor = msgspec.structs.replace(cursor, index=stored.index + 1)
            if content_of(stored.kind) in self.plan.contents:
                cursor = msgspec.structs.replace(cursor, sequence=cursor.sequence + 1)
                events.append((_event(stored, source, cursor.sequence), cursor))
                weight += len(stored.payload or b"")
            if len(events) >= self._receiver.batch or weight >= BATCH_BYTES:
                yield events, cursor
                events, weight = [], 0
            if cursor.sequence - begun >= TURN_EVENTS or self._clock.now_ns() > until:
                break
        yield events, cursor

    def _only_kind(self) -> str | None:
        return "decision" if self.plan.contents == ("decisions",) else None

    def _header(self, cursor: Cursor, source: str) -> StreamEvent:
        data: dict[str, object] = {"tenant": self.tenant, "stream": cursor.stream, "contents": list(cursor.contents)}
        if cursor.stream > 1:
            data |= {"previous_source": self._source(cursor.stream - 1), "previous_sequence": cursor.previous}
        name = f"stream-{cursor.stream}"
        return StreamEvent(name, source, 1, HEADER, self._clock.now_ns(), data)

    def _sent(self, steps: Sequence[Step], after: Cursor) -> Iterator[Cursor]:
        """Send them, and yield where the stream stands: together, or one by one when one of them is refused."""
        try:
            if steps:
                self._receiver.deliver([event for event, _ in steps], self._clock.now_ns())
        except RefusedError as no:
            if no.code != REFUSED:
                raise
        else:
            yield after
            return
        for event, reached in steps:
            self._send_or_bury(event)
            yield reached
        yield after

    def _send_or_bury(self, event: StreamEvent) -> None:
        try:
            self._receiver.deliver([event], self._clock.now_ns())
        except RefusedError as no:
            if no.code != REFUSED:
                raise
            self._bury(event, no)

    def _bury(self, event: StreamEvent, no: RefusedError) -> None:
        if self._cards.waiting(self.tenant, outbox.DRAWER, self.name, (outbox.DEAD,)) >= MAX_DEAD:
            raise UnavailableError("dead_letters_full", f"{MAX_DEAD} dead letters of this stream wait for somebody")
        name = sha256_hex(msgspec.json.encode((self.tenant, self.name, event.source, event.event_id)))[:32]
        facts = {"source": event.source, "record": event.event_id}
        letter = outbox.Letter(
            "ltr_" + name, self.tenant, self.name, event.type, no.message, facts, event.time_ns, event.sequence,
            attempts=1, fault=no.code,
        )  # fmt: skip
        data, now = msgspec.json.encode(letter), self._clock.now_ns()
        self._cards.add_free(
            [Card(self.tenant, outbox.DRAWER, name, outbox.DEAD, data, self.name, made_ns=now, number=event.sequence)]
        )
        self._on_fault("letter_dead", no)


def _event(stored: StoredRecord, source: str, sequence: int) -> StreamEvent:
    kind, data = told_of(stored)
    return StreamEvent(stored.record_id, source, sequence, kind, stored.time_ns, data, stored.payload or b"")
