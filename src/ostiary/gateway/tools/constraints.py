"""The operator's patterns for the values of an argument, read so that no value slips through by its form.

- ``*`` is any run of characters, ``?`` one. Case does not count.
- Several addresses in one value: each must fit. Of a link host and path are compared apart, so that ``*`` in the host
  never reaches into the path; whoever puts a name before the host (``https://corp.example@evil.example``) fits nothing.
- A path that climbs (``..``) fits no pattern with a wildcard.
- A pattern that fits everything constrains nothing, and vouches for nothing.

>>> fits("https://*.corp.example/*", "https://a.corp.example/x"), fits("https://*.corp.example/*", "https://e.example/.corp.example/")
(True, False)
>>> fits("*.corp.example", "e.example/.corp.example"), fits("*.txt", "notes/a.txt")
(False, True)
>>> fits("*@corp.example", "bob@corp.example"), fits("*@corp.example", "eve@e.example, bob@corp.example")
(True, False)
>>> fits("/srv/*", "/srv/a.txt"), fits("/srv/*", "/srv/../etc/passwd"), vouches("*", "anything")
(True, False, False)
"""

import fnmatch
import re
from functools import lru_cache
from typing import Final

from ostiary.gateway.tools.shapes import is_address

_SEPARATORS: Final = re.compile(r"[\s,;]+")
_SCHEME: Final = re.compile(r"([a-z*][a-z0-9+.*-]{0,30})://", re.IGNORECASE)
_CLIMBS: Final = re.compile(r"(?:^|[\\/])\.\.(?:[\\/]|$)")
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def fits(pattern: str, value: str) -> bool:
    """Tell whether a value fits one pattern."""
    value = value.strip()
    if not pattern.strip().strip("*"):
        return bool(pattern.strip()) or not value
    if _UNSEEN.search(value):
        return False
    if not _wild(pattern):
        return pattern.strip().casefold() == value.casefold()
    parts = _SEPARATORS.split(value) if value.count("@") > 1 or value.count("://") > 1 else [value]
    return all(_fits_one(pattern.strip(), part) for part in parts if part)


def vouches(pattern: str, value: str) -> bool:
    """Tell whether a pattern that says something fits a value."""
    return bool(pattern.strip("*?. @/:")) and fits(pattern, value)


def _wild(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _fits_one(pattern: str, value: str) -> bool:
    if _CLIMBS.search(value):
        return False
    wanted, told = _SCHEME.match(pattern), _SCHEME.match(value)
    if told is None and "/" in value and "@" not in value and is_address(value):
        return wanted is None and _fits_link(pattern, value)
    if told is None:
        return _glob(pattern).fullmatch(value) is not None
    rest = pattern[wanted.end() :] if wanted else pattern
    return (wanted is None or _glob(wanted[1]).fullmatch(told[1]) is not None) and _fits_link(rest, value[told.end() :])


def _fits_link(pattern: str, value: str) -> bool:
    wanted_host, wanted_slash, wanted_path = pattern.partition("/")
    host, path = re.split(r"(?=[/?#\\])", value, maxsplit=1) if re.search(r"[/?#\\]", value) else (value, "")
    if "@" in host or _glob(wanted_host).fullmatch(host) is None:
        return False
    return _glob(wanted_path).fullmatch(path.removeprefix("/")) is not None if wanted_slash else not path.strip("/")


@lru_cache(maxsize=4_096)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), re.IGNORECASE)
