"""The forms that workloads' claims have: each a whole-string pattern, so that nothing hides behind or before it.

>>> COMMIT.fits("9f2c1e00" * 5), COMMIT.fits("main"), NUMBER.fits(42), NUMBER.fits("042")
(True, False, False, False)
"""

import re
from dataclasses import dataclass
from typing import Final

from ostiary.identity.strict import is_name

MAX_CLAIM: Final = 1024


@dataclass(frozen=True, slots=True)
class Shape:
    """A form of text; ``words`` says it to people."""

    words: str
    pattern: re.Pattern[str]

    def fits(self, value: object) -> bool:
        """Return whether ``value`` is a bounded string of this form, without hidden characters."""
        return isinstance(value, str) and is_name(value, MAX_CLAIM) and self.pattern.fullmatch(value) is not None


NUMBER: Final = Shape("a number written as a string", re.compile(r"[1-9][0-9]{0,19}", re.ASCII))
COMMIT: Final = Shape("a whole commit id in small hexadecimal digits", re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?"))
FLAG: Final = Shape("`true` or `false` as a string", re.compile(r"true|false"))
WORD: Final = Shape("one word in small letters", re.compile(r"[a-z][a-z0-9_-]{0,63}"))
REF: Final = Shape("a full ref such as `refs/heads/main`", re.compile(r"refs/[^\s~^:?*\[\\]+"))
NAME: Final = Shape("a name", re.compile(r".+"))
UID: Final = Shape("a UUID", re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"))
LABEL: Final = Shape("a Kubernetes name", re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"))
SLUG: Final = Shape("1 to 63 of a-z 0-9 . _ -", re.compile(r"[a-z0-9][a-z0-9._-]{0,62}"))
REFS: Final = Shape(
    "`refs/heads/NAME` or `refs/tags/NAME`, with a `*` at its end for all that begin so",
    re.compile(r"refs/(?:heads|tags)/(?:\*|[^\s~^:?*\[\\]+\*?)"),
)
PLACE: Final = Shape("a place such as `OWNER/REPOSITORY/PATH@REF`, without `*`", re.compile(r"[^\s*@]+@[^\s*@]+"))
PATH: Final = Shape("a path such as `/ns/prod/sa/web`", re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)+"))
