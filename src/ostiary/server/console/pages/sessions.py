"""One session: its risk, what happened in it, what is in force; and making it fall, with the list of what fell.

Nothing here makes a session rise: that takes its person's own confirmation.
"""

from typing import Any

from ostiary.errors import FaultyInputError
from ostiary.server.admin.feedback import FeedbackBody, give_feedback
from ostiary.server.admin.session_views import show_revoked, show_timeline
from ostiary.server.admin.sessions import (
    ReduceBody,
    StepUpBody,
    Why,
    demand_step_up,
    reduce_session,
    show_session,
    terminate_session,
)
from ostiary.server.analyst.reading import session_named
from ostiary.server.console.acting import REASONS, check_not_own, reason_of, text_of
from ostiary.server.console.links import session_path, subject_path
from ostiary.server.console.pages.subjects import risk_chart
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE = "/subjects"
_NS = 1_000_000_000
_MINUTE_S = 60


def show(visit: Visit) -> Reply:
    """Show one session, ended or living; of oneself without scores."""
    name = visit.told["session"]
    session = show_session(visit.tenant, name, visit.desk)
    story = show_timeline(visit.tenant, session.handle, visit.desk)
    mine = session.subject in visit.own_names
    charts = {"risk": risk_chart(story.curve)} if story.curve.points and not mine else {}
    return visit.page(
        "session.html",
        HERE,
        session=session,
        happenings=story.happenings,
        revoked=show_revoked(visit.tenant, session.handle, visit.desk),
        curve=story.curve,
        charts=charts,
        mine=mine,
        reasons=REASONS,
        path=session_path(session.handle),
        subject_path=subject_path(session.subject) if session.subject else "",
        session_path=session_path,
        stamp=stamp,
        at=_at,
    )


def step_up(visit: Visit) -> Reply:
    """Demand a step-up."""
    handle = _handle(visit)
    done = demand_step_up(visit.tenant, handle, StepUpBody(reason=reason_of(visit)), visit.who, visit.desk)
    return _done(visit, handle, done, "Its person must confirm first, before anything else", "It had fallen already")


def reduce(visit: Visit) -> Reply:
    """Take rights, shorten its life, or both."""
    handle, minutes = _handle(visit), visit.form.get("minutes", "").strip()
    rights = tuple(one for one in visit.form.get("privileges", "").replace(",", " ").split() if one)
    if not rights and not minutes:
        raise FaultyInputError("reduction_empty", "name the rights that it loses, or in how many minutes it ends")
    if minutes and not (minutes.isascii() and minutes.isdigit()):
        raise FaultyInputError("minutes_invalid", "minutes are a whole number")
    lifetime_s = float(int(minutes[:8]) * _MINUTE_S) if minutes else None
    body = ReduceBody(reason=reason_of(visit), privileges=rights, lifetime_s=lifetime_s)
    done = reduce_session(visit.tenant, handle, body, visit.who, visit.desk)
    return _done(visit, handle, done, "It was reduced", "It had less already")


def terminate(visit: Visit) -> Reply:
    """End it for good."""
    handle = _handle(visit)
    done = terminate_session(visit.tenant, handle, Why(reason=reason_of(visit)), visit.who, visit.desk)
    return _done(visit, handle, done, "It has ended; below is what fell with it", "It had ended already")


def say(visit: Visit) -> Reply:
    """Say what the session turned out to be."""
    session = session_named(visit.house, visit.tenant, visit.told["session"])
    check_not_own(visit, session.subject)
    why = text_of(visit, "why", "say why")
    told: dict[str, Any] = {
        "target": f"session:{session.session_id}",
        "verdict": visit.form.get("verdict", ""),
        "reason": why,
    }
    give_feedback(visit.tenant, FeedbackBody.model_validate(told), visit.who, visit.desk)
    return visit.done(session_path(session.handle), "Your verdict is kept, and counts from now on")


def _handle(visit: Visit) -> str:
    return session_named(visit.house, visit.tenant, visit.told["session"]).handle


def _done(visit: Visit, handle: str, done: Any, changed: str, unchanged: str) -> Reply:
    return visit.done(session_path(handle), f"{changed if done.changed else unchanged} ({done.record_id})")


def _at(seconds: float | None) -> str:
    return "" if seconds is None else stamp(int(seconds * _NS))


ROUTES = (
    Route("GET", "/sessions/{session}", "subjects", show),
    Route("POST", "/sessions/{session}/step-up", "subjects", step_up, "respond"),
    Route("POST", "/sessions/{session}/reduce", "subjects", reduce, "respond"),
    Route("POST", "/sessions/{session}/terminate", "subjects", terminate, "respond"),
    Route("POST", "/sessions/{session}/feedback", "subjects", say, "triage"),
)
