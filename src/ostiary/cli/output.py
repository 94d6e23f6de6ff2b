"""How commands speak: machine output is JSON on stdout, words are for a terminal, progress goes to stderr.

Words come from outside too: names, reasons, what a file says of itself. No terminal obeys any of them (CWE-150).
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typing_extensions import override


class Words(Console):
    """A console that writes what it is told, and nothing that a terminal obeys but its own styles."""

    @override
    def print(self, *objects: Any, **how: Any) -> None:
        """Write words, tables and texts."""
        super().print(*(_harmless(one) for one in objects), **how)


def _harmless(one: Any) -> Any:
    if isinstance(one, Text):
        one = one.copy()
        one.plain = plain(one.plain)
    return plain(one) if isinstance(one, str) else one


out = Words(highlight=False, soft_wrap=True)
err = Words(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object, *, indent: bool = True) -> None:
    """Write ``value`` as JSON and a newline to stdout; structs, dataclasses and enums are understood."""
    text = msgspec.json.encode(value)
    sys.stdout.write((msgspec.json.format(text, indent=2) if indent else text).decode() + "\n")


def print_jsonl(values: Iterable[object]) -> None:
    """Write one JSON document a line to stdout."""
    for value in values:
        print_json(value, indent=False)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table for a person; values are plain text: never markup, and nothing that a terminal obeys."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(plain(str(row.get(column, ""))).replace("[", "\\[") for column in columns))
    out.print(table)


def plain(text: str) -> str:
    """Return ``text`` with a mark for each control and invisible character but the end of a line."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
