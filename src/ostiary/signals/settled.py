"""Habits that have settled: what somebody did within the last days cannot make what they do now look like a habit.

Who holds an account may add accesses that look like its owner's, before and among what he came for. A profile that
learns at once is talked round by them; this book is not. It is two profile books: one counts what happens as it
happens, the other learns the same accesses ``days`` later.

Rules:
- Habits, peers, surprise, ages, baselines: all of them come from the late book, so no access younger than ``days``
  changes any of them by a single bit.
- What is counted of the last minutes to days, and the session so far, come from the book that is up to date. Accesses
  can only be added to such counts; what they can lower all the same is named in ``padding`` and looked at by no
  hardened model.
- What was held back meanwhile (``drop``: an alarm, a confirmed takeover) is never learned late.
- Bounded: ``most_held`` lessons a subject wait. What finds no room is never learned late: forgetting is the safe side.
- Lessons that wait are lost with the process. A habit is then learned when it is shown again.

>>> from ostiary.vocabulary.events import AccessEvent
>>> day = 86_400 * 10**9
>>> book = SettledBook("default", days=14)
>>> at = lambda number: AccessEvent(str(number), "default", number * day, "ann", "read", "database", "payments")
>>> book.learn(at(1)), book.view(at(2)).known, book.view(at(20)).known
(True, False, True)
"""

from collections import Counter, deque
from threading import RLock
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.book import ProfileBook
from ostiary.signals.history import History
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.unreadable import UNREADABLE

DAYS: Final = 14.0
MOST_HELD: Final = 5_000
_DAY_NS: Final = 86_400 * 10**9


class _Both(msgspec.Struct, array_like=True, frozen=True):
    days: float
    lately: bytes
    late: bytes


class SettledBook:
    """The profile book of one tenant, with habits that are ``days`` old at least. Safe for threads."""

    def __init__(
        self,
        tenant: str,
        days: float = DAYS,
        most_held: int = MOST_HELD,
        *,
        lately: ProfileBook | None = None,
        late: ProfileBook | None = None,
    ) -> None:
        """Open an empty book.

        Args:
            tenant: whose subjects they are.
            days: how old a lesson must be before it is learned.
            most_held: lessons of a subject that wait.
            lately: the book that is up to date.
            late: the book that learns late.
        """
        self.tenant = tenant
        self.days = days
        self._delay_ns = int(days * _DAY_NS)
        self._most = max(1, most_held)
        self._lately = lately if lately is not None else ProfileBook(tenant)
        self._late = late if late is not None else ProfileBook(tenant)
        self._waiting: deque[AccessEvent] = deque()
        self._held: Counter[str] = Counter()
        self._lock = RLock()

    def __len__(self) -> int:
        """Return how many subjects are known by what they did lately."""
        return len(self._lately)

    def view(self, event: AccessEvent) -> History:
        """Return what is known before ``event``, frozen: settled habits, and what was counted lately."""
        with self._lock:
            self._settle(event.time_ns)
            habits, lately = self._late.view(event), self._lately.view(event)
        return msgspec.structs.replace(
            habits, windows=lately.windows, session=lately.session, live_sessions=lately.live_sessions
        )

    def learn(self, event: AccessEvent, *, teaches: bool = True) -> bool:
        """Count ``event`` now and let it wait to become a habit; return whether it may become one."""
        with self._lock:
            self._settle(event.time_ns)
            key = subject_key(event)
            if not self._lately.learn(event, teaches=teaches) or self._held[key] >= self._most:
                return False
            self._held[key] += 1
            self._waiting.append(event)
            return True

    def drop(self, subject_type: str, subject_id: str, since_ns: int) -> int:
        """Let nothing that a subject did from ``since_ns`` on become a habit; return how many lessons that were."""
        key = f"{subject_type}:{subject_id}"
        with self._lock:
            before = len(self._waiting)
            kept = [one for one in self._waiting if subject_key(one) != key or one.time_ns < since_ns]
            self._waiting = deque(kept)
            self._held[key] -= before - len(kept)
            return before - len(kept)

    def forget(self, subject_type: str, subject_id: str) -> bool:
        """Erase one subject from both books, and its lessons that wait; return whether there was one."""
        with self._lock:
            self.drop(subject_type, subject_id, 0)
            del self._held[f"{subject_type}:{subject_id}"]
            there = [book.forget(subject_type, subject_id) for book in (self._lately, self._late)]
            return any(there)

    def names(self) -> list[str]:
        """Return whom it has in memory, as ``type:id``."""
        waiting = [subject_key(one) for one in list(self._waiting)]
        return list(dict.fromkeys((*self._lately.names(), *self._late.names(), *waiting)))

    def snapshot(self, *, ends_epoch: bool = True) -> bytes:
        """Return both books as bytes; lessons that wait are not in it."""
        with self._lock:
            return msgspec.msgpack.encode(
                _Both(self.days, self._lately.snapshot(ends_epoch=ends_epoch), self._late.snapshot())
            )

    def settle(self) -> None:
        """Say that the last snapshot is safe."""
        self._lately.settle()

    def restore(self, data: bytes) -> None:
        """Replace both books by a snapshot.

        Raises:
            FaultyInputError: ``profiles_malformed``, ``profiles_version`` or ``profiles_wrong_tenant``.
        """
        try:
            both = msgspec.msgpack.decode(data, type=_Both)
        except UNREADABLE as fault:
            raise FaultyInputError("profiles_malformed", "the settled profiles cannot be read") from fault
        if both.days != self.days:
            raise FaultyInputError("profiles_version", f"the profiles settled after {both.days:g} days")
        with self._lock:
            self._waiting.clear()
            self._held.clear()
            self._lately.restore(both.lately)
            self._late.restore(both.late)

    def _settle(self, now_ns: int) -> None:
        """Let lessons that are old enough become habits."""
        while self._waiting and self._waiting[0].time_ns <= now_ns - self._delay_ns:
            event = self._waiting.popleft()
            self._held[subject_key(event)] -= 1
            self._late.learn(event)


Book = ProfileBook | SettledBook


def book_of(tenant: str, settled_days: float = 0.0) -> Book:
    """Return an empty book: one that learns at once, or one whose habits are ``settled_days`` old at least."""
    return SettledBook(tenant, settled_days) if settled_days > 0 else ProfileBook(tenant)
