"""What happened in a session: its risk, its timeline, and what its fall or its end took away."""

from fastapi import APIRouter

from ostiary.server.admin.context import Desk, Model, Tenant
from ostiary.server.analyst.curve import RiskCurve, curve_of
from ostiary.server.analyst.reading import decisions_in, session_named
from ostiary.server.analyst.revoked import RevokedShown, revoked_of
from ostiary.server.analyst.timeline import Happening, marks_of, timeline_of

router = APIRouter(tags=["sessions"])


class TimelineShown(Model):
    """What happened, newest first, and the curve of the risk meanwhile."""

    happenings: list[Happening]
    curve: RiskCurve


@router.get("/tenants/{tenant}/sessions/{handle}/timeline")
def show_timeline(tenant: Tenant, handle: str, desk: Desk) -> TimelineShown:
    """Show what happened in a session, ended or living, and its risk curve with marks."""
    session = session_named(desk.house, tenant, handle)
    records = decisions_in(desk.house, session)
    happened = timeline_of(desk.house, session, records)
    curve = curve_of(desk.house, tenant, records, marks_of(happened))
    return TimelineShown(happenings=happened, curve=curve)


@router.get("/tenants/{tenant}/sessions/{handle}/revoked")
def show_revoked(tenant: Tenant, handle: str, desk: Desk) -> RevokedShown:
    """Show exactly what a session's latest fall or end took away: rights, tokens, sessions, and who is told."""
    return revoked_of(desk.house, session_named(desk.house, tenant, handle))
