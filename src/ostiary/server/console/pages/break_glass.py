"""Breaking the glass: what is open and was, opening with people's agreement or sealed codes, closing, the codes.

A code is shown once, to whoever holds the ceremony; from then on it is somebody's, on paper.
"""

from datetime import datetime
from typing import Any, Final

from ostiary.errors import FaultyInputError
from ostiary.server.admin.break_glass import (
    CloseBody,
    CodesBody,
    OpenBody,
    call_back_codes,
    close_glass,
    list_codes,
    list_glass,
    make_code_set,
    open_glass,
)
from ostiary.server.console.asked import reason_of
from ostiary.server.console.routes import Route
from ostiary.server.console.spans import span
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/access/break-glass"
_IN: Final = "/access"
_HOURS: Final = {"1": 3_600, "2": 7_200, "4": 14_400, "8": 28_800, "24": 86_400}
_NS: Final = 1_000_000_000
_KINDS: Final = {"open": "bad", "waiting": "wait", "ended": ""}


def show(visit: Visit) -> Reply:
    """Show every break-glass and the sets of codes."""
    rows: list[dict[str, Any]] = [
        {**one.model_dump(), "state_kind": _KINDS[one.state]} for one in list_glass(visit.tenant, visit.desk)
    ]
    codes = [{**one.model_dump(), "longest": span(one.longest_s)} for one in list_codes(visit.tenant, visit.desk)]
    return visit.page(
        "break_glass.html",
        _IN,
        rows=rows,
        codes=codes,
        hours=list(_HOURS),
        has_people=visit.house.agreed.has_people(visit.tenant),
        longest=span(visit.house.settings.break_glass.longest_s),
    )


def open_one(visit: Visit) -> Reply:
    """Open one; the end is what people agreed to, or so many hours from now."""
    form = visit.form
    proposal, codes = form.get("proposal", "").strip(), _lines(form.get("codes", ""))
    if not proposal and not codes:
        raise FaultyInputError("approval_missing", "name the proposal that people agreed to, or give sealed codes")
    told: dict[str, Any] = {
        "replaces": _lines(form.get("replaces", "")),
        "resources": _lines(form.get("resources", "")),
        "subjects": _lines(form.get("subjects", "")),
        "since": _moment(form.get("since", "")),
        "until": _moment(form.get("until", "")) or visit.now_ns // _NS + _HOURS.get(form.get("hours", ""), 3_600),
        "reason": reason_of(visit.form),
        "proposal": proposal,
        "codes": codes,
    }
    made = open_glass(visit.tenant, OpenBody.model_validate(told), visit.who, visit.desk)
    return visit.done(HERE, f"The glass is broken until {made.until}")


def close(visit: Visit) -> Reply:
    """Close one before its time."""
    close_glass(visit.tenant, visit.told["glass"], CloseBody(why=reason_of(visit.form)), visit.who, visit.desk)
    return visit.done(HERE, "It is closed: rules hold as usual again")


def make_codes(visit: Visit) -> Reply:
    """Hold the ceremony; the codes are shown this once."""
    form = visit.form
    people = _lines(form.get("people", ""))
    told = {
        "people": people,
        "need": form.get("need", "2").strip(),
        "replaces": _lines(form.get("replaces", "")),
        "resources": _lines(form.get("resources", "")),
        "subjects": _lines(form.get("subjects", "")),
        "longest_s": _HOURS.get(form.get("hours", ""), 3_600),
        "proposal": form.get("proposal", "").strip(),
    }
    fresh = make_code_set(visit.tenant, CodesBody.model_validate(told), visit.who, visit.desk)
    text = "\n".join(f"{one.person}: {one.code}" for one in fresh.codes)
    return visit.once(f"Sealed codes, {fresh.set.need} of {len(fresh.codes)} open", text)


def call_back(visit: Visit) -> Reply:
    """Make a set of codes good for nothing."""
    call_back_codes(visit.tenant, visit.told["codes"], visit.who, visit.desk)
    return visit.done(HERE, "Those codes are good for nothing any more")


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for part in text.splitlines() if (line := part.strip()))


def _moment(text: str) -> int | None:
    """Return the Unix seconds of a moment with its zone, ``None`` for none."""
    if not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip()[:40])
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise FaultyInputError("request_invalid", "write a moment with its zone, such as 2026-11-27T09:00:00Z")
    return int(found.timestamp())


ROUTES = (
    Route("GET", HERE, "access", show),
    Route("POST", HERE, "access", open_one, "change"),
    Route("POST", "/access/break-glass/{glass}/close", "access", close, "respond"),
    Route("POST", "/access/codes", "access", make_codes, "change"),
    Route("POST", "/access/codes/{codes}/call-back", "access", call_back, "respond"),
)
