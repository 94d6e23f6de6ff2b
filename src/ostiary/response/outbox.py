"""The outbox: what is told to the outside, in order, numbered without a gap, at least once.

Rules:

- A letter is durable before anything is sent, and has the next number of its tenant's sink; the same key is one letter.
- Letters of one sink leave in their order: one that cannot be delivered holds the others back, so that a receiver who
  counts sees no letter overtaken.
- What is unavailable is tried again, longer apart each time; after ``MAX_ATTEMPTS``, or when the receiver refuses it
  for good, it is a **dead letter**: kept, shown, and sent again only when an administrator says so. Its number stays
  missing at the receiver: that is how he knows.
- At most ``MAX_WAITING`` letters wait for one sink; then the step that wants to tell is tried again later.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.keys import sha256_hex
from ostiary.response.backoff import Backoff
from ostiary.response.ports import NEVER, Card, Cards
from ostiary.vocabulary.clock import Clock

DRAWER: Final = "letter"
WAITING: Final = "waiting"
SENT: Final = "sent"
DEAD: Final = "dead"
MAX_ATTEMPTS: Final = 12
MAX_WAITING: Final = 10_000
MAX_BYTES: Final = 64 << 10
BATCH: Final = 256
TURN_NS: Final = 5_000_000_000


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message to one sink.

    Attributes:
        letter_id: the same however often it is sent.
        sequence: its number within tenant and sink, from 1 on, without a gap.
        kind: what it is about, such as ``credential-compromise``.
        facts: plain values; texts from outside were made harmless when they came in.
    """

    letter_id: str
    tenant: str
    sink: str
    kind: str
    text: str
    facts: dict[str, str]
    time_ns: int
    sequence: int = 0
    attempts: int = 0
    fault: str = ""


class Sink(Protocol):
    """Somebody outside who is told."""

    @property
    def tenant(self) -> str:
        """Whose it is."""
        ...

    @property
    def name(self) -> str:
        """Its name, unique within the tenant."""
        ...

    def deliver(self, letter: Letter, now_ns: int) -> None:
        """Send one letter; returning means that it arrived.

        Raises:
            UnavailableError: try again later.
            RefusedError: it will never be taken.
        """
        ...


class _Gone:
    """Stands for a sink that is not configured any more: its letters wait for it, and then die."""

    tenant = name = ""

    def deliver(self, letter: Letter, now_ns: int) -> None:
        del now_ns
        raise UnavailableError("sink_unknown", f"the sink `{letter.sink}` is not configured any more")


