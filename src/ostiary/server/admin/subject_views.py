"""Subjects as an analyst sees them: people and workloads by risk, and one with all that is known of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from ostiary.server.admin.context import Desk, Tenant
from ostiary.server.analyst.subject import SubjectShown, subject_of
from ostiary.server.analyst.subjects import SubjectFilter, SubjectRow, subjects_of

router = APIRouter(tags=["subjects"])
Part = Annotated[str, Query(max_length=256)]
Level = Literal["", "unknown", "low", "medium", "high"]
State = Literal["", "active", "reduced", "step_up", "ended", "none"]


@router.get("/tenants/{tenant}/subjects")
def list_subjects(
    tenant: Tenant,
    desk: Desk,
    type_: Annotated[str, Query(alias="type", max_length=256)] = "",
    name: Part = "",
    level: Level = "",
    state: State = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[SubjectRow]:
    """List subjects, those with the riskiest living session first; filters are joined by AND."""
    return subjects_of(desk.house, tenant, SubjectFilter(type_, name, level, state), limit)


@router.get("/tenants/{tenant}/subjects/{subject:path}")
def show_subject(tenant: Tenant, subject: str, desk: Desk) -> SubjectShown:
    """Show one subject (``type:id``): facts, sessions, devices, risk, rhythm, cases; conversations are counted only."""
    return subject_of(desk.house, tenant, subject)
