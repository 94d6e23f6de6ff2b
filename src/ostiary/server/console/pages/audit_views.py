"""Who looked at what: each click is a decision, and sealed content is opened for a reason that stands beside it."""

from typing import Final

from ostiary.server.admin.audit import END_NS, list_views
from ostiary.server.console.addresses import address
from ostiary.server.console.pages.audit import below_of, chosen_of
from ostiary.server.console.periods import moment_ns
from ostiary.server.console.routes import ACTIONS, AREAS, Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/audit/views"
FILTERS: Final = ("person", "action", "area", "page", "from", "to")


def show(visit: Visit) -> Reply:
    """Show who looked at what, newest first."""
    chosen = chosen_of(visit, FILTERS)
    found = list_views(
        visit.tenant,
        visit.desk,
        person=chosen.get("person"),
        area=chosen.get("area"),
        action=chosen.get("action"),
        page=chosen.get("page", ""),
        from_ns=moment_ns(chosen.get("from", "")),
        to_ns=moment_ns(chosen.get("to", "")) or END_NS,
        below=below_of(visit),
    )
    return visit.page(
        "audit_views.html",
        "/audit",
        rows=[{**one.model_dump(), "time": stamp(one.time_ns)} for one in found.views],
        chosen=chosen,
        filters=[(name, value, address(HERE, {**chosen, name: ""})) for name, value in chosen.items()],
        actions=ACTIONS,
        areas=AREAS,
        looked=found.looked,
        older=address(HERE, {**chosen, "below": str(found.below)}) if found.below else "",
        newest=address(HERE, chosen) if "below" in visit.query else "",
    )


ROUTES = (Route("GET", HERE, "audit", show),)
