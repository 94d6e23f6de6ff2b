"""Which kind of log a record is, when nobody says, or somebody only says some candidates: the table it fills best.

Rules:
- Among candidates the best fitting is taken, and the first of them when none fits.
- Without candidates a guess needs three places filled, the action's among them: a wrong guess would tell wrong marks.

>>> best_of({"eventName": "GetObject", "eventSource": "s3.amazonaws.com", "userIdentity": {"type": "Root"}})
'AWS.CloudTrail'
>>> best_of({"name": "something"}) is None
True
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from ostiary.signals.logtypes.reading import Path, dig, paths_of
from ostiary.signals.logtypes.registry import log_types

_ENOUGH: Final = 3


@cache
def _own_places(name: str) -> dict[str, tuple[Path, ...]]:
    """Return the table's own paths by field, their first name in lower case."""
    places = {field: text for field, text in log_types()[name].places.items() if not text.startswith("=")}
    return {
        field: tuple((str(path[0]).lower(), *path[1:]) for path in paths_of(text.partition("|=")[0]))
        for field, text in places.items()
    }


def _filled(name: str, record: dict[str, Any]) -> set[str]:
    """Return the fields of which a place of the table's own tells something; ``record`` has its names in lower case."""
    return {
        field
        for field, paths in _own_places(name).items()
        if any(dig(record, path) not in (None, "", {}, []) for path in paths)
    }


def best_of(record: dict[str, Any], candidates: Iterable[str] = ()) -> str | None:
    """Return the log type that fits best of ``candidates``, or of all; ``None`` when no guess is good enough."""
    lower = {name.lower(): value for name, value in record.items()}
    known = [name for name in candidates if name in log_types()]
    filled = {name: _filled(name, lower) for name in known or log_types()}
    best = max(filled, key=lambda name: len(filled[name]))
    if known:
        return best
    return best if len(filled[best]) >= _ENOUGH and "action" in filled[best] else None
