"""Which paths a model may hold: plain ones, that mean the same file on every machine.

- Parts are in Unicode's composed form (NFC) and printable. They hold no backslash, colon or ``*?"<>|``, are not ``.``
  or ``..``, and do not begin or end with a space or end with a dot: those names change on some file systems.
- No two paths may read alike when case is ignored: on such a file system one would stand for the other.
- Dotfiles are names like others: signed, or refused as extra files.

>>> check_path("sub/model.safetensors"), is_plain("../x"), is_plain("a:b")
(None, False, False)
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

from ostiary.artifacts.oms.refusing import refuse, shown

_FORBIDDEN: Final = frozenset('\\:*?"<>|')
_MAX_PART_BYTES: Final = 255


def is_plain(path: str) -> bool:
    """Return whether every part of a relative POSIX path is plain."""
    return all(_is_plain_part(part) for part in path.split("/"))


def check_path(path: str) -> None:
    """Refuse a path that is not plain.

    Raises:
        VerificationError: ``artifact_name``.
    """
    if not is_plain(path):
        raise refuse("artifact_name", f"`{shown(path)}` is no plain path")


def check_distinct(paths: Iterable[str]) -> None:
    """Refuse paths of which two read alike, or one is a folder of the other.

    Raises:
        VerificationError: ``artifact_name``.
    """
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for path in paths:
        alike = unicodedata.normalize("NFKC", path).casefold()
        if alike in seen:
            raise refuse("artifact_name", f"`{shown(path)}` and `{shown(seen[alike])}` read alike")
        seen[alike] = path
        parts = alike.split("/")
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    both = folders & seen.keys()
    if both:
        raise refuse("artifact_name", f"`{shown(seen[both.pop()])}` is a file and a folder")


def _is_plain_part(part: str) -> bool:
    return (
        part not in {"", ".", ".."}
        and part == part.strip(" ")
        and not part.endswith(".")
        and part.isprintable()
        and not _FORBIDDEN & set(part)
        and unicodedata.is_normalized("NFC", part)
        and _fits(part)
    )


def _fits(part: str) -> bool:
    try:
        return len(part.encode()) <= _MAX_PART_BYTES
    except UnicodeEncodeError:  # a lone surrogate: a name on disk that is no UTF-8
        return False
