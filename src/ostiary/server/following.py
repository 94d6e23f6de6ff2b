"""What the other replicas decided, learned from the log: each record once, wherever it was decided.

- A replica learns its own decisions at once and the others' when it reads them in the log, a few times a second. What
  one replica knows of somebody, every replica knows a moment later, and a restart knows the same.
- A decision of ours comes twice, by itself and in the log; whichever comes first is learned, the other is passed over.
  Once its page of the log was taken in it is not kept in mind any more: each record is read there once.
- Order: a replica's own decisions come before others' of the same moment. Profiles of two replicas can so differ by
  what happened within one turn; both have learned the same records.
- Whoever was erased at one replica is forgotten at all: the record of an erasure names nobody, but the entries that it
  emptied still bear the tag of their subject, and each replica finds whom it knows by that tag.
- ``saving`` stands still: what is saved then has learned all records before its index, and none after.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.audit.erasure import read_erasure
from ostiary.audit.subjects import ERASED
from ostiary.decision.parts import Decided
from ostiary.server.wiring import House
from ostiary.vocabulary.verdicts import DecisionRecord

TURN_S: Final = 0.25
ADMIN: Final = "admin"
_REMEMBERED: Final = 65_536
_PAGE: Final = 512
_decode: Final = msgspec.json.Decoder(DecisionRecord).decode


class Follower:
    """Learns every decision once; safe for several threads."""

    def __init__(
        self,
        log: AuditLog,
        learn: Callable[[Decided], None],
        on_fault: Callable[[str, BaseException], None],
        start: int = 0,
        others: Callable[[Decided], None] = lambda _decided: None,
        on_erased: Callable[[str, bytes], None] = lambda _tenant, _tag: None,
    ) -> None:
        """Read ``log`` from the index ``start`` on; hand each decision to ``learn``, another's to ``others`` too.

        ``on_erased`` hears the tenant and the tag of each subject that was erased.
        """
        self._others, self._on_erased = others, on_erased
        self._log, self._learn, self._on_fault = log, learn, on_fault
        self._next = start
        self._ours: OrderedDict[str, None] = OrderedDict()  # learned by themselves, not read in the log yet
        self._read: OrderedDict[str, None] = OrderedDict()  # read in the log: others', and ours that came before us
        self._lock = threading.RLock()
        self.followed = 0

    @property
    def behind(self) -> int:
        """How many records of the log were not looked at yet."""
        return max(0, self._log.head().size - self._next)

    def own(self, decided: Decided) -> None:
        """Learn a decision of this replica, unless it was read in the log already."""
        with self._lock:
            name = decided.record.receipt.decision_id
            if name not in self._read and _is_new(self._ours, name):
                self._learn(decided)

    def catch_up(self) -> int:
        """Learn what others decided; return how many decisions that were."""
        with self._lock:
            before, end = self.followed, self._log.head().size
            while self._next < end:
                until, ours = min(end, self._next + _PAGE), list[str]()
                for stored in self._log.between(self._next, until, partial(self._is_wanted, ours)):
                    act = self._forget if stored.kind == ADMIN else self._take_in
                    act(stored.record_id, stored.payload)
                self._next = until
                for name in ours:  # not before: a page that broke off is read again
                    self._ours.pop(name, None)
            return self.followed - before

    @contextmanager
    def saving(self) -> Iterator[int]:
        """Learn nothing meanwhile; give the first index of the log that was not learned."""
        with self._lock:
            self.catch_up()
            yield self._next

    def _take_in(self, record_id: str, payload: bytes | None) -> None:
        """Learn one record; one that cannot be read teaches nothing and stops nobody."""
        _is_new(self._read, record_id)
        self.followed += 1
        if payload is None:  # erased
            return
        try:
            record = _decode(payload)
            decided = Decided(record, {}, _DONE, record.event)
            if record.event is not None:
                self._learn(decided)
            self._others(decided)
        except Exception as fault:  # noqa: BLE001 - told; the others are learned
            self._on_fault("decision_not_followed", fault)

    def _forget(self, _record_id: str, payload: bytes | None) -> None:
        """Tell of whoever was erased."""
        told = read_erasure(payload)
        if told is None or told.action != ERASED:
            return
        rows = (row for start, end in told.erased for row in self._log.store.rows(start, end))
        for tenant, tag in dict.fromkeys((row.tenant, row.tag) for row in rows if row.tag):
            try:
                self._on_erased(tenant, tag)
            except Exception as fault:  # noqa: BLE001 - told; the records after it are learned
                self._on_fault("subject_not_forgotten", fault)

    def _is_wanted(self, ours: list[str], kind: str, record_id: str) -> bool:
        """Return whether a record is to be opened; note in ``ours`` those that were learned by themselves."""
        if kind == "decision" and record_id in self._ours:
            ours.append(record_id)
            return False
        return kind == ADMIN or (kind == "decision" and record_id not in self._read)


def _is_new(known: OrderedDict[str, None], name: str) -> bool:
    if name in known:
        return False
    known[name] = None
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
    return True


def follower_of(
    house: House,
    learn: Callable[[Decided], None],
    others: Callable[[Decided], None],
    on_fault: Callable[[str, BaseException], None],
) -> Follower:
    """Return what follows the log of ``house`` and forgets whom another replica erased."""

    def forget(tenant: str, tag: bytes) -> None:
        vault = house.log.vault
        vault.drop_cache()  # the key that another replica destroyed
        book = house.knowledge.book(tenant)
        for name in [name for name in book.names() if vault.tag(tenant, name) == tag]:
            kind, _, subject = name.partition(":")
            book.forget(kind, subject)
            house.drift.forget(tenant, name)

    return Follower(house.log, learn, on_fault, house.knowledge.next_index, others, forget)


def _done() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(None)
    return future


_DONE: Final = _done()
