"""Signed batches of events and their producers, over an open house; every deed is recorded before it counts."""

from ostiary.defence.intake import Intake, Landed
from ostiary.defence.producers import Producer, Producers
from ostiary.defence.provenance import Proven, Statements, prove
from ostiary.defence.quarantine import Quarantine
from ostiary.keys import VerifyingKey
from ostiary.server.deeds import record_deed
from ostiary.server.wiring import House


def intake_of(house: House, tenant: str) -> Intake:
    """Return what takes a tenant's batches."""
    return Intake(
        tenant,
        house.places.history(tenant),
        Quarantine(house.places.quarantine(tenant)),
        house.store.producers,
        Statements(house.store.snapshots, house.ring),
        house.settings.batches.bounds(),
        house.knowledge.enricher(tenant).enrich,
    )


def add_producer(house: House, who: str, tenant: str, name: str, key: VerifyingKey) -> Producer:
    """Register a producer.

    Raises:
        FaultyInputError: ``producer_name_invalid``, ``key_malformed``.
        RefusedError: ``producer_exists``, ``producer_key_used``, ``producer_limit``.
    """
    producers = Producers(house.store.producers)
    made = producers.draft(tenant, name, key, house.clock.now_ns())
    record_deed(house, who, tenant, "producer.add", producer=name, key=made.thumbprint)
    producers.add(made)
    return made


def revoke_producer(house: House, who: str, tenant: str, name: str, distrusted_ns: int | None) -> Producer:
    """Revoke a producer for ever; from ``distrusted_ns`` on what it sent trains nothing.

    Raises:
        RefusedError: ``producer_unknown``.
    """
    producers = Producers(house.store.producers)
    producers.find(tenant, name)
    record_deed(house, who, tenant, "producer.revoke", producer=name, distrusted_ns=distrusted_ns)
    return producers.revoke(tenant, name, house.clock.now_ns(), distrusted_ns)


def take_batch(house: House, who: str, tenant: str, data: bytes) -> Landed:
    """Take a batch; see ``Intake.take`` for what is refused."""
    landed = intake_of(house, tenant).take(data, house.clock.now_ns())
    _record(house, who, tenant, "batch.land", landed)
    return landed


def release_batch(house: House, who: str, tenant: str, digest: str, proposal: str) -> Landed:
    """Let a batch out of quarantine that enough people agreed to; see ``Intake.release``."""
    landed = intake_of(house, tenant).release(digest, house.approvals.quorum, proposal, who, house.clock.now_ns())
    _record(house, who, tenant, "batch.release", landed)
    return landed


def proven_history(house: House, tenant: str, *, only_proven: bool = False) -> Proven:
    """Return a tenant's history, every row with where it came from; see ``prove``."""
    known = house.store.producers.of_tenant(tenant)
    distrusted = {one.name: one.distrusted_ns for one in known if one.distrusted_ns is not None}
    statements = Statements(house.store.snapshots, house.ring).of_tenant(tenant)
    landed = [one for one in statements if one.landed]
    return prove(house.places.history(tenant), landed, distrusted, only_proven=only_proven)


def _record(house: House, who: str, tenant: str, action: str, landed: Landed) -> None:
    told = {"producer": landed.producer, "sequence": landed.sequence, "batch": landed.batch, "events": landed.events}
    record_deed(house, who, tenant, action, **told, approval=landed.released)
