"""One's own sign-in: roles, sessions, passkeys; signing out, here or everywhere."""

from typing import Any

from ostiary.errors import RefusedError
from ostiary.identity.browsing import BrowserSession
from ostiary.server.console.cookies import clear_cookie
from ostiary.server.console.routes import Route
from ostiary.server.console.sessions import end, sessions_of
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply, json_reply

HERE = "/me"


def show(visit: Visit) -> Reply:
    """Show who is signed in, and where else."""
    subject = visit.person.subject
    kept = visit.house.store.authenticators.of_subject(visit.tenant, subject)
    passkeys = [
        {"name": one.name, "since": stamp(one.created_ns), "used": stamp(one.used_ns) if one.used_ns else ""}
        for one in kept
    ]
    sessions = [_shown(one, visit) for one in reversed(sessions_of(visit.house).of(visit.tenant, subject))]
    return visit.page("me.html", HERE, person=visit.person, passkeys=passkeys, sessions=sessions)


def sign_out(visit: Visit) -> Reply:
    """End this session."""
    end(visit.house, visit.session)
    if visit.wants_json:
        return json_reply(200, {"go": "/sign-in"}, clear_cookie())
    return Reply(303, b"", ((b"location", b"/sign-in"), clear_cookie()))


def end_session(visit: Visit) -> Reply:
    """End another session of one's own."""
    mine = sessions_of(visit.house).of(visit.tenant, visit.person.subject)
    found = next((one for one in mine if one.session_id == visit.told["session"]), None)
    if found is None:
        raise RefusedError("session_unknown", "there is no such session")
    end(visit.house, found)
    return visit.done(HERE, "That session was ended")


def _shown(one: BrowserSession, visit: Visit) -> dict[str, Any]:
    return {
        "id": one.session_id,
        "began": stamp(one.began_ns),
        "seen": stamp(one.seen_ns),
        "until": stamp(one.expires_ns),
        "here": one.session_id == visit.session.session_id,
    }


ROUTES = (
    Route("GET", HERE, "self", show),
    Route("POST", "/sign-out", "self", sign_out, "change"),
    Route("POST", "/me/sessions/{session}/end", "self", end_session, "change"),
)
