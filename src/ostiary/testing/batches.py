"""A tenant that takes signed batches, in memory but for its history file; for tests, stories and attacks."""

from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.defence.batches import IntakeSettings, Place, UnverifiedBatch, read_batch, seal
from ostiary.defence.intake import Intake, Landed
from ostiary.defence.producers import Producers
from ostiary.defence.provenance import Proven, Statements, prove
from ostiary.defence.quarantine import Quarantine
from ostiary.keys import KeyRing, SigningKey
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.producers import MemoryProducers
from ostiary.vocabulary.events import AccessEvent

SECOND_NS: Final = 1_000_000_000


class _Kept(msgspec.Struct, frozen=True):
    name: str
    data: bytes


class MemoryStatements:
    """A ``StatementStore`` in memory."""

    def __init__(self) -> None:
        """Begin empty."""
        self.kept: dict[tuple[str, str, str], bytes] = {}

    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:  # noqa: ARG002 - a port
        """Store one."""
        self.kept[tenant, kind, name] = data

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        """Return one, or ``None``."""
        return self.kept.get((tenant, kind, name))

    def all(self, tenant: str, kind: str) -> list[_Kept]:
        """Return all of a kind in the order of their names."""
        found = sorted(key for key in self.kept if key[:2] == (tenant, kind))
        return [_Kept(key[2], self.kept[key]) for key in found]


class Sender:
    """A producer on its own machine: it has a key and knows where its chain stands."""

    def __init__(self, name: str, tenant: str, clock: FakeClock, key: SigningKey | None = None) -> None:
        """Make a key, or use one."""
        self.name, self.tenant, self.clock = name, tenant, clock
        self.key = key or SigningKey.generate(name)
        self.sequence, self.head = 0, ""

    def batch(self, *events: AccessEvent, **changed: Any) -> bytes:
        """Sign events into the next batch; ``changed`` sets members of its place, ``time_ns`` or ``body``."""
        body = changed.pop("body", b"".join(msgspec.json.encode(event) + b"\n" for event in events))
        time_ns = changed.pop("time_ns", self.clock.now_ns())
        place = msgspec.structs.replace(Place(self.tenant, self.name, self.sequence + 1, self.head), **changed)
        data = seal(self.key, place, body, time_ns=time_ns)
        if not changed:
            self.sequence, self.head = place.sequence, self.read(data).digest
        return data

    @staticmethod
    def read(data: bytes) -> UnverifiedBatch:
        """Return what is in a batch."""
        return read_batch(data)


class BatchScene:
    """One deployment with some tenants; everything they know is within reach."""

    def __init__(self, root: Path) -> None:
        """Keep histories and keys below ``root``."""
        self.root, self.clock = root, FakeClock()
        self.producers, self.store = MemoryProducers(), MemoryStatements()
        self.ring = KeyRing(root / "keys", self.clock)
        self.statements = Statements(self.store, self.ring)

    def sender(self, name: str = "door", tenant: str = "acme", key: SigningKey | None = None) -> Sender:
        """Return a sender whose key is registered."""
        sender = Sender(name, tenant, self.clock, key)
        book = Producers(self.producers)
        book.add(book.draft(tenant, name, sender.key.public, self.clock.now_ns()))
        return sender

    def history(self, tenant: str = "acme") -> Path:
        """Return where a tenant's history lies."""
        return self.root / "events" / f"{tenant}.jsonl"

    def intake(self, tenant: str = "acme", settings: IntakeSettings | None = None) -> Intake:
        """Return what takes a tenant's batches."""
        folder = Quarantine(self.root / "events" / f"{tenant}.quarantine")
        bounds = settings or IntakeSettings()
        return Intake(tenant, self.history(tenant), folder, self.producers, self.statements, bounds)

    def take(self, data: bytes, tenant: str = "acme") -> Landed:
        """Take a batch now."""
        return self.intake(tenant).take(data, self.clock.now_ns())

    def proven(self, tenant: str = "acme", *, only_proven: bool = False) -> Proven:
        """Return what may train."""
        known = self.producers.of_tenant(tenant)
        distrusted = {one.name: one.distrusted_ns for one in known if one.distrusted_ns is not None}
        landed = [one for one in self.statements.of_tenant(tenant) if one.landed]
        return prove(self.history(tenant), landed, distrusted, only_proven=only_proven)

    def event(self, number: int, subject: str = "ann", **more: Any) -> AccessEvent:
        """Return an access of some seconds ago."""
        when = self.clock.now_ns() - 3600 * SECOND_NS + number * SECOND_NS
        return AccessEvent(f"e{number}", "acme", when, subject, "read", "database", "payments", **more)
