"""How much a profile may learn: only what was permitted and quiet, and no more a day than a share of what it knows.

A profile is a heap of lessons. Whoever wants it to say something else has to put lessons on it, and this counts them:
with ``n`` lessons behind it, a profile takes ``max(least, share * n)`` on a day at most. Of its lessons after ``d``
further days no more than ``1 - 1/(1 + share)^d`` are new, so no habit's share moves by more than that either
(``Lessons.days_to``), however the days are used.

Rules:
- The first ``free`` lessons are not counted against a day: a new subject has to become known first.
- What was refused, failed or held back (a risk that is not low, a session or a drift that alarms) teaches nothing.
- A day is one of the calendar in UTC, by the event's own time; days that went by unused are not saved up.
- Bounded: ``most`` subjects; the least recently taught goes, and is taken for one with ``free`` lessons if it returns.
- Refused lessons are still counted where rates are counted: not learning is not the same as not seeing.

>>> from ostiary.vocabulary.events import AccessEvent, EventOutcome
>>> gate = LessonGate(Lessons(free=2, share=0.5, least=1))
>>> events = [AccessEvent(str(n), "t", 0, "ann", "read", "t", "r", outcome=EventOutcome.SUCCESS) for n in range(4)]
>>> [gate.may_learn(event) for event in events]
[True, True, True, False]
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from math import log
from typing import Final

import msgspec

from ostiary.vocabulary.events import AccessEvent, EventOutcome

MOST_SUBJECTS: Final = 100_000
_DAY_NS: Final = 86_400 * 10**9
_REFUSED: Final = (EventOutcome.DENIED, EventOutcome.FAILURE)


class Lessons(msgspec.Struct, frozen=True):
    """How much may be learned.

    Attributes:
        free: lessons of a new subject that no day limits.
        share: of what it knows that a profile may learn on a day.
        least: lessons a day at least.
        full: lessons beyond which a profile counts as no larger: old habits fade.
    """

    free: int = 500
    share: float = 0.05
    least: int = 5
    full: int = 5_000

    def a_day(self, known: int) -> int:
        """Return how many lessons a profile with ``known`` of them takes on one day."""
        return max(self.least, int(self.share * min(known, self.full)))

    def days_to(self, shift: float) -> float:
        """Return the fewest days in which a share of habits can move by ``shift`` (0 to 1), once known well.

        >>> round(Lessons().days_to(0.5), 1)
        14.2
        """
        return -log(1.0 - shift) / log(1.0 + self.share)


class Taught(msgspec.Struct):
    """What one subject's profile has learned: lessons before the day, the day, lessons on it."""

    before: int = 0
    day: int = -1
    today: int = 0


class LessonGate:
    """A ``LearningGate`` of one tenant. Safe for threads."""

    def __init__(
        self,
        lessons: Lessons | None = None,
        held: Callable[[str], bool] = lambda _subject: False,
        most: int = MOST_SUBJECTS,
    ) -> None:
        """Take how much may be learned, and who tells that a subject (``type:id``) teaches nothing for now."""
        self._lessons = lessons or Lessons()
        self._held = held
        self._most = max(1, most)
        self._lock = threading.Lock()
        self._taught: OrderedDict[str, Taught] = OrderedDict()
        self._forgot = False

    def begin_known(self) -> None:
        """Take subjects that are not remembered for known ones from now on: profiles came back from a snapshot."""
        self._forgot = True

    def may_learn(self, event: AccessEvent) -> bool:
        """Return whether ``event`` may become a habit, and count it if it may."""
        subject = f"{event.subject_type}:{event.subject_id}"
        if event.outcome in _REFUSED or self._held(subject):
            return False
        with self._lock:
            return self._count(subject, event.time_ns // _DAY_NS)

    def _count(self, subject: str, day: int) -> bool:
        found = self._taught.get(subject)
        if found is None:
            found = self._taught[subject] = Taught(self._lessons.free if self._forgot else 0, day)
            if len(self._taught) > self._most:
                self._taught.popitem(last=False)
                self._forgot = True
        self._taught.move_to_end(subject)
        if day > found.day:  # an event of a day that is over counts on the one that goes on
            found.before, found.day, found.today = found.before + found.today, day, 0
        left = self._lessons.free - found.before
        if found.today >= max(left, 0) + self._lessons.a_day(max(found.before, self._lessons.free)):
            return False
        found.today += 1
        return True

    def known(self, subject: str) -> int:
        """Return how many lessons a subject's profile has had."""
        with self._lock:
            found = self._taught.get(subject)
            return 0 if found is None else found.before + found.today
