"""Shared signals in memory, for tests: the same port that storage implements on disk, but for surviving a restart."""

import threading
from collections.abc import Sequence

import msgspec

from ostiary.errors import UnavailableError
from ostiary.response.ssf.ports import Outgoing
from ostiary.response.ssf.streams import Stream, StreamLife

_Name = tuple[str, str]


class MemorySignalStore:
    """Implements ``response.ssf.ports.SignalStore``."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lock = threading.RLock()
        self._streams: dict[_Name, Stream] = {}
        self._lives: dict[_Name, StreamLife] = {}
        self._subjects: dict[_Name, set[str]] = {}
        self._outbox: dict[_Name, dict[str, Outgoing]] = {}
        self._marks: dict[tuple[str, str, str, bytes], int] = {}

    def add_stream(self, stream: Stream, *, of_owner: int, of_tenant: int) -> bool:
        """Keep a new stream; return false when its owner or its tenant has that many already."""
        with self._lock:
            others = self.streams(stream.tenant)
            name = (stream.tenant, stream.stream_id)
            owned = sum(one.owner == stream.owner for one in others)
            if len(others) >= of_tenant or owned >= of_owner or name in self._streams:
                return False
            self._streams[name], self._lives[name] = stream, StreamLife()
            return True

    def replace_stream(self, before: Stream, after: Stream) -> bool:
        """Put ``after`` where ``before`` is; return false when somebody else changed it meanwhile."""
        with self._lock:
            name = (before.tenant, before.stream_id)
            if self._streams.get(name) != before:
                return False
            self._streams[name] = after
            return True

    def delete_stream(self, tenant: str, stream_id: str) -> bool:
        """Forget a stream, its subjects and what waits for it; return whether there was one."""
        with self._lock:
            name = (tenant, stream_id)
            self._subjects.pop(name, None)
            self._outbox.pop(name, None)
            self._lives.pop(name, None)
            return self._streams.pop(name, None) is not None

    def find_stream(self, tenant: str, stream_id: str) -> Stream | None:
        """Return one stream."""
        return self._streams.get((tenant, stream_id))

    def streams(self, tenant: str) -> list[Stream]:
        """Return a tenant's streams, oldest first."""
        return [one for one in self.all_streams() if one.tenant == tenant]

    def all_streams(self) -> list[Stream]:
        """Return the streams of every tenant."""
        return sorted(self._streams.values(), key=lambda one: (one.tenant, one.made_ns, one.stream_id))

    def life(self, tenant: str, stream_id: str) -> StreamLife:
        """Return what changed in a stream by itself."""
        return self._lives.get((tenant, stream_id), StreamLife())

    def hear(self, tenant: str, stream_id: str, now_ns: int) -> None:
        """Remember that the receiver was heard of."""
        with self._lock:
            name = (tenant, stream_id)
            if name in self._lives:
                self._lives[name] = msgspec.structs.replace(self._lives[name], heard_ns=now_ns)

    def may_verify(self, tenant: str, stream_id: str, now_ns: int, not_after_ns: int) -> bool:
        """Remember that a verification was asked for now, if the last one was not after ``not_after_ns``."""
        with self._lock:
            life = self._lives.get((tenant, stream_id))
            if life is None or life.verified_ns > not_after_ns:
                return False
            heard_ns = max(life.heard_ns, now_ns)
            self._lives[tenant, stream_id] = StreamLife(heard_ns, now_ns, life.dropped)
            return True

    def add_subject(self, tenant: str, stream_id: str, subject: str, limit: int) -> bool:
        """List a subject with a stream; return false when ``limit`` are listed already."""
        with self._lock:
            known = self._subjects.setdefault((tenant, stream_id), set())
            if subject not in known and len(known) >= limit:
                return False
            known.add(subject)
            return True

    def remove_subject(self, tenant: str, stream_id: str, subject: str) -> None:
        """Take a subject off a stream's list."""
        with self._lock:
            self._subjects.get((tenant, stream_id), set()).discard(subject)

    def subjects(self, tenant: str, stream_id: str) -> list[str]:
        """Return the listed subjects, in canonical JSON."""
        return sorted(self._subjects.get((tenant, stream_id), ()))

    def put_out(self, rows: Sequence[Outgoing], limit: int) -> None:
        """Keep event tokens until they are delivered; beyond ``limit`` the oldest of a stream go and are counted."""
        with self._lock:
            for row in rows:
                self._outbox.setdefault((row.tenant, row.stream_id), {}).setdefault(row.jti, row)
            for name in {(row.tenant, row.stream_id) for row in rows}:
                self._drop(name, len(self._outbox[name]) - limit)

    def _drop(self, name: _Name, count: int) -> None:
        for jti in list(self._outbox[name])[: max(0, count)]:
            del self._outbox[name][jti]
        if count > 0 and name in self._lives:
            life = self._lives[name]
            self._lives[name] = msgspec.structs.replace(life, dropped=life.dropped + count)

    def waiting(self, tenant: str, stream_id: str, limit: int, *, only_always: bool = False) -> list[Outgoing]:
        """Return what waits for a stream, oldest first."""
        with self._lock:
            rows = self._outbox.get((tenant, stream_id), {}).values()
            return [row for row in rows if row.always or not only_always][:limit]

    def count_waiting(self, tenant: str, stream_id: str) -> int:
        """Return how many event tokens wait for a stream."""
        return len(self._outbox.get((tenant, stream_id), ()))

    def count_all_waiting(self) -> int:
        """Return how many event tokens of all tenants wait."""
        return sum(map(len, self._outbox.values()))

    def delivered(self, tenant: str, stream_id: str, jtis: Sequence[str]) -> int:
        """Forget event tokens that their receiver has; return how many of them waited here."""
        with self._lock:
            box = self._outbox.get((tenant, stream_id), {})
            return sum(box.pop(jti, None) is not None for jti in jtis)

    def clear(self, tenant: str, stream_id: str) -> None:
        """Forget all that waits for a stream, but what is to be said always."""
        with self._lock:
            box = self._outbox.get((tenant, stream_id), {})
            self._outbox[tenant, stream_id] = {jti: row for jti, row in box.items() if row.always}

    def is_marked(self, tenant: str, receiver: str, kind: str, digest: bytes, now_ns: int) -> bool:
        """Return whether this was marked and its time is not over."""
        return self._marks.get((tenant, receiver, kind, digest), 0) > now_ns

    def mark(self, tenant: str, receiver: str, kind: str, digest: bytes, expires_ns: int, limit: int) -> None:
        """Remember until ``expires_ns``.

        Raises:
            UnavailableError: ``signals_memory_full``.
        """
        with self._lock:
            if sum(name[:2] == (tenant, receiver) for name in self._marks) >= limit:
                raise UnavailableError("signals_memory_full", f"{limit} event tokens are remembered already")
            name = (tenant, receiver, kind, digest)
            self._marks[name] = max(expires_ns, self._marks.get(name, 0))

    def unmark(self, tenant: str, receiver: str, kind: str, digest: bytes) -> bool:
        """Forget one; return whether it was there."""
        with self._lock:
            return self._marks.pop((tenant, receiver, kind, digest), None) is not None

    def forget_marks(self, before_ns: int) -> int:
        """Forget what is over; return how many there were."""
        with self._lock:
            over = [name for name, expires_ns in self._marks.items() if expires_ns <= before_ns]
            for name in over:
                del self._marks[name]
            return len(over)
