"""The sessions so far of many subjects, beside their trails: bounded, forgettable, and the same live or replayed.

Rules:
- A session ends after twelve hours unseen; accesses without a session's name make one until half an hour passes.
- A subject has at most ``MOST_SESSIONS``. The one that goes is the quietest: a thief cannot wash a session by opening
  others.
- The least recently seen subject goes past ``most`` subjects, or past ``most_live`` sessions of all.
"""

from collections import OrderedDict
from collections.abc import Iterable
from math import log1p, sqrt
from typing import Final

import msgspec

from ostiary.risk.look import Known
from ostiary.risk.session_columns import FACETS
from ostiary.risk.session_state import SoFar, row_of
from ostiary.risk.trail import MAX_SUBJECTS, SITTING_S
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent

MOST_SESSIONS: Final = 16
UNSEEN_S: Final = 43_200
MOST_LIVE: Final = 50_000

_SLOWEST: Final = 0.03
_LEAST_DEVIATION: Final = 0.3
_LEAST_SESSIONS: Final = 5
_UNUSUAL: Final = (float("nan"), 1.0)


class Sessions(msgspec.Struct, array_like=True):
    """The sessions of one subject, by name, and how much a session of it usually weighs."""

    live: dict[str, SoFar] = msgspec.field(default_factory=dict)
    ended: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def usual(self) -> tuple[float, float]:
        """Return mean and deviation of ``ln(1 + weight)``; NaN while there are few."""
        if self.ended < _LEAST_SESSIONS:
            return _UNUSUAL
        return self.mean, sqrt(self.variance) + _LEAST_DEVIATION

    def end(self, name: str) -> None:
        """Let a session that is over join the subject's own scale."""
        away = log1p(self.live.pop(name).weight) - self.mean
        self.ended += 1
        share = max(1.0 / self.ended, _SLOWEST)
        self.mean += share * away
        self.variance = (1.0 - share) * (self.variance + share * away * away)

    def session(self, name: str, now: int) -> SoFar:
        """Return the session called ``name``; the old ones end when a new one begins."""
        found = self.live.get(name)
        if found is not None and now - found.seen <= _rest(name):
            return found
        for other in [key for key, one in self.live.items() if now - one.seen > _rest(key)]:
            self.end(other)
        if len(self.live) >= MOST_SESSIONS:
            self.end(min(self.live, key=lambda key: (self.live[key].risk_worst, self.live[key].seen)))
        found = self.live[name] = SoFar(now, now)
        return found

    def sound(self) -> bool:
        """Return whether what was read from a snapshot holds together."""
        return (
            len(self.live) <= MOST_SESSIONS
            and self.variance >= 0
            and all(
                len(part) == len(FACETS)
                for one in self.live.values()
                for part in (one.first, one.last, one.known, one.changes)
            )
        )


def _rest(name: str) -> int:
    return UNSEEN_S if name else SITTING_S


class SessionsSoFar:
    """Sessions of many subjects. Not safe for threads."""

    def __init__(self, most: int = MAX_SUBJECTS, most_live: int = MOST_LIVE) -> None:
        """Begin with none; ``most`` subjects and ``most_live`` sessions are kept."""
        self._most, self._most_live = max(1, most), max(MOST_SESSIONS, most_live)
        self._live = 0
        self._subjects: OrderedDict[str, Sessions] = OrderedDict()

    def __len__(self) -> int:
        """Return how many subjects have sessions."""
        return len(self._subjects)

    def observe(self, event: AccessEvent, history: Known, llr: float) -> list[float]:
        """Take in an access whose own risk is ``llr``, and return the row of its session with this access in it."""
        state, usual = self.learn(event, history, llr)
        return row_of(state, usual)

    def learn(self, event: AccessEvent, history: Known, llr: float) -> tuple[SoFar, tuple[float, float]]:
        """Take in an access; return its session and what is usual for the subject."""
        subject = subject_key(event)
        sessions = self._subjects.get(subject)
        if sessions is None:
            sessions = self._subjects[subject] = Sessions()
        self._subjects.move_to_end(subject)
        before = len(sessions.live)
        state = sessions.session(event.session_id or "", history.moment.now)
        self._live += len(sessions.live) - before
        while len(self._subjects) > self._most or self._live > self._most_live:
            self.forget(next(iter(self._subjects)))
        state.learn(event, history, llr)
        return state, sessions.usual()

    def forget(self, subject: str) -> None:
        """Drop one subject's sessions."""
        gone = self._subjects.pop(subject, None)
        self._live -= len(gone.live) if gone else 0

    def kept(self, most: int) -> list[tuple[str, Sessions]]:
        """Return the ``most`` subjects seen last, oldest first."""
        return list(self._subjects.items())[-most:]

    def take(self, kept: Iterable[tuple[str, Sessions]]) -> None:
        """Begin anew with what was kept."""
        self._subjects = OrderedDict(kept)
        self._live = sum(len(sessions.live) for sessions in self._subjects.values())
