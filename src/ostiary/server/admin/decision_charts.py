"""Decisions counted and exported: by the hour, what came most often, by weekday and hour, and all of them.

This module's name sorts before ``decisions``, whose ``/decisions/{decision_id}`` would else take these paths.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from ostiary.decision.index.ports import HOUR_NS
from ostiary.decision.index.query import DecisionQuery
from ostiary.decision.index.words import words
from ostiary.errors import FaultyInputError
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.admin.filtering import Asked, Effects, Moment, Text, effects_of, span_of
from ostiary.server.decision_index.shown import Format, told_hour, walk, written

router = APIRouter(tags=["decisions"])
_DAYS = 30
_MOST_DAYS = 366
_TYPES: dict[Format, str] = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_FILES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/x-ndjson": {}, "text/csv": {}}}}


class HourShown(Model):
    """How often one effect was decided in one hour."""

    hour_ns: int
    effect: str
    count: int


class HoursShown(Model):
    """Counts by hour and effect; an hour without decisions has none. Whole hours, those of both ends included."""

    since_ns: int
    until_ns: int
    hours: list[HourShown]


class TopRow(Model):
    """How often something came."""

    value: str
    count: int


class HeatCell(Model):
    """Decisions on one weekday (0 is Monday) in one hour, in UTC."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    hour: Annotated[int, Field(ge=0, le=23)]
    count: int


@router.get("/tenants/{tenant}/decisions/hours")
def decision_hours(
    tenant: Tenant, desk: Desk, since_ns: Moment = None, until_ns: Moment = None, pep: Text = None
) -> HoursShown:
    """Count decisions by hour and effect, the last 30 days unless told otherwise; what was erased is counted too."""
    since, until = span_of(since_ns, until_ns, desk.house.clock.now_ns(), _DAYS, _MOST_DAYS)
    found = desk.house.store.decisions.hours(tenant, since // HOUR_NS, -(-until // HOUR_NS), pep)
    return HoursShown(since_ns=since, until_ns=until, hours=[HourShown(**told_hour(one)) for one in found])


@router.get("/tenants/{tenant}/decisions/top")
def decision_top(
    tenant: Tenant,
    desk: Desk,
    field: Literal["subject", "resource", "rule", "action"],
    effect: Effects = None,
    since_ns: Moment = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> list[TopRow]:
    """Return what came most often in the last 30 days, or since a moment."""
    since, _ = span_of(since_ns, None, desk.house.clock.now_ns(), _DAYS, 2**32)
    found = desk.house.store.decisions.top(tenant, field, effects_of(effect), since, limit)
    return [TopRow(value=value, count=count) for value, count in found]


@router.get("/tenants/{tenant}/decisions/heat")
def decision_heat(tenant: Tenant, desk: Desk, subject: Text = None, since_ns: Moment = None) -> list[HeatCell]:
    """Count decisions by weekday and hour, of one subject or of all, in the last 30 days or since a moment."""
    since, _ = span_of(since_ns, None, desk.house.clock.now_ns(), _DAYS, 2**32)
    query = DecisionQuery(subject=subject)
    found = desk.house.store.decisions.heat(tenant, query.subject, since)
    return [HeatCell(weekday=day, hour=hour, count=count) for (day, hour), count in sorted(found.items())]


@router.get("/tenants/{tenant}/decisions/export", response_class=StreamingResponse, responses=_FILES)
def export_decisions(
    tenant: Tenant,
    who: Who,
    desk: Desk,
    query: Asked,
    request: Request,
    form: Annotated[Format, Query(alias="format")] = "ndjson",
) -> StreamingResponse:
    """Export every decision that matches, without a cap: lines of JSON, or a table. That it was done is recorded."""
    wanted = query or DecisionQuery()
    if "limit" in request.query_params:
        raise FaultyInputError("filter_unknown", "an export has no `limit`: it holds everything that matches")
    filters = [part.partition("=")[0] for part in words(wanted).split("&") if part]
    desk.record(who, tenant, "decisions.export", format=form, filters=filters)
    pages = walk(desk.house.store.decisions, tenant, wanted)
    return StreamingResponse(
        written(pages, form),
        media_type=_TYPES[form],
        headers={
            "Content-Disposition": f'attachment; filename="decisions.{form}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
