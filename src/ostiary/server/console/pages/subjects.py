"""People and workloads by risk, and one of them with all that is known; ending everything that one began."""

from typing import Any, get_args

from ostiary.errors import FaultyInputError
from ostiary.server.admin.sessions import RevokeBody, revoke_subject
from ostiary.server.admin.subject_views import Level, State, show_subject
from ostiary.server.analyst.subject import SubjectShown
from ostiary.server.analyst.subjects import SubjectFilter, subjects_of
from ostiary.server.console.acting import REASONS, reason_of
from ostiary.server.console.links import session_path, subject_path, with_filters
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE = "/subjects"
MOST = 200
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FILTERS = ("type", "name", "level", "state")
_MS = 1_000_000


def show(visit: Visit) -> Reply:
    """Show the list."""
    asked = {name: visit.query.get(name, "").strip() for name in FILTERS}
    unknown = [name for name, known in (("level", Level), ("state", State)) if asked[name] not in get_args(known)]
    if unknown:
        raise FaultyInputError("filter_invalid", f"there is no such {unknown[0]}")
    rows = subjects_of(visit.house, visit.tenant, SubjectFilter(**asked), MOST + 1, hidden=visit.own_names)
    return visit.page(
        "subjects.html",
        HERE,
        rows=rows[:MOST],
        more=len(rows) > MOST,
        asked=asked,
        own=visit.own_names,
        levels=[one for one in get_args(Level) if one],
        states=[one for one in get_args(State) if one],
        chips=[(name, value, with_filters(HERE, asked, **{name: ""})) for name, value in asked.items() if value],
        query=with_filters("", asked),
        path_of=subject_path,
        stamp=stamp,
    )


def show_one(visit: Visit) -> Reply:
    """Show one subject; of oneself without scores."""
    found = show_subject(visit.tenant, visit.told["subject"], visit.desk)
    mine = found.row.subject in visit.own_names
    charts = {"heat": _heat(found)} if found.heat else {}
    if not mine and found.curve.points:
        charts["risk"] = risk_chart(found.curve)
    if not mine and found.rhythm.points:
        charts["rhythm"] = _rhythm(found)
    return visit.page(
        "subject.html",
        HERE,
        one=found,
        mine=mine,
        charts=charts,
        reasons=REASONS,
        path=subject_path(found.row.subject),
        session_path=session_path,
        stamp=stamp,
        at=_at,
    )


def revoke(visit: Visit) -> Reply:
    """End all that a subject began."""
    subject = show_subject(visit.tenant, visit.told["subject"], visit.desk).row.subject
    kind, _, name = subject.partition(":")
    body = RevokeBody(type=kind, id=name, reason=reason_of(visit))
    done = revoke_subject(visit.tenant, body, visit.who, visit.desk)
    ended = "1 session" if len(done.sessions) == 1 else f"{len(done.sessions)} sessions"
    words = f"{ended} ended, and every older token is refused ({done.record_id})"
    return visit.done(subject_path(subject), words)


def risk_chart(curve: Any) -> dict[str, Any]:
    """Return a curve as the chart reads it."""
    points = [[one.time_ns // _MS, round(one.score, 4)] for one in curve.points]
    last = max((one.time_ns // _MS for one in curve.marks), default=0)
    if points and last > points[-1][0]:  # a score stands until the next one: what came after it is seen as well
        points.append([last, points[-1][1]])
    return {
        "points": points,
        "marks": [{"at": one.time_ns // _MS, "text": one.text} for one in curve.marks],
        "medium": curve.bands.medium,
        "high": curve.bands.high,
    }


def _heat(found: SubjectShown) -> dict[str, Any]:
    cells = [[one.hour, one.weekday, one.count] for one in found.heat]
    return {"days": DAYS, "cells": cells}


def _rhythm(found: SubjectShown) -> dict[str, Any]:
    points = [[one.time_ns // _MS, round(one.llr, 3)] for one in found.rhythm.points]
    return {"points": points, "name": "nats for another person"}


def _at(seconds: float | None) -> str:
    return "" if seconds is None else stamp(int(seconds * 1_000_000_000))


ROUTES = (
    Route("GET", HERE, "subjects", show),
    Route("GET", "/subjects/{subject}", "subjects", show_one),
    Route("POST", "/subjects/{subject}/revoke", "subjects", revoke, "respond"),
)
