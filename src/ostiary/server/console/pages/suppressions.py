"""Suppressions: what is silenced, for whom, until when; a new one only after a look at what it would have silenced.

The preview is a page with its wish in the address; what is added is what was shown.
"""

from typing import Any

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.server.admin.feedback import (
    WishBody,
    add_suppression,
    list_suppressions,
    preview_suppression,
    remove_suppression,
)
from ostiary.server.console.acting import check_not_own, text_of
from ostiary.server.console.routes import Route
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.feedback.silencing import adaptive_rules
from ostiary.server.wire import Reply
from ostiary.signals import features

HERE = "/suppressions"
WITHIN = "/detections"
ENDS = ("1", "7", "30", "90")
PARTS = ("kind", "name", "subject", "group", "resource_class", "days")
_ANYBODY = {"subject": "", "group": "", "resource_class": ""}
_DAY_NS = 86_400 * 1_000_000_000
_MARGIN_NS = 60 * 1_000_000_000


def show(visit: Visit) -> Reply:
    """Show the list, and the preview of a wish that the address names."""
    asked = {name: visit.query.get(name, "").strip()[:256] for name in PARTS}
    found, refused = None, ""
    if asked["name"]:
        try:
            found = preview_suppression(visit.tenant, _wish(visit, asked, "preview"), visit.who, visit.desk)
        except OstiaryError as no:  # why it cannot be is what this page is for
            refused = f"{no.message[:1].upper()}{no.message[1:]}."
    return visit.page(
        "suppressions.html",
        WITHIN,
        rows=[{**_ANYBODY, **one} for one in list_suppressions(visit.tenant, visit.desk)],
        asked=asked,
        preview=found,
        refused=refused,
        ends=ENDS,
        rules=sorted(adaptive_rules(visit.house, visit.tenant)),
        signals=sorted(features.INDEX),
        stamp=stamp,
    )


def add(visit: Visit) -> Reply:
    """Put one in force."""
    asked = {name: visit.form.get(name, "").strip() for name in PARTS}
    check_not_own(visit, asked["subject"])
    made = add_suppression(visit.tenant, _wish(visit, asked, text_of(visit, "why", "say why")), visit.who, visit.desk)
    return visit.done(HERE, f"{made['name']} is silent until {stamp(made['expires_ns'])} ({made['id']})")


def remove(visit: Visit) -> Reply:
    """End one at once."""
    gone = remove_suppression(visit.tenant, visit.told["suppression"], visit.who, visit.desk)
    return visit.done(HERE, f"{gone['name']} speaks again ({gone['id']})")


def _wish(visit: Visit, asked: dict[str, str], reason: str) -> WishBody:
    if asked["days"] not in {"", *ENDS}:
        raise FaultyInputError("suppression_invalid", f"it ends in {', '.join(ENDS)} days")
    until = visit.now_ns + int(asked["days"] or 7) * _DAY_NS - _MARGIN_NS
    scope: dict[str, Any] = {name: asked[name] for name in ("subject", "group", "resource_class")}
    kind = asked["kind"] or "rule"
    proposal = visit.form.get("proposal", "").strip()
    told = {"kind": kind, "name": asked["name"], "expires_ns": until, "reason": reason, "proposal": proposal}
    return WishBody.model_validate({**told, **scope})


ROUTES = (
    Route("GET", HERE, "detections", show),
    Route("POST", HERE, "detections", add, "triage"),
    Route("POST", "/suppressions/{suppression}/remove", "detections", remove, "triage"),
)
