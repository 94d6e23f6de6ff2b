"""Views that a person keeps: a name and the filters of a list, each for its own person alone."""

from typing import Final

import msgspec

from ostiary.decision.index.words import parse, words
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.wiring import House

MOST: Final = 50
_KIND: Final = "console_views"
_LONGEST: Final = 60


class SavedViews(msgspec.Struct, frozen=True):
    """One person's views by name: the filters as text (``decision.index.words``)."""

    views: dict[str, str] = {}


def views_of(house: House, tenant: str, subject: str) -> dict[str, str]:
    """Return a person's views, by name."""
    data = house.store.snapshots.load(tenant, _KIND, subject)
    return msgspec.json.decode(data, type=SavedViews).views if data else {}


def save_view(house: House, tenant: str, subject: str, name: str, text: str) -> None:
    """Keep a view, or replace it.

    Raises:
        FaultyInputError: ``view_name_invalid``, ``view_limit``, or as ``decision.index.words.parse``.
    """
    name = name.strip()
    if not 0 < len(name) <= _LONGEST or not name.isprintable():
        raise FaultyInputError("view_name_invalid", f"a view's name has 1 to {_LONGEST} printable characters")
    query = msgspec.structs.replace(parse(text), before=None, after=None)
    views = {**views_of(house, tenant, subject), name: words(query)}
    if len(views) > MOST:
        raise FaultyInputError("view_limit", f"there are {MOST} views already: remove one first")
    _write(house, tenant, subject, views)


def remove_view(house: House, tenant: str, subject: str, name: str) -> None:
    """Forget a view.

    Raises:
        RefusedError: ``view_unknown``.
    """
    views = views_of(house, tenant, subject)
    if name not in views:
        raise RefusedError("view_unknown", "there is no such view")
    _write(house, tenant, subject, {key: text for key, text in views.items() if key != name})


def _write(house: House, tenant: str, subject: str, views: dict[str, str]) -> None:
    data = msgspec.json.encode(SavedViews(dict(sorted(views.items()))))
    house.store.snapshots.save(tenant, _KIND, subject, data, house.clock.now_ns())
