"""Datasets: register, list, show, remove; accept a manifest, verify objects against it, see what a token has read.

Folders, endpoints and secrets of stores are the whole deployment's, and the settings do not say whose: so where a
dataset lies is said by an administrator of the whole deployment. One of a tenant can change all else of it.
"""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body
from pydantic import Field

from ostiary.errors import RefusedError, VerificationError
from ostiary.identity.exchange.issuing import session_of
from ostiary.pipeline.datasets.book import DATASET_UNKNOWN, Dataset
from ostiary.pipeline.registered import Registered
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who
from ostiary.server.admins import EVERY_TENANT, Administrator
from ostiary.server.datasets.parts import DatasetParts, open_datasets
from ostiary.server.datasets.tending import accept, differences, register, remove

router = APIRouter(tags=["datasets"])
DatasetId = Annotated[str, Field(pattern="^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$")]
MAX_TOLD = 1000
_PLACE = ("store", "prefix", "endpoint", "region", "credentials")


class DatasetBody(Model):
    """A dataset to register, or to change."""

    sensitivity: Annotated[int | None, Field(ge=0, le=4)] = None
    critical: bool = False
    break_glass: bool = True
    labels: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    owner: Annotated[str, Field(max_length=256)] = ""
    attributes: dict[str, Any] = Field(default_factory=dict)
    spec: dict[str, Any]


class DatasetShown(Model):
    """A dataset as it is registered, and how things stand with its manifest."""

    dataset: str
    sensitivity: int | None
    critical: bool
    labels: tuple[str, ...]
    owner: str
    attributes: dict[str, Any]
    spec: dict[str, Any]
    manifest: str
    digest: str


class ManifestShown(Model):
    """A manifest that was accepted."""

    digest: str
    sequence: int
    objects: int


class Verified(Model):
    """What a dataset's objects are beside its manifest; at most a thousand differences are told."""

    digest: str
    objects: int
    differences: list[dict[str, str]]


class UsedShown(Model):
    """What was read with one token."""

    bytes: int
    objects: int


def _shown(parts: DatasetParts, dataset: Dataset) -> DatasetShown:
    try:
        digest = parts.book.manifest_of(dataset.tenant, dataset.id).digest
    except VerificationError:
        digest = ""
    one = dataset.registered
    return DatasetShown(
        dataset=one.id,
        sensitivity=one.sensitivity,
        critical=one.critical,
        labels=one.labels,
        owner=one.owner,
        attributes=one.attributes,
        spec=one.spec,
        manifest=parts.book.manifest_state(dataset),
        digest=digest,
    )


def _parts(desk: Office) -> DatasetParts:
    return open_datasets(desk.house)


def _check_place(parts: DatasetParts, who: Administrator, tenant: str, wanted: Registered) -> None:
    """Refuse to let an administrator of one tenant say where a dataset lies.

    Raises:
        RefusedError: ``admin_not_allowed``.
    """
    if who.tenant == EVERY_TENANT:
        return
    prepared = parts.book.prepared(wanted)
    try:
        there = parts.book.find(tenant, wanted.id).registered.spec
    except RefusedError:
        there = {}
    if [prepared.spec[name] for name in _PLACE] != [there.get(name) for name in _PLACE]:
        raise RefusedError("admin_not_allowed", "where a dataset lies needs a key for the whole deployment")


@router.get("/tenants/{tenant}/datasets")
def list_datasets(tenant: Tenant, desk: Desk) -> list[DatasetShown]:
    """List a tenant's datasets."""
    parts = _parts(desk)
    return [_shown(parts, one) for one in parts.book.all(tenant)]


@router.get("/tenants/{tenant}/datasets/{dataset}")
def show_dataset(tenant: Tenant, dataset: DatasetId, desk: Desk) -> DatasetShown:
    """Show one dataset."""
    parts = _parts(desk)
    return _shown(parts, parts.book.find(tenant, dataset))


@router.put("/tenants/{tenant}/datasets/{dataset}")
def register_dataset(tenant: Tenant, dataset: DatasetId, body: DatasetBody, who: Who, desk: Desk) -> DatasetShown:
    """Register a dataset, or change it; a secret is never part of it. To place it needs a key for all tenants."""
    parts = _parts(desk)
    wanted = Registered(type="dataset", id=dataset, **body.model_dump())
    _check_place(parts, who, tenant, wanted)
    register(desk.house, parts, who.key_id, tenant, wanted)
    return _shown(parts, parts.book.find(tenant, dataset))


@router.delete("/tenants/{tenant}/datasets/{dataset}", status_code=204)
def remove_dataset(tenant: Tenant, dataset: DatasetId, who: Who, desk: Desk) -> None:
    """Forget a dataset; its objects stay where they are."""
    remove(desk.house, _parts(desk), who.key_id, tenant, dataset)


@router.put("/tenants/{tenant}/datasets/{dataset}/manifest")
def accept_manifest(
    tenant: Tenant, dataset: DatasetId, who: Who, desk: Desk, envelope: Annotated[dict[str, Any], Body()]
) -> ManifestShown:
    """Accept a signed manifest (a DSSE envelope)."""
    # How its signer wrote the envelope matters not: what is signed is inside.
    found = accept(desk.house, _parts(desk), who.key_id, tenant, dataset, msgspec.json.encode(envelope))
    manifest = found.manifest
    return ManifestShown(digest=found.digest, sequence=manifest.sequence, objects=len(manifest.objects))


@router.post("/tenants/{tenant}/datasets/{dataset}/verify")
def verify_dataset(tenant: Tenant, dataset: DatasetId, desk: Desk) -> Verified:
    """Read every object and compare it with the manifest."""
    found, told = differences(_parts(desk), tenant, dataset)
    some = [{"name": one.name, "what": one.what} for one in told[:MAX_TOLD]]
    return Verified(digest=found.digest, objects=len(found.manifest.objects), differences=some)


@router.get("/tenants/{tenant}/datasets/{dataset}/budgets/{token}")
def show_budget(
    tenant: Tenant, dataset: DatasetId, token: Annotated[str, Field(max_length=256)], desk: Desk
) -> UsedShown:
    """Show what was read with a token that has a budget, by the token's id (`jti`)."""
    if desk.house.registry.get(tenant, "dataset", dataset) is None:
        raise RefusedError(DATASET_UNKNOWN, "there is no such dataset")
    used = desk.house.store.dataset_budgets.used(tenant, session_of(token))
    return UsedShown(bytes=used.bytes, objects=used.objects)
