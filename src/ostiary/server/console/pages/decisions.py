"""Decisions as they happen: a list with filters in its address, live from where it was loaded, views to keep, export.

Filters are those of ``/api/v1`` and of ``ostiary decisions``, joined by AND. What a person clicks in a row becomes one.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from ostiary.decision.index.query import DecisionQuery
from ostiary.decision.index.words import NAMES, parse, query_of, words
from ostiary.errors import FaultyInputError
from ostiary.server.admin.decisions import list_decisions
from ostiary.server.console.addresses import address, command
from ostiary.server.console.asking import DOOR
from ostiary.server.console.live import LiveStream
from ostiary.server.console.routes import Route
from ostiary.server.console.saved import remove_view, save_view, views_of
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.decision_index.shown import Format, told, walk, written
from ostiary.server.wire import Reply, StreamReply
from ostiary.vocabulary.effects import Effect

HERE: Final = "/decisions"
_NEEDS: Final = "needs"
_PAGE: Final = 100
_PLACES: Final = frozenset({"before", "after", "limit"})
_EVENTS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)
_STALL_S: Final = 20.0
_TYPES: Final[Mapping[Format, bytes]] = {"ndjson": b"application/x-ndjson", "csv": b"text/csv; charset=utf-8"}


def show(visit: Visit) -> Reply:
    """Show the newest decisions that match, or those before a place in the list.

    Without any filter what the console itself asks is left out, and the address says so.
    """
    if not visit.query:
        return visit.elsewhere(address(HERE, {"without_pep": f"ostiary:{DOOR}"}))
    query = _query(visit)
    page = list_decisions(visit.tenant, visit.desk, query)
    chosen = _filters(query)
    text = words(msgspec.structs.replace(query, before=None, after=None, limit=DecisionQuery().limit))
    return visit.page(
        "decisions.html",
        HERE,
        rows=[_shown(one.model_dump(), query) for one in page.decisions],
        filters=[(name, value, address(HERE, {**chosen, name: ""})) for name, value in chosen.items()],
        chosen=chosen,
        effects=[effect.name for effect in Effect],
        older=address(HERE, {**chosen, "before": str(page.next)}) if page.next is not None else "",
        newest=address(HERE, chosen) if query.before is not None else "",
        text=text,
        after=max((one.index for one in page.decisions), default=getattr(page, "indexed", 0) - 1),
        live=query.before is None,
        views=[(name, f"{HERE}?{kept}" if kept else HERE, kept) for name, kept in _views(visit).items()],
        api=f"/api/v1/tenants/{visit.tenant}/decisions" + (f"?{text}" if text else "?limit=100"),
        command=command("ostiary decisions list", chosen) + " --json",
        add=_adder(chosen),
    )


def live(visit: Visit) -> StreamReply:
    """Begin a tab's stream of events: decisions by its filters and what needs the person, or the latter alone."""
    if visit.watching is None:  # never so for a route that is looked at
        raise AssertionError
    topics = visit.query.get("topics", "")
    if topics not in {"", _NEEDS}:
        raise FaultyInputError("request_invalid", f"`topics` is {_NEEDS}, or not there")
    query = None if topics else msgspec.structs.replace(_query(visit), before=None)
    shared = visit.shared
    who = f"{visit.tenant} {visit.person.subject}"
    shared.streams.enter(who)
    stream = LiveStream(
        index=visit.house.store.decisions,
        tenant=visit.tenant,
        query=query,
        watching=visit.watching,
        shown=lambda row: _shown(told(row), query or DecisionQuery()),
        needs=lambda: shared.needs.of(visit),
        closed=lambda: shared.streams.leave(who),
    )
    return StreamReply(200, stream, _EVENTS, stall_s=_STALL_S, abort=visit.watching.abort)


def export(visit: Visit) -> StreamReply:
    """Take away everything that matches, without a cap."""
    form: Format = "csv" if visit.query.get("format") == "csv" else "ndjson"
    if visit.query.get("format", form) != form:
        raise FaultyInputError("request_invalid", "`format` is ndjson or csv")
    asked = query_of((name, value) for name, value in visit.query.items() if name not in {"format", *_PLACES})
    query = unscored(asked, visit)
    filters = [part.partition("=")[0] for part in words(query).split("&") if part]
    visit.desk.record(visit.who, visit.tenant, "decisions.export", format=form, filters=filters)
    pages = written(walk(visit.house.store.decisions, visit.tenant, query), form, query.unscored)
    name = f'attachment; filename="decisions.{form}"'.encode("ascii")
    return StreamReply(200, _beside(pages), ((b"content-type", _TYPES[form]), (b"content-disposition", name)))


def keep_view(visit: Visit) -> Reply:
    """Keep the filters under a name."""
    text = visit.form.get("filters", "")
    save_view(visit.house, visit.tenant, visit.person.subject, visit.form.get("name", ""), text)
    return visit.done(f"{HERE}?{words(parse(text))}" if text else HERE, "The view is kept")


def forget_view(visit: Visit) -> Reply:
    """Forget a view."""
    remove_view(visit.house, visit.tenant, visit.person.subject, visit.told["name"])
    return visit.done(HERE, "The view is forgotten")


def unscored(query: DecisionQuery, visit: Visit) -> DecisionQuery:
    """Return a query by which nobody finds its own accesses by their score: asking often enough would tell it."""
    return msgspec.structs.replace(query, unscored=tuple(sorted(visit.own_names)))


def _query(visit: Visit) -> DecisionQuery:
    """Return what the address asks for; a field of the form that was left empty asks for nothing.

    Raises:
        FaultyInputError: ``filter_unknown``, ``filter_invalid``, ….
    """
    asked = unscored(query_of((name, value) for name, value in visit.query.items() if value), visit)
    return asked if "limit" in visit.query else msgspec.structs.replace(asked, limit=_PAGE)


def _filters(query: DecisionQuery) -> dict[str, str]:
    """Return the filters that are set, without the place in the list, as their text."""
    found = dict(part.split("=", 1) for part in words(query).split("&") if part)
    plain = {name: unquote(value) for name, value in found.items()}
    return {name: plain[name] for name in NAMES if name in plain and name not in _PLACES}


def _adder(chosen: Mapping[str, str]) -> Any:
    """Return what makes the address of this list with one filter more."""

    def add(name: str, value: str) -> str:
        return address(HERE, {**chosen, name: value})

    return add


def _shown(one: dict[str, Any], query: DecisionQuery) -> dict[str, Any]:
    """Return a row for a person: nobody is shown how his own accesses are scored, for he could tune them."""
    hidden = {"risk": None} if one["subject"] in query.unscored else {}
    return {**one, **hidden, "time": stamp(one["time_ns"])}


def _views(visit: Visit) -> dict[str, str]:
    return views_of(visit.house, visit.tenant, visit.person.subject)


async def _beside(pages: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what an iterator yields, each made in a thread."""
    while (page := await asyncio.to_thread(next, pages, None)) is not None:
        yield page


ROUTES = (
    Route("GET", HERE, "decisions", show),
    Route("GET", "/live", "decisions", live),
    Route("GET", "/decisions/export", "decisions", export, "export"),
    Route("POST", "/decisions/views", "self", keep_view, "change"),
    Route("POST", "/decisions/views/{name}/remove", "self", forget_view, "change"),
)
