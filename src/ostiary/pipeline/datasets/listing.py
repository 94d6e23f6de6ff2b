"""Pages of a listing: never more than the token's own folder, whatever is asked for.

- What is asked for and what the token may see are laid over each other: the narrower one is listed; two that do not
  touch give nothing to list, and that is a refusal, not an empty page (an empty one would tell that nothing is there).
- A page ends with the key behind which the next one begins. Whoever makes one up gets a later or an earlier start of
  the very same listing, and nothing else.

>>> inside("2026/07", "2026")
'2026/07'
>>> inside("", "2026")
'2026'
"""

import base64
import binascii
from itertools import islice
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.datasets.names import MAX_BYTES, check_prefix, is_below
from ostiary.pipeline.datasets.ports import Listed, Objects

PAGE_INVALID: Final = "page_invalid"
OUTSIDE: Final = "outside_scope"
MAX_PAGE: Final = 1000


class Page(msgspec.Struct, frozen=True):
    """Some entries; ``next`` asks for those behind them and is empty at the end."""

    entries: tuple[Listed, ...]
    next: str = ""


def inside(asked: str, allowed: str) -> str:
    """Return the folder to list: what is asked for, but nothing outside of what is allowed.

    Raises:
        FaultyInputError: ``object_name_invalid``.
        RefusedError: ``outside_scope``.
    """
    folder, scope = check_prefix(asked), check_prefix(allowed)
    if is_below(folder, scope):
        return folder
    if is_below(scope, folder):
        return scope
    raise RefusedError(OUTSIDE, "the token is for another folder")


def page_of(objects: Objects, folder: str, token: str, limit: int, *, deep: bool) -> Page:
    """Return one page of a folder.

    Raises:
        FaultyInputError: ``page_invalid``.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise FaultyInputError(PAGE_INVALID, f"a page has 1 to {MAX_PAGE} entries")
    entries = objects.list(folder, _behind(token), deep=deep)
    found = [one for one in islice(entries, limit + 1) if is_below(one.name, folder)]
    page = tuple(found[:limit])
    return Page(page, _token(page[-1]) if len(found) > limit else "")


def _token(last: Listed) -> str:
    key = last.name + "/" if last.is_folder else last.name
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _behind(token: str) -> str:
    if not token:
        return ""
    wrong = FaultyInputError(PAGE_INVALID, "the token of the page is malformed")
    if len(token) > 2 * MAX_BYTES or not token.isascii():
        raise wrong
    try:
        key = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise wrong from None
    check_prefix(key)
    return key
