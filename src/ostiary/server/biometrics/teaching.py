"""What teaches an enrolled person's template: windows of sessions that were proven after them, and nothing else.

- A window that was judged is held in memory, as its embedding, until its session is proven by a passkey; held for an
  hour at most, of bounded number, and lost with the process.
- What may be learned then, how far, and when there is an alarm is ``biometrics.updating``'s to say.
- A session that ends badly takes back what of it still waits. Each change is a version, signed and in the log.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec

from ostiary.biometrics.liveness import Verdict
from ostiary.biometrics.model import Model
from ostiary.biometrics.updating import Moment, State, Whose, ended, offered, settled
from ostiary.biometrics.window import Floats, Modality
from ostiary.server.biometrics.people import People, Person

HELD_NS: Final = 3600 * 1_000_000_000
MOST_SESSIONS: Final = 20_000
MOST_WINDOWS: Final = 64


class Held(msgspec.Struct, frozen=True):
    """One window that waits for a proof."""

    modality: Modality
    row: Floats
    live: Verdict
    began_ns: int


class Ready(msgspec.Struct, frozen=True):
    """Windows of one session that can be worked on: because it was proven, or ended badly."""

    tenant: str
    session: str
    subject: str
    proven_ns: int
    bad: bool
    windows: list[Held]


class _Session:
    def __init__(self, subject: str) -> None:
        self.subject, self.held = subject, list[Held]()
        self.proven_ns = 0
        self.bad = False


class Waiting:
    """Windows that wait for a proof of their session; safe for threads."""

    def __init__(self) -> None:
        """Hold none."""
        self._lock = threading.Lock()
        self._sessions: OrderedDict[tuple[str, str], _Session] = OrderedDict()

    def hold(self, tenant: str, session: str, subject: str, one: Held) -> None:
        """Hold one window; the oldest go."""
        with self._lock:
            kept = self._sessions.pop((tenant, session), None)
            if kept is None or kept.subject != subject:
                kept = _Session(subject)
            fresh = [old for old in kept.held if one.began_ns - old.began_ns <= HELD_NS]
            kept.held = [*fresh, one][-MOST_WINDOWS:]
            self._sessions[tenant, session] = kept
            if len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)

    def proven(self, tenant: str, session: str, at_ns: int) -> None:
        """Note that a session was proven."""
        with self._lock:
            kept = self._sessions.get((tenant, session))
            if kept is not None:
                kept.proven_ns = max(kept.proven_ns, at_ns)

    def over(self, tenant: str, session: str, subject: str, *, well: bool) -> None:
        """Note that a session is over; what of it waits in quarantine is taken back when it ended badly."""
        with self._lock:
            kept = self._sessions.pop((tenant, session), None)
            if not well and (kept is not None or subject):
                kept = kept or _Session(subject)
                kept.held, kept.bad = [], True
                self._sessions[tenant, session] = kept

    def all_over(self, tenant: str, subject: str) -> None:
        """Note that all sessions of a subject ended badly."""
        with self._lock:
            names = [name for name, kept in self._sessions.items() if name[0] == tenant and kept.subject == subject]
        for _, session in names:
            self.over(tenant, session, subject, well=False)

    def ready(self) -> list["Ready"]:
        """Return what can be worked on now, and hold it no longer."""
        with self._lock:
            found: list[Ready] = []
            for (tenant, session), kept in list(self._sessions.items()):
                if not kept.bad and not kept.proven_ns:
                    continue
                due = [one for one in kept.held if kept.bad or one.began_ns <= kept.proven_ns]
                found.append(Ready(tenant, session, kept.subject, kept.proven_ns, kept.bad, due))
                kept.held = [one for one in kept.held if one.began_ns > kept.proven_ns]
                kept.proven_ns = 0
                if kept.bad:
                    del self._sessions[tenant, session]
            return found

    def forget(self, tenant: str, subject: str) -> None:
        """Hold nothing of a subject any more."""
        with self._lock:
            for name in [n for n, kept in self._sessions.items() if n[0] == tenant and kept.subject == subject]:
                del self._sessions[name]


def taught(
    people: People,
    whose: Whose,
    person: Person,
    model: Model,
    session: str,
    windows: Iterable[Held],
    *,
    proven_ns: int,
    now_ns: int,
) -> bool:
    """Offer windows of a proven session to an enrolled person's template; return whether anything changed."""
    state = person.state
    if state is None:
        return False
    after = settled(state, model, now_ns)
    for one in windows:
        after = offered(after, model, one.row, Moment(session, one.began_ns, proven_ns, now_ns), one.live).state
    return _write(people, whose, person, after)


def taken_back(people: People, whose: Whose, person: Person, session: str) -> bool:
    """Take back what of a session that ended badly still waits."""
    state = person.state
    return state is not None and _write(people, whose, person, ended(state, session, well=False))


def _write(people: People, whose: Whose, person: Person, after: State) -> bool:
    if after is person.state or _same(after, person.state):
        return False
    return people.write(whose, person, person.kept, after)


def _same(one: State, other: State | None) -> bool:
    """Return whether nothing moved that anybody would notice."""
    if other is None:
        return False
    names = ("level", "levelled", "steadied", "missing", "alarm", "day", "counted")
    alike = all(getattr(one, name) == getattr(other, name) for name in names)
    return alike and len(one.waiting) == len(other.waiting) and one.adaptive is other.adaptive