class Outbox:
    """Letters over a store of cards."""

    def __init__(
        self,
        cards: Cards,
        sinks: Iterable[Sink],
        clock: Clock,
        on_fault: Callable[[str, BaseException], None],
        backoff: Backoff | None = None,
        streams: Iterable[Sink] = (),
    ) -> None:
        """Take where letters are kept and who may be told; ``streams`` only get back dead letters of their own."""
        self._cards = cards
        self._streams = {(one.tenant, one.name): one for one in streams}
        self._sinks = {(sink.tenant, sink.name): sink for sink in sinks}
        self._clock = clock
        self._on_fault = on_fault
        self._backoff = backoff or Backoff()

    def names(self, tenant: str) -> list[str]:
        """Return the names of a tenant's sinks."""
        return [name for owner, name in self._sinks if owner == tenant]

    def post(self, letter: Letter, key: str) -> Letter:
        """Put one letter in; the same ``key`` is one letter. Return it with its number.

        Raises:
            RefusedError: ``sink_unknown``.
            UnavailableError: ``outbox_full``.
        """
        if (letter.tenant, letter.sink) not in self._sinks:
            raise RefusedError("sink_unknown", f"there is no sink `{letter.sink[:80]}`")
        name = sha256_hex(msgspec.json.encode((letter.tenant, letter.sink, key)))[:32]
        known = self._cards.find(letter.tenant, DRAWER, name)
        if known is not None:
            return _letter(known)
        if self._cards.waiting(letter.tenant, DRAWER, letter.sink, (WAITING,)) >= MAX_WAITING:
            raise UnavailableError("outbox_full", "too many letters wait for this sink")
        letter = msgspec.structs.replace(letter, letter_id="ltr_" + name)
        if len(msgspec.json.encode(letter)) > MAX_BYTES:
            raise FaultyInputError("letter_too_large", f"a letter has at most {MAX_BYTES >> 10} KiB")
        return _letter(self._cards.add_numbered(self._card(letter, name)))

    def deliver(self) -> int:
        """Send what is due, each sink in its order; return how many letters left.

        Every sink is asked for: behind a dead one lie so many letters that are due that no other's would be seen.
        """
        due = self._cards.due(DRAWER, (WAITING,), self._clock.now_ns(), BATCH)
        places = dict.fromkeys((*self._sinks, *((card.tenant, card.topic) for card in due)))
        return sum(self._empty(tenant, sink) for tenant, sink in places)

    def waiting(self, tenant: str, sink: str) -> int:
        """Return how many letters wait for a sink."""
        return self._cards.waiting(tenant, DRAWER, sink, (WAITING,))

    def dead(self, tenant: str) -> list[Letter]:
        """Return the letters that were given up, newest first."""
        return [_letter(card) for card in self._cards.listed(tenant, DRAWER, (DEAD,), 500)]

    def again(self, tenant: str, letter_id: str) -> Letter:
        """Send a dead letter again, under its old number.

        Raises:
            RefusedError: ``letter_unknown``.
        """
        card = self._cards.find(tenant, DRAWER, letter_id.removeprefix("ltr_"))
        if card is None or card.state != DEAD:
            raise RefusedError("letter_unknown", "there is no such dead letter")
        letter = msgspec.structs.replace(_letter(card), attempts=0, fault="")
        self._move(card, letter, WAITING, self._clock.now_ns())
        return letter

    def count(self, state: str) -> int:
        """Return how many letters of all tenants are waiting, or dead."""
        return self._cards.count(DRAWER, (state,))

    def prune(self, before_ns: int) -> int:
        """Forget letters that arrived, or died, longer ago."""
        return self._cards.prune(DRAWER, (SENT, DEAD), before_ns)

    def _empty(self, tenant: str, sink: str) -> int:
        """Send one sink's letters in their order, until one must wait."""
        sent, until = 0, self._clock.now_ns() + TURN_NS  # a slow sink must not keep the others waiting
        for card in self._cards.about(tenant, DRAWER, sink, WAITING, BATCH):
            if card.due_ns > self._clock.now_ns() or not self._settled(card):
                break
            sent += 1
            if self._clock.now_ns() > until:
                break
        return sent

    def _settled(self, card: Card) -> bool:
        """Send one letter; return whether the next one may go: this one arrived, or is dead."""
        letter, sink = _letter(card), self._told(card.tenant, card.topic)
        tried = msgspec.structs.replace(letter, attempts=letter.attempts + 1, fault="")
        try:
            sink.deliver(letter, self._clock.now_ns())
        except UnavailableError as away:
            return self._failed(card, tried, away, final=tried.attempts >= MAX_ATTEMPTS)
        except OstiaryError as no:
            return self._failed(card, tried, no, final=True)
        except Exception as fault:  # noqa: BLE001 - a broken sink must not keep the others from being told
            return self._failed(card, tried, fault, final=tried.attempts >= MAX_ATTEMPTS)
        self._move(card, tried, SENT, NEVER)
        return True

    def _told(self, tenant: str, name: str) -> Sink:
        place = (tenant, name)
        return self._sinks.get(place) or self._streams.get(place) or _Gone()

    def _failed(self, card: Card, letter: Letter, fault: BaseException, *, final: bool) -> bool:
        letter = msgspec.structs.replace(letter, fault=str(getattr(fault, "code", "internal_error")))
        due = NEVER if final else self._clock.now_ns() + self._backoff.delay_ns(letter.attempts)
        self._move(card, letter, DEAD if final else WAITING, due)
        if final:
            self._on_fault("letter_dead", fault)
        return final  # a dead letter holds nobody back

    def _move(self, card: Card, letter: Letter, state: str, due_ns: int) -> None:
        data = msgspec.json.encode(letter)
        self._cards.replace(card, msgspec.structs.replace(card, data=data, state=state, due_ns=due_ns))

    def _card(self, letter: Letter, name: str) -> Card:
        now = self._clock.now_ns()
        data = msgspec.json.encode(letter)
        subject = letter.facts.get("subject", "")
        return Card(letter.tenant, DRAWER, name, WAITING, data, letter.sink, subject, due_ns=now, made_ns=now)


def _letter(card: Card) -> Letter:
    return msgspec.structs.replace(msgspec.json.decode(card.data, type=Letter), sequence=card.number)
