"""Access that somebody asked for, and access that was granted: answering, taking back.

Where the tenant has people, granting is theirs: the request leads to its proposal. Saying no, and taking back, only
tightens: one person is enough, with a reason.
"""

from typing import Any, Final

from ostiary.server.admin.access import (
    AnswerBody,
    deny_request,
    grant_request,
    list_grants,
    list_requests,
    revoke_grant,
)
from ostiary.server.admin.break_glass import list_glass
from ostiary.server.break_glass.shown import OPEN
from ostiary.server.console.asked import reason_of
from ostiary.server.console.routes import Route
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/access"
_STATES: Final = {"approved": "good", "denied": "bad", "expired": "wait", "pending": "wait"}
_SHOWN: Final = ("pending", "answered", "all")
_MOST: Final = 200


def show(visit: Visit) -> Reply:
    """Show requests and grants."""
    wanted = visit.query.get("show", "pending")
    every = list_requests(visit.tenant, visit.desk)
    rows = [_row(one.model_dump()) for one in every if _fits(one.status, wanted)]
    grants = [one.model_dump() for one in list_grants(visit.tenant, visit.desk)]
    return visit.page(
        "access.html",
        HERE,
        show=wanted if wanted in _SHOWN else "all",
        rows=rows[:_MOST],
        waiting=sum(one.status == "pending" for one in every),
        grants=[one for one in grants if one["status"] == "holds"][:_MOST],
        ended=sum(one["status"] != "holds" for one in grants),
        has_people=visit.house.agreed.has_people(visit.tenant),
        types=visit.house.settings.access_requests.types,
        glass=[one.model_dump() for one in list_glass(visit.tenant, visit.desk) if one.state == OPEN],
    )


def grant(visit: Visit) -> Reply:
    """Grant a request, where the tenant has no people."""
    name = visit.told["request"]
    told = grant_request(visit.tenant, name, visit.who, visit.desk, AnswerBody(why=reason_of(visit.form)))
    return visit.done(HERE, f"{told.subject} may {told.action} {told.resource}")


def deny(visit: Visit) -> Reply:
    """Say no to a request."""
    name = visit.told["request"]
    told = deny_request(visit.tenant, name, visit.who, visit.desk, AnswerBody(why=reason_of(visit.form)))
    return visit.done(HERE, f"{told.subject} was told no")


def revoke(visit: Visit) -> Reply:
    """Take a grant back."""
    revoke_grant(visit.tenant, visit.told["grant"], visit.who, visit.desk, reason_of(visit.form))
    return visit.done(HERE, "The grant was taken back: the next decision does not know it")


def _fits(status: str, wanted: str) -> bool:
    return wanted not in _SHOWN[:2] or (status == "pending") == (wanted == "pending")


def _row(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "state_kind": _STATES.get(one["status"], "")}


ROUTES = (
    Route("GET", HERE, "access", show),
    Route("POST", "/access/requests/{request}/grant", "access", grant, "respond"),
    Route("POST", "/access/requests/{request}/deny", "access", deny, "respond"),
    Route("POST", "/access/grants/{grant}/revoke", "access", revoke, "respond"),
)
