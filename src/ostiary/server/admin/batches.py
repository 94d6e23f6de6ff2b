"""Producers of events and their signed batches: register, list, revoke; take a batch, see and release refused ones."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from ostiary.defence.intake import Landed
from ostiary.defence.producers import Producer, read_key
from ostiary.errors import FaultyInputError
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.batches import add_producer, intake_of, release_batch, revoke_producer, take_batch

router = APIRouter(tags=["batches"])
_SECOND_NS = 1_000_000_000
ProducerName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,62}$")]


class ProducerBody(Model):
    """A producer to register: its name and its Ed25519 public key, a JWK or PEM as text."""

    name: ProducerName
    key: Annotated[str, Field(max_length=4096)]


class RevokeBody(Model):
    """From which Unix time on what it sent trains nothing; without one all of it still does."""

    distrusted: Annotated[int, Field(ge=0, le=2**33)] | None = None


class ProducerShown(Model):
    """A producer as it stands now."""

    name: str
    key: str
    added: int
    revoked: int | None
    distrusted: int | None
    sequence: int
    head: str


class BatchBody(Model):
    """A signed batch, as ``ostiary events sign`` writes it, in base64."""

    batch: str


class LandedShown(Model):
    """A batch that was taken."""

    batch: str
    producer: str
    sequence: int
    events: int
    released: str


class RefusedShown(Model):
    """A batch in quarantine."""

    digest: str
    code: str
    text: str
    at: int
    size: int
    producer: str
    sequence: int
    batch: str


class QuarantineShown(Model):
    """How many batches were refused, by code, and those that were kept."""

    refused: dict[str, int]
    kept: tuple[RefusedShown, ...]


class ReleaseBody(Model):
    """The proposal by which enough people agreed."""

    proposal: Annotated[str, Field(max_length=128)]


@router.get("/tenants/{tenant}/producers")
def list_producers(tenant: Tenant, desk: Desk) -> list[ProducerShown]:
    """List a tenant's producers of events."""
    return [_shown(one) for one in desk.house.store.producers.of_tenant(tenant)]


@router.post("/tenants/{tenant}/producers", status_code=201)
def register_producer(tenant: Tenant, body: ProducerBody, who: Who, desk: Desk) -> ProducerShown:
    """Register a producer of events."""
    return _shown(add_producer(desk.house, who.key_id, tenant, body.name, read_key(body.key.encode())))


@router.post("/tenants/{tenant}/producers/{name}/revoke")
def end_producer(tenant: Tenant, name: ProducerName, body: RevokeBody, who: Who, desk: Desk) -> ProducerShown:
    """Revoke a producer for ever."""
    since = None if body.distrusted is None else body.distrusted * _SECOND_NS
    return _shown(revoke_producer(desk.house, who.key_id, tenant, name, since))


@router.post("/tenants/{tenant}/batches", status_code=201)
def accept_batch(tenant: Tenant, body: BatchBody, who: Who, desk: Desk) -> LandedShown:
    """Take a signed batch of events into the history that risk learns from."""
    try:
        data = base64.b64decode(body.batch, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise FaultyInputError("batch_malformed", "the batch is not base64") from fault
    return _landed(take_batch(desk.house, who.key_id, tenant, data))


@router.get("/tenants/{tenant}/batches/quarantine")
def show_quarantine(tenant: Tenant, desk: Desk) -> QuarantineShown:
    """Show what was refused."""
    intake = intake_of(desk.house, tenant)
    kept = [
        RefusedShown(
            digest=one.digest,
            code=one.code,
            text=one.text,
            at=one.at_ns // _SECOND_NS,
            size=one.size,
            producer=one.producer,
            sequence=one.sequence,
            batch=one.batch,
        )
        for one in intake.quarantine.all()
    ]
    return QuarantineShown(refused=intake.refusals(), kept=tuple(kept))


@router.post("/tenants/{tenant}/batches/quarantine/{digest}/release")
def let_in(tenant: Tenant, digest: str, body: ReleaseBody, who: Who, desk: Desk) -> LandedShown:
    """Let a refused batch in that enough people agreed to."""
    return _landed(release_batch(desk.house, who.key_id, tenant, digest, body.proposal))


def _shown(one: Producer) -> ProducerShown:
    return ProducerShown(
        name=one.name,
        key=one.thumbprint,
        added=one.added_ns // _SECOND_NS,
        revoked=one.revoked_ns // _SECOND_NS or None,
        distrusted=None if one.distrusted_ns is None else one.distrusted_ns // _SECOND_NS,
        sequence=one.sequence,
        head=one.head,
    )


def _landed(one: Landed) -> LandedShown:
    return LandedShown(
        batch=one.batch, producer=one.producer, sequence=one.sequence, events=one.events, released=one.released
    )
