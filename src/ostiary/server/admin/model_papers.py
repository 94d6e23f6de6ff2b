"""The papers of registered models: who signed, built, validated, approved; events and refused loads, newest first."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.pipeline.registry.naming import check_name
from ostiary.server.admin.context import Desk, Model, Tenant
from ostiary.server.admin.models import Number
from ostiary.server.lineage.model_events import Only, newest_events
from ostiary.server.lineage.walking import Walked
from ostiary.server.model_cards.papers import approval_of, provenance_of, report_of, signature_of
from ostiary.server.model_door.promotions import shown as live_shown
from ostiary.server.model_door.uploads import shown

router = APIRouter(tags=["models"])
MAX_ROWS: Final = 500
Below = Annotated[int | None, Query(ge=0, le=2**62, description="Only what stands below this index of the log.")]
Limit = Annotated[int, Query(ge=1, le=MAX_ROWS)]


class EventsPage(Model):
    """Events, newest first; ask again with ``below=next`` for older ones, none when ``next`` is null."""

    events: Annotated[list[dict[str, Any]], Field(description="As the log has them, with `at_ns` and `record_id`.")]
    next: int | None


class LivePapers(Model):
    """What is live in one stage, with its report and approval."""

    live: dict[str, Any]
    was: list[int]
    report: dict[str, Any]
    approval: dict[str, Any]


class VersionPapers(Model):
    """One version with its papers."""

    version: dict[str, Any]
    signature: dict[str, Any]
    provenance: dict[str, Any]
    live_in: list[str]


@router.get("/tenants/{tenant}/models/{name}/versions/{number}")
def show_version(tenant: Tenant, name: str, number: Number, desk: Desk) -> VersionPapers:
    """Show one version: who signed it, verified now; who built it, from what."""
    models = desk.house.models
    version = models.journal.version(tenant, check_name(name), number)
    people = models.people.of(tenant)
    return VersionPapers(
        version=shown(version),
        signature=_plain(signature_of(models, version, desk.house.clock.now_ns())),
        provenance=_plain(provenance_of(people, version)),
        live_in=[one.stage for one in models.journal.lives(tenant, name) if one.number == number],
    )


@router.get("/tenants/{tenant}/models/{name}/live")
def live_papers(tenant: Tenant, name: str, desk: Desk) -> list[LivePapers]:
    """Tell what is live in each stage, by which report and approval, and where a rollback may go."""
    models = desk.house.models
    people = models.people.of(tenant)
    return [
        LivePapers(
            live=live_shown(one),
            was=list(one.was),
            report=_plain(report_of(people, one)) if one.number else {},
            approval=_plain(approval_of(people, one)) if one.number else {},
        )
        for one in models.journal.lives(tenant, check_name(name))
    ]


@router.get("/tenants/{tenant}/models/{name}/events")
def model_events(
    tenant: Tenant,
    name: str,
    desk: Desk,
    below: Below = None,
    limit: Limit = 100,
    only: Annotated[Only, Query()] = "all",
) -> EventsPage:
    """Tell the events of one model, newest first, from the log alone."""
    return _page(newest_events(desk.house, tenant, check_name(name), only, limit=limit, below=below))


@router.get("/tenants/{tenant}/model-refusals")
def model_refusals(tenant: Tenant, desk: Desk, below: Below = None, limit: Limit = 100) -> EventsPage:
    """Tell what was refused of any model, newest first: loads above all, each with its code and its decision."""
    return _page(newest_events(desk.house, tenant, "", "refused", limit=limit, below=below))


def _page(walked: Walked[dict[str, Any]]) -> EventsPage:
    return EventsPage(events=list(walked.found), next=walked.next)


def _plain(told: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(told)
    return plain
