r"""A model card for a page: headings, paragraphs, lists, tables and code as plain values; nothing of it is ever HTML.

>>> [one["kind"] for one in blocks("# A card\n\nSome **words**.\n\n- one\n\n| a |\n|---|\n| 1 |")]
['heading', 'words', 'list', 'table']
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

MAX_LINES: Final = 2_000
MAX_LINE: Final = 2_000
_EMPHASIS: Final = re.compile(r"\*([^*]{1,200})\*")


def blocks(text: str) -> list[dict[str, Any]]:
    """Return the blocks of a text, in order."""
    lines = [line[:MAX_LINE].rstrip() for line in text.splitlines()[:MAX_LINES]]
    return list(_blocks(lines))


def _blocks(lines: list[str]) -> Iterator[dict[str, Any]]:
    for kind, group in groupby(lines, key=_kind):
        some = list(group)
        if kind == "heading":
            yield from ({"kind": kind, "level": _level(one), "text": _plain(one.lstrip("# "))} for one in some)
        elif kind == "list":
            yield {"kind": kind, "items": [_plain(one) for one in _items(some)]}
        elif kind == "table":
            rows = [[_plain(cell) for cell in one.strip().strip("|").split("|")] for one in some if not _rule(one)]
            yield {"kind": kind, "head": rows[0] if rows else [], "rows": rows[1:]}
        elif kind == "code":
            yield {"kind": kind, "text": "\n".join(one.strip() for one in some)}
        elif kind == "words":
            yield {"kind": kind, "text": _plain(" ".join(some))}


def _kind(line: str) -> str:
    if not line.strip():
        return ""
    if line.startswith("#"):
        return "heading"
    if line.startswith("|"):
        return "table"
    if line.startswith("    "):
        return "code"
    return "list" if line.startswith(("- ", "  ")) else "words"


def _items(lines: list[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line.startswith("- ") or not found:
            found.append(line.removeprefix("- "))
        else:
            found[-1] += f" {line.strip()}"
    return found


def _level(line: str) -> int:
    return min(4, 1 + len(line) - len(line.lstrip("#")))


def _rule(line: str) -> bool:
    return not set(line) - set("|-: ")


def _plain(text: str) -> str:
    return _EMPHASIS.sub(r"\1", text.strip().replace("**", "").replace("`", ""))
