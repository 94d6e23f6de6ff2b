"""Where models come from: identity, token, dataset, run, version, endpoint, and by which record each link is known."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query

from ostiary.pipeline.registry.naming import check_name
from ostiary.server.admin.context import Desk, Model, Tenant
from ostiary.server.lineage.chain import lineage_of

router = APIRouter(tags=["models"])


class NodeShown(Model):
    """One thing; `more` is its digest, builder or kind of resource."""

    name: str
    kind: Literal["identity", "token", "dataset", "run", "model", "endpoint"]
    id: str
    more: str


class LinkShown(Model):
    """What one has to do with another; `known_by` is a record's id, or says in words which document."""

    source: str
    target: str
    what: str
    known_by: str


class LineageShown(Model):
    """The picture; `cut` says what was left out."""

    nodes: list[NodeShown]
    links: list[LinkShown]
    cut: list[str]


@router.get("/tenants/{tenant}/lineage")
def show_lineage(
    tenant: Tenant,
    desk: Desk,
    model: Annotated[str, Query(max_length=128, description="Empty: all that is live.")] = "",
) -> LineageShown:
    """Tell where a model's newest versions come from, and where they answer."""
    found = lineage_of(desk.house, tenant, check_name(model) if model else "")
    return LineageShown.model_validate(msgspec.to_builtins(found))
