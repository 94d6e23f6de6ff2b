"""Producers of events; ``ProducerTable`` implements ``defence.producers.ProducerStore``."""

from typing import Final

from ostiary.defence.producers import Producer
from ostiary.storage.tables.database import Database

PRODUCER_ERASURES: Final = ("delete_tenant_producers", "delete_tenant_batch_refusals")


class ProducerTable:
    """Producers by tenant and name, and how many batches were refused."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def find(self, tenant: str, name: str) -> Producer | None:
        """Return one, revoked or not."""
        rows = self._database.read("find_producer", tenant, name)
        return Producer(*rows[0]) if rows else None

    def of_tenant(self, tenant: str) -> list[Producer]:
        """Return a tenant's, in the order of their names."""
        return [Producer(*row) for row in self._database.read("tenant_producers", tenant)]

    def add(self, producer: Producer) -> bool:
        """Keep a new one, unless its name or key was ever given."""
        one = producer
        return self._database.write("add_producer", one.tenant, one.name, one.key, one.thumbprint, one.added_ns) == 1

    def revoke(self, tenant: str, name: str, at_ns: int, distrusted_ns: int | None) -> bool:
        """Revoke one, keeping the first time and the earliest distrust."""
        return self._database.write("revoke_producer", at_ns, distrusted_ns, tenant, name) == 1

    def advance(self, before: Producer, sequence: int, head: str, head_ns: int) -> bool:
        """Move the head of a chain on, if it still stands where ``before`` says; on disk when this returns."""
        seen = (before.tenant, before.name, before.sequence, before.head)
        return self._database.write("advance_producer", sequence, head, head_ns, *seen) == 1

    def refused(self, tenant: str, code: str) -> None:
        """Count one refused batch."""
        self._database.write("count_batch_refusal", tenant, code)

    def refusals(self, tenant: str) -> dict[str, int]:
        """Return how many were refused, by code."""
        return {str(code): int(number) for code, number in self._database.read("batch_refusals", tenant)}
