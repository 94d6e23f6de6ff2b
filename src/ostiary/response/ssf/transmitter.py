"""Tells every stream of a tenant what happened: one signed event token for each, kept until it is delivered.

Rules:

- the ledger's listener only puts the change into a queue; signing and writing happen at the next ``drain``, for all
  that waits in one transaction. A crash between the two loses what was queued in those tenths of a second: the change
  itself is on disk and in the log (ADR-0014);
- what an incoming signal caused is not told again: two domains that listen to each other would never be silent;
- a stream that is disabled gets nothing; one that is paused keeps its events up to the bound;
- a subject that a receiver's stream does not tell of is never mentioned on it.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from ostiary.identity.secevent import SecurityEvent, SetPayload
from ostiary.identity.secevent.subjects import Opaque
from ostiary.identity.secevent.types import URIS
from ostiary.identity.types import freeze
from ostiary.response.ssf.caep import Announcement, announce
from ostiary.response.ssf.limits import SIGNAL_ID, StreamRules
from ostiary.response.ssf.matching import Listed, tells_of
from ostiary.response.ssf.naming import SubjectNaming
from ostiary.response.ssf.ports import MakeId, OnFault, Outgoing, Sign, StreamStore
from ostiary.response.ssf.streams import DISABLED, Stream
from ostiary.sessions.session import SessionChange
from ostiary.vocabulary.clock import Clock

MAX_QUEUED: Final = 100_000
_BATCH: Final = 100
_SECOND_NS: Final = 1_000_000_000
_BACKLOG: Final = "ssf_backlog_full"
_UNTOLD: Final = "signal_not_told"


class Transmitter:
    """Turns changes into event tokens. Safe for several threads."""

    def __init__(
        self,
        store: StreamStore,
        clock: Clock,
        sign: Sign,
        make_id: MakeId,
        *,
        issuer: Callable[[str], str],
        naming: Callable[[str], SubjectNaming],
        on_fault: OnFault,
        rules: StreamRules | None = None,
    ) -> None:
        """Take the store, the key, and under which ``iss`` each tenant's tokens are made."""
        self._store = store
        self._clock = clock
        self._sign = sign
        self._make_id = make_id
        self._issuer = issuer
        self._naming = naming
        self._on_fault = on_fault
        self._rules = rules or StreamRules()
        self._queue: deque[SessionChange | Announcement] = deque()
        self._draining = threading.Lock()
        self._lists: dict[str, dict[str, Listed]] = {}

    def on_change(self, change: SessionChange) -> None:
        """Take a change of a session; the ledger's listener."""
        if not change.cause.startswith(SIGNAL_ID + "_"):
            self.tell(change)

    def tell(self, told: SessionChange | Announcement) -> None:
        """Take something to tell; quick, and never raises."""
        if len(self._queue) >= MAX_QUEUED:
            # Dropped and said loudly: blocking here would hold up the ledger, and with it every revocation.
            self._on_fault(_BACKLOG, OverflowError(f"{MAX_QUEUED} changes wait to be told"))
            return
        self._queue.append(told)

    def drain(self) -> int:
        """Sign and keep what waits; return how many event tokens that made."""
        made = 0
        with self._draining:
            while self._queue:
                batch = [self._queue[place] for place in range(min(_BATCH, len(self._queue)))]
                rows = self._rows(batch)
                self._store.put_out(rows, self._rules.max_waiting)
                # INVARIANT: taken from the queue only after they are kept; when the store is away they wait.
                for _ in batch:
                    self._queue.popleft()
                made += len(rows)
        return made

    def verify(self, stream: Stream, state: str) -> None:
        """Keep a verification event for a stream (SSF 1.0 §8.1.4)."""
        self._put_own(stream, "verification", {"state": state} if state else {}, always=False)

    def status_changed(self, stream: Stream) -> None:
        """Tell a receiver that its stream's status was changed here (SSF 1.0 §8.1.5)."""
        claims = {"status": stream.status, **({"reason": stream.reason} if stream.reason else {})}
        self._put_own(stream, "stream-updated", claims, always=True)

    def _put_own(self, stream: Stream, event: str, claims: dict[str, str], *, always: bool) -> None:
        told = Announcement(stream.tenant, event, claims, Opaque(stream.stream_id))
        self._store.put_out([self._row(stream, told, always=always)], self._rules.max_waiting)

    def _rows(self, batch: list[SessionChange | Announcement]) -> list[Outgoing]:
        streams: dict[str, list[tuple[Stream, Listed]]] = {}
        rows: list[Outgoing] = []
        for told in batch:
            if told.tenant not in streams:
                streams[told.tenant] = self._listening(told.tenant)
            if streams[told.tenant]:
                rows += self._tried(told, streams[told.tenant])
        return rows

    def _tried(self, told: SessionChange | Announcement, streams: list[tuple[Stream, Listed]]) -> list[Outgoing]:
        try:
            return self._rows_for(told, streams)
        except (ValueError, TypeError, KeyError) as fault:
            # What can never be told must not keep everything behind it from being told.
            self._on_fault(_UNTOLD, fault)
            return []

    def _listening(self, tenant: str) -> list[tuple[Stream, Listed]]:
        streams = [stream for stream in self._store.streams(tenant) if stream.status != DISABLED]
        before = self._lists.get(tenant, {})
        now = {one.stream_id: self._listed(tenant, one.stream_id, before.get(one.stream_id)) for one in streams}
        self._lists[tenant] = now
        return [(stream, now[stream.stream_id]) for stream in streams]

    def _listed(self, tenant: str, stream_id: str, before: Listed | None) -> Listed:
        """Return a stream's list, read anew only when it is another one than at the last drain."""
        texts = tuple(self._store.subjects(tenant, stream_id))
        return before if before is not None and before.texts == texts else Listed(texts)

    def _rows_for(self, told: SessionChange | Announcement, streams: list[tuple[Stream, Listed]]) -> list[Outgoing]:
        event = announce(told, self._naming(told.tenant)) if isinstance(told, SessionChange) else told
        if event is None:
            return []
        return [
            self._row(stream, event)
            for stream, listed in streams
            if URIS[event.event] in stream.delivered and tells_of(listed, stream.default_subjects, event.subject)
        ]

    def _row(self, stream: Stream, told: Announcement, *, always: bool = False) -> Outgoing:
        now_ns = self._clock.now_ns()
        jti = self._make_id("set")
        payload = SetPayload(
            iss=self._issuer(stream.tenant),
            jti=jti,
            iat=now_ns // _SECOND_NS,
            aud=stream.audience[0] if len(stream.audience) == 1 else stream.audience,
            sub_id=told.subject,
            event=SecurityEvent(URIS[told.event], freeze(told.claims)),
            txn=told.cause,
        )
        return Outgoing(stream.tenant, stream.stream_id, jti, self._sign(payload), now_ns, always)
