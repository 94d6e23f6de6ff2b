"""Who looked at what: every click in the console is a decision, and every opening of sealed content a deed besides.

Both are read from the log itself, so there is no second book that could say something else.
"""

from typing import Any, Final
from urllib.parse import unquote

import msgspec

from ostiary.server.auditing.walking import Found, Walked, Wanted, told_of, walk
from ostiary.server.wiring import House
from ostiary.vocabulary.effects import Effect

DOOR: Final = "ostiary:console"
REVEAL: Final = "conversation.reveal"
_PREFIX: Final = "console."
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


def views_of(
    house: House,
    tenant: str,
    wanted: Wanted,
    *,
    page: str = "",
    action: str = "",
    below: int | None = None,
    limit: int = 50,
) -> tuple[list[View], Walked]:
    """Return who looked at what, newest first.

    Args:
        house: whose log.
        tenant: whose console.
        wanted: ``subject`` is the person who looked.
        page: only pages whose path begins so.
        action: only this action.
        below: the index that the page before ended at.
        limit: at most so many.

    Raises:
        FaultyInputError: ``audit_filter_invalid``.
    """
    person = wanted.subject
    if action == "reveal" and person:  # deeds are about whose content it was, not about who looked
        wanted = msgspec.structs.replace(wanted, subject="", by=person, kind="admin")

    def fits(found: Found) -> bool:
        one = _view(found)
        if one is None or (person and one.person != person):
            return False
        return one.page.startswith(page) and (not action or one.action == action)

    walked = walk(house, tenant, wanted, below, limit, fits)
    views = [view for view in map(_view, walked.found) if view is not None]
    return [_with_reason(house, tenant, one) for one in views], walked


def _view(found: Found) -> View | None:
    told = found.told or {}
    if found.row.kind == "admin" and told.get("action") == REVEAL:
        return _revealed(found, told)
    if found.row.kind != "decision" or told.get("pep") != DOOR:
        return None
    document = told.get("input")
    asked = document.get("action") if isinstance(document, dict) else None
    resource = document.get("resource") if isinstance(document, dict) else None
    if not isinstance(asked, dict) or not isinstance(resource, dict):
        return None
    page = _page(asked)
    return View(
        found.row.record_id,
        found.row.idx,
        found.row.time_ns,
        _text(told.get("subject_key")),
        _text(asked.get("name")).removeprefix(_PREFIX),
        _text(resource.get("id")),
        page,
        unquote(page.rpartition("/")[2]) if page.count("/") > 1 else "",
        "",
        _effect(told),
    )


def _revealed(found: Found, told: dict[str, Any]) -> View:
    conversation = _text(told.get("conversation"))
    return View(
        found.row.record_id,
        found.row.idx,
        found.row.time_ns,
        _text(told.get("by")),
        "reveal",
        "conversations",
        f"/gateway/conversations/{conversation}",
        _text(told.get("owner")) or conversation,
        _text(told.get("reason")),
        Effect.ALLOW.name,
    )


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


def _effect(told: dict[str, Any]) -> str:
    outcome = told.get("outcome")
    number = outcome.get("effect") if isinstance(outcome, dict) else None
    return Effect(number).name if isinstance(number, int) and number in set(Effect) else ""


def _text(value: object) -> str:
    return value[:_SHORT] if isinstance(value, str) else ""
