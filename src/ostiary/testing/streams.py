"""A log, a stream over it, and receivers that fail as they are told; for tests."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Self

import msgspec

from ostiary.audit import AuditLog
from ostiary.audit.tenants import TenantAdmin
from ostiary.errors import OstiaryError  # noqa: TC001 - a member of a class that tests look into
from ostiary.keys import open_keys
from ostiary.response.backoff import Backoff
from ostiary.response.outbox import Outbox
from ostiary.response.streams.checking import StreamCheck
from ostiary.response.streams.event import Receiver, StreamEvent
from ostiary.response.streams.pump import Pump, StreamPlan
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_cards import MemoryCards
from ostiary.testing.memory_store import MemoryStore


class ListReceiver:
    """Keeps what arrives; before each batch ``faults`` may say what goes wrong, or after how many events."""

    def __init__(self, batch: int = 5) -> None:
        """Begin empty."""
        self.batch = batch
        self.events: list[StreamEvent] = []
        self.faults: list[tuple[int, BaseException] | None] = []
        self.refuses: dict[str, OstiaryError] = {}

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Take them, unless told otherwise."""
        del now_ns
        told = self.faults.pop(0) if self.faults else None
        if told is not None:
            self.events += events[: told[0]]
            raise told[1]
        for one in events:
            if one.event_id in self.refuses:
                raise self.refuses[one.event_id]
        self.events += events

    def checked(self) -> StreamCheck:
        """Return what a receiver can prove of what arrived."""
        check = StreamCheck()
        for one in self.events:
            check.take(msgspec.json.decode(one.document(), type=dict[str, Any]))
        return check


class StreamScene:
    """A log in memory with the tenants ``acme`` and ``other``, and streams over it."""

    def __init__(self, folder: Any) -> None:
        """Keep keys in ``folder``."""
        self._stack = ExitStack()
        self.clock = FakeClock()
        store = MemoryStore()
        ring, vault = open_keys(folder / "keys", store, self.clock)
        self.log = self._stack.enter_context(AuditLog(store, vault, ring, self.clock))
        admin = TenantAdmin(self.log, ring, self.clock)
        for tenant in ("acme", "other"):
            admin.create(tenant)
        self.cards = MemoryCards()
        self.faults: list[str] = []
        self._made = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the log."""
        self._stack.close()

    def add(self, kind: str = "admin", tenant: str = "acme", **told: Any) -> str:
        """Append one record and return its id."""
        self._made += 1
        name = f"rec_{self._made}"
        payload = msgspec.json.encode({"action": "pep.add", "by": "ann", **told})
        self.log.append(tenant, kind, name, self.clock.now_ns(), payload, "").result(10)
        return name

    def stream(self, receiver: Receiver, *contents: str, name: str = "soc", tenant: str = "acme") -> Pump:
        """Return a stream as a process that just began has it."""
        wanted = contents or ("admin", "approvals", "decisions", "detections")
        plan = StreamPlan(tenant=tenant, name=name, contents=wanted, from_start=True)
        return Pump(plan, receiver, self.log, self.cards, self.clock, self._fault, Backoff(jitter=lambda: 0.0))

    def outbox(self, *streams: Pump) -> Outbox:
        """Return the outbox that has the dead letters."""
        return Outbox(self.cards, (), self.clock, self._fault, streams=streams)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def _fault(self, reason: str, fault: BaseException) -> None:
        self.faults.append(f"{reason}:{getattr(fault, 'code', '')}")
