"""The chain of statements as the log has it: the log is where a change counts, and nowhere else.

- A change is one record of kind ``phases``. Of two that stand on the same state, the first in the log counts and the
  other never did: every reader sees the same order, so no lock is needed between processes.
- A statement that goes back in number is no state: an old one said again changes nothing.
- One that does not verify or was erased, one that leaves a gap or follows another past, and a log that became shorter
  mean that somebody changed what must not change: then there is no state at all, everybody is told, and so it stays
  until somebody signs a statement that follows the last good one.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from ostiary.audit import AuditLog
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import KeyRing, VerifyingKey, random_bytes
from ostiary.server.rollout.statement import MAX_SETTINGS, PURPOSE, Change, Read, Setting, State, read, sign
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

KIND: Final = "phases"
RECORD_WAIT_S: Final = 10.0
KEPT: Final = 256
OnFault = Callable[[str, BaseException], None]
OnState = Callable[[State], None]


class _Place:
    """How far one tenant's statements were read."""

    def __init__(self) -> None:
        self.next_index = 0
        self.head: Read | None = None
        self.broken = False
        self.opened = False
        self.history: deque[State] = deque(maxlen=KEPT)


class Chain:
    """Statements by tenant; safe for several threads, and for several processes over one log."""

    def __init__(self, log: AuditLog, ring: KeyRing, clock: Clock, on_fault: OnFault) -> None:
        """Read and write ``log``; ``on_fault`` hears of everything that does not verify."""
        self._log = log
        self._ring = ring
        self._clock = clock
        self._on_fault = on_fault
        self._listeners: list[OnState] = []
        self._lock = threading.RLock()
        self._places: dict[str, _Place] = {}

    def listen(self, listener: OnState) -> None:
        """Tell ``listener`` of each state that comes to count from now on, whichever process brought it about."""
        self._listeners.append(listener)

    def look(self, tenant: str) -> Read | None:
        """Return the newest state with all that the log has had meanwhile; ``None`` when there never was one.

        Raises:
            VerificationError: ``phases_unverified``: there is no state that can be believed.
        """
        with self._lock:
            place = self._places.setdefault(tenant, _Place())
            self._shorter(place)
            news: list[State] = []
            for stored in self._log.iterate(tenant, KIND, place.next_index):
                place.next_index = stored.index + 1
                self._take(place, tenant, stored.payload, news)
            told = news if place.opened else []  # what was before this process is no news
            place.opened = True
        for state in told:
            for listener in self._listeners:
                listener(state)
        if place.broken:
            raise VerificationError("phases_unverified", f"the phases of `{tenant}` do not verify")
        return place.head

    def last_good(self, tenant: str) -> Read | None:
        """Return the newest state that verified, whatever came after: what the next statement must follow."""
        try:
            return self.look(tenant)
        except VerificationError:
            return self._places[tenant].head

    def history(self, tenant: str) -> list[State]:
        """Return the newest states, newest first."""
        self.last_good(tenant)
        with self._lock:
            return list(reversed(self._places[tenant].history))

    def forget_tenant(self, tenant: str) -> None:
        """Drop what is kept in memory of a tenant that is gone."""
        with self._lock:
            self._places.pop(tenant, None)

    def add(
        self, tenant: str, head: Read | None, change: Change, settings: tuple[Setting, ...], killed: tuple[str, ...]
    ) -> Read:
        """Sign what follows ``head``, record it, and return it once it counts.

        Raises:
            FaultyInputError: ``phases_too_many``; never for what takes a control down for everybody.
            RefusedError: ``phases_changed``: somebody else was quicker; nothing was changed.
            UnavailableError: it is not known to be on disk.
        """
        if len(settings) > MAX_SETTINGS and not _only_down(change):
            raise FaultyInputError("phases_too_many", f"a tenant has at most {MAX_SETTINGS} settings of phases")
        now = self._clock.now_ns()
        number, previous = (1, "") if head is None else (head.state.number + 1, head.digest)
        payload = sign(State(tenant, number, previous, now, change, settings, killed), self._ring)
        record_id = make_id("phs", now, random_bytes(RANDOM_BYTES))
        try:
            self._log.append(tenant, KIND, record_id, now, payload, "").result(timeout=RECORD_WAIT_S)
        except TimeoutError as late:
            raise UnavailableError("record_failed", "the change was not on disk in time") from late
        self.last_good(tenant)
        ours = read(payload, tenant, self._keys(tenant))
        if ours.state not in self._places[tenant].history:
            raise RefusedError("phases_changed", "somebody else changed the phases meanwhile: look again")
        return ours

    def _take(self, place: _Place, tenant: str, payload: bytes | None, news: list[State]) -> None:
        try:
            found = self._follower(place, tenant, payload)
        except VerificationError as no:
            self._break(place, no)
            return
        if found is not None:
            place.head, place.broken = found, False
            place.history.append(found.state)
            news.append(found.state)

    def _follower(self, place: _Place, tenant: str, payload: bytes | None) -> Read | None:
        """Return the state of a record if it follows the newest one; ``None`` for an old one."""
        if payload is None:
            raise VerificationError("phases_unverified", f"a statement of phases of `{tenant}` was erased")
        found, head = read(payload, tenant, self._keys(tenant)), place.head
        number, previous = (0, "") if head is None else (head.state.number, head.digest)
        if found.state.number <= number:
            return None  # it lost a race, or is an old one said again
        if (found.state.number, found.state.previous) != (number + 1, previous):
            text = f"statement {found.state.number} of the phases of `{tenant}` follows another past"
            raise VerificationError("phases_unverified", text)
        return found

    def _shorter(self, place: _Place) -> None:
        if not place.broken and self._log.head().size < place.next_index:
            self._break(place, VerificationError("phases_unverified", "the log is shorter than it was"))

    def _break(self, place: _Place, no: VerificationError) -> None:
        place.broken = True
        self._on_fault("phases_unverified", no)

    def _keys(self, tenant: str) -> dict[str, VerifyingKey]:
        return {key.kid: key for key in self._ring.all_public(tenant, PURPOSE)}


def _only_down(change: Change) -> bool:
    """Return whether a change takes a control down for everybody; such ones add a setting a control at most.

    INVARIANT: a full table holds neither the kill switch nor the gate: else whoever fills it keeps the models in force.
    """
    return change.what == "kill" or (change.what in {"demote", "auto"} and change.scope.whole)
