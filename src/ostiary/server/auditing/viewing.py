"""Who looked at what: every click in the console is a decision, and every opening of sealed content a deed besides.

Where they are is looked up in the columns of decisions; what they say is read from the log: columns prove nothing.
"""

from typing import Any, Final
from urllib.parse import unquote

import msgspec

from ostiary.decision.index.ports import IndexedDecision
from ostiary.decision.index.query import DecisionQuery
from ostiary.server.auditing.walking import told_of
from ostiary.server.wiring import House

DOOR: Final = "ostiary:console"
REVEAL: Final = "conversation.reveal"
_PREFIX: Final = "console."
MOST_LOOKED: Final = 2_000
_SHORT: Final = 500


class View(msgspec.Struct, frozen=True):
    """One look.

    Attributes:
        person: who, ``type:id``.
        action: ``view``, ``export``, ``reveal``, ….
        area: the part of the console.
        page: its path as it was asked for.
        about: what the page was of, where it was of one thing.
        reason: what the person said, where a reason was asked for.
        effect: whether it was let happen.
    """

    id: str
    index: int
    time_ns: int
    person: str
    action: str
    area: str
    page: str
    about: str
    reason: str
    effect: str


class Views(msgspec.Struct, frozen=True):
    """Looks, newest first; ``below`` is where the next page begins, ``0`` at the end."""

    views: tuple[View, ...]
    looked: int
    below: int


def views_of(house: House, tenant: str, query: DecisionQuery, *, page: str = "") -> Views:
    """Return who looked at what, newest first.

    Args:
        house: whose log.
        tenant: whose console.
        query: filters by person (``subject``), area (``resource_id``), action and time; ``before`` and ``limit``.
        page: only pages whose path begins so.

    Raises:
        VerificationError: a record was tampered with.
    """
    query = msgspec.structs.replace(query, pep=DOOR)
    found: list[View] = []
    looked, before = 0, query.before
    while looked < MOST_LOOKED and len(found) < query.limit:
        rows = house.store.decisions.rows(tenant, msgspec.structs.replace(query, before=before))
        for row in rows:
            looked, before = looked + 1, row.idx
            one = _view(house, tenant, row)
            if one is not None and one.page.startswith(page):
                found.append(one)
            if len(found) == query.limit:
                break
        if len(rows) < query.limit:
            return Views(tuple(found), looked, 0 if len(found) < query.limit else before or 0)
    return Views(tuple(found), looked, before or 0)


def _view(house: House, tenant: str, row: IndexedDecision) -> View | None:
    """Return one look as its record has it; ``None`` when it was erased, or is not what the columns say."""
    kept = house.log.store.find_record(tenant, row.id)
    told = told_of(house, kept) if kept is not None and kept.kind == "decision" else None
    if not told or told.get("pep") != DOOR:
        return None
    document = told.get("input")
    asked = document.get("action") if isinstance(document, dict) else None
    page = _page(asked) if isinstance(asked, dict) else ""
    about = unquote(page.rpartition("/")[2]) if page.count("/") > 1 else ""
    action = row.action.removeprefix(_PREFIX)
    view = View(row.id, row.idx, row.time_ns, row.subject, action, row.resource_id, page, about, "", row.effect.name)
    return _with_reason(house, tenant, view)


def _with_reason(house: House, tenant: str, one: View) -> View:
    """Return a look at opened content with the reason that its deed names: the deed's id is in the path."""
    if one.action != "reveal" or one.reason or not one.about.startswith("adm_"):
        return one
    row = house.log.store.find_record(tenant, one.about)
    told = told_of(house, row) if row is not None and row.kind == "admin" else None
    if not told or told.get("action") != REVEAL:
        return one
    return msgspec.structs.replace(one, reason=_text(told.get("reason")), about=_text(told.get("owner")))


def _page(asked: dict[str, Any]) -> str:
    properties = asked.get("properties")
    return _text(properties.get("path")) if isinstance(properties, dict) else ""


def _text(value: object) -> str:
    return value[:_SHORT] if isinstance(value, str) else ""
