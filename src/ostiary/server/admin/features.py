"""Feature sets: who may read which column by the tables in force, what was read, and when."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from ostiary.errors import RefusedError
from ostiary.pipeline.datasets.book import DATASET_UNKNOWN
from ostiary.server.admin.context import Desk, Model, Office, Tenant
from ostiary.server.admin.model_papers import Below, Limit
from ostiary.server.column_access.heat import Heat, heat_of
from ostiary.server.column_access.readers import access_of, find_set, readers_of
from ostiary.server.features import SET
from ostiary.server.lineage.reads import newest_reads

router = APIRouter(tags=["features"])
Purpose = Annotated[str, Query(max_length=256, description="Purpose of the access; empty where it tells none.")]


class FeatureSetShown(Model):
    """A registered feature set."""

    id: str
    sensitivity: int | None
    critical: bool
    labels: tuple[str, ...]
    owner: str
    columns: int
    entities: tuple[str, ...]
    source: str
    online: bool


class AccessShown(Model):
    """Columns by who may read them; `cells` by stage and column, the stage "" tells none."""

    feature_set: str
    columns: dict[str, dict[str, Any]]
    stages: tuple[str, ...]
    cells: dict[str, dict[str, dict[str, Any]]]
    grants: list[dict[str, Any]]
    readers: list[dict[str, Any]]
    more: bool
    filters: list[dict[str, Any]]
    max_rows: dict[str, int]
    bundle: str
    not_covered: tuple[str, ...]


class ReadersShown(Model):
    """Who may read one column in one stage, and how it is shown."""

    column: str
    stage: str
    cell: dict[str, Any]
    readers: list[dict[str, Any]]
    more: bool
    not_covered: tuple[str, ...]


class ReadsPage(Model):
    """Accesses, newest first, as the log has them; ask again with ``below=next``, none when it is null."""

    reads: list[dict[str, Any]]
    next: int | None


class HeatShown(Model):
    """Accesses by hour (UTC) and day of the week (0 Monday); `cut` says whether older ones were not counted."""

    cells: list[tuple[int, int, int]]
    counted: int
    since_ns: int
    until_ns: int
    cut: bool


@router.get("/tenants/{tenant}/feature-sets")
def list_feature_sets(tenant: Tenant, desk: Desk) -> list[FeatureSetShown]:
    """List a tenant's feature sets."""
    return [
        FeatureSetShown(
            id=one.id,
            sensitivity=one.sensitivity,
            critical=one.critical,
            labels=one.labels,
            owner=one.owner,
            columns=len(one.attributes.get("columns", {})),
            entities=tuple(one.attributes.get("entities", ())),
            source=str(one.spec.get("offline", {}).get("kind", "")),
            online=bool(one.spec.get("online", False)),
        )
        for one in desk.house.registry.all(tenant, SET)
    ]


@router.get("/tenants/{tenant}/feature-sets/{name}")
def show_access(tenant: Tenant, name: str, desk: Desk, purpose: Purpose = "") -> AccessShown:
    """Tell who may read which column, by the tables in force; what that does not cover is told with it."""
    return AccessShown.model_validate(msgspec.to_builtins(access_of(desk.house, tenant, name, purpose)))


@router.get("/tenants/{tenant}/feature-sets/{name}/readers")
def who_reads(
    tenant: Tenant,
    name: str,
    desk: Desk,
    column: Annotated[str, Query(max_length=63)],
    stage: Annotated[str, Query(max_length=256)] = "",
    purpose: Purpose = "",
) -> ReadersShown:
    """Tell who may read one column in one stage."""
    access = access_of(desk.house, tenant, name, purpose)
    found = readers_of(access, column, stage)
    cell = access.cells.get(stage, {}).get(column)
    return ReadersShown(
        column=column,
        stage=stage,
        cell={} if cell is None else msgspec.to_builtins(cell),
        readers=[msgspec.to_builtins(one) for one in found],
        more=access.more and bool(found),
        not_covered=access.not_covered,
    )


@router.get("/tenants/{tenant}/feature-sets/{name}/reads")
def feature_reads(tenant: Tenant, name: str, desk: Desk, below: Below = None, limit: Limit = 50) -> ReadsPage:
    """Tell what was read of a feature set, newest first."""
    find_set(desk.house, tenant, name)
    walked = newest_reads(desk.house, tenant, "feature", name, limit=limit, below=below)
    return ReadsPage(reads=list(walked.found), next=walked.next)


@router.get("/tenants/{tenant}/feature-sets/{name}/heat")
def feature_heat(tenant: Tenant, name: str, desk: Desk) -> HeatShown:
    """Count the newest accesses to a feature set by hour and day of the week."""
    find_set(desk.house, tenant, name)
    return _heat(heat_of(desk.house, tenant, "feature", name))


@router.get("/tenants/{tenant}/datasets/{dataset}/reads")
def dataset_reads(tenant: Tenant, dataset: str, desk: Desk, below: Below = None, limit: Limit = 50) -> ReadsPage:
    """Tell what was read or changed of a dataset, newest first, refusals too."""
    _known(desk, tenant, dataset)
    walked = newest_reads(desk.house, tenant, "dataset", dataset, limit=limit, below=below)
    return ReadsPage(reads=list(walked.found), next=walked.next)


@router.get("/tenants/{tenant}/datasets/{dataset}/heat")
def dataset_heat(tenant: Tenant, dataset: str, desk: Desk) -> HeatShown:
    """Count the newest accesses to a dataset by hour and day of the week."""
    _known(desk, tenant, dataset)
    return _heat(heat_of(desk.house, tenant, "dataset", dataset))


def _known(desk: Office, tenant: str, dataset: str) -> None:
    if desk.house.registry.get(tenant, "dataset", dataset) is None:
        raise RefusedError(DATASET_UNKNOWN, "there is no such dataset")


def _heat(found: Heat) -> HeatShown:
    return HeatShown.model_validate(msgspec.to_builtins(found))
