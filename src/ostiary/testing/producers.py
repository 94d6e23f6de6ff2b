"""Producers in memory; the other side of the conformance test."""

import threading

import msgspec

from ostiary.defence.producers import Producer


class MemoryProducers:
    """A ``ProducerStore`` in memory."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._kept: dict[tuple[str, str], Producer] = {}
        self._refused: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def find(self, tenant: str, name: str) -> Producer | None:
        """Return one, revoked or not."""
        return self._kept.get((tenant, name))

    def of_tenant(self, tenant: str) -> list[Producer]:
        """Return a tenant's, in the order of their names."""
        return [one for (whose, _), one in sorted(self._kept.items()) if whose == tenant]

    def add(self, producer: Producer) -> bool:
        """Keep a new one, unless its name or key was ever given."""
        with self._lock:
            known = self.of_tenant(producer.tenant)
            if any(one.name == producer.name or one.key == producer.key for one in known):
                return False
            self._kept[producer.tenant, producer.name] = producer
            return True

    def revoke(self, tenant: str, name: str, at_ns: int, distrusted_ns: int | None) -> bool:
        """Revoke one, keeping the first time and the earliest distrust."""
        with self._lock:
            one = self._kept.get((tenant, name))
            if one is None:
                return False
            told = [each for each in (one.distrusted_ns, distrusted_ns) if each is not None]
            self._kept[tenant, name] = msgspec.structs.replace(
                one, revoked_ns=one.revoked_ns or at_ns, distrusted_ns=min(told) if told else None
            )
            return True

    def advance(self, before: Producer, sequence: int, head: str, head_ns: int) -> bool:
        """Move the head of a chain on, if it still stands where ``before`` says."""
        with self._lock:
            one = self._kept.get((before.tenant, before.name))
            if one is None or one.revoked or (one.sequence, one.head) != (before.sequence, before.head):
                return False
            changed = msgspec.structs.replace(one, sequence=sequence, head=head, head_ns=head_ns)
            self._kept[before.tenant, before.name] = changed
            return True

    def refused(self, tenant: str, code: str) -> None:
        """Count one refused batch."""
        with self._lock:
            self._refused[tenant, code] = self._refused.get((tenant, code), 0) + 1

    def refusals(self, tenant: str) -> dict[str, int]:
        """Return how many were refused, by code."""
        return {code: number for (whose, code), number in sorted(self._refused.items()) if whose == tenant}
