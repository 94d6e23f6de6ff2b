"""What the parts of a mapping share while it is checked: how columns are named, and which ones were named."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.anylog.document import Node
from ostiary.signals.anylog.faults import at
from ostiary.signals.anylog.lookups import Get, Lookup
from ostiary.signals.anylog.paths import MAX_INDEX, MAX_STEPS, Path, dotted, pieces

Build = Callable[[Lookup], Get]
MAX_COLUMNS: Final = 256
MAX_NAME: Final = 256


class Context(msgspec.Struct):
    """One mapping on its way from text to functions.

    Attributes:
        table: whether columns are names, not paths.
        zone: of times that say none.
        ignore: whether a malformed optional value is *not told* by default.
        columns: every column that was named, and the line where it was first.
        time: what builds the event's moment, once it is known.
    """

    table: bool
    zone: tzinfo = UTC
    ignore: bool = False
    columns: dict[Path, int] = {}
    time: Build | None = None

    def path(self, text: str) -> Path:
        """Return where the column ``text`` lies.

        Raises:
            FaultyInputError: ``mapping_column``.
        """
        if len(text) > MAX_NAME:
            raise FaultyInputError("mapping_column", f"a column's name has at most {MAX_NAME} characters")
        return (text,) if self.table else dotted(text)

    def column(self, node: Node) -> Path:
        """Return the column that ``node`` names.

        Raises:
            FaultyInputError: ``mapping_column``.
        """
        try:
            path = self._path_of(node)
        except FaultyInputError as fault:
            raise at(node.line, fault.code, fault.message) from fault
        return self.named(path, node.line)

    def template(self, node: Node) -> tuple[str | Path, ...]:
        """Return the pieces of the template that ``node`` is.

        Raises:
            FaultyInputError: ``mapping_template``, ``mapping_column``, ``mapping_value``.
        """
        if not isinstance(node.value, str):
            raise at(node.line, "mapping_value", "a template is a text")
        try:
            found = pieces(node.value, self.path)
        except FaultyInputError as fault:
            raise at(node.line, fault.code, fault.message) from fault
        for piece in found:
            if not isinstance(piece, str):
                self.named(piece, node.line)
        return found

    def named(self, path: Path, line: int) -> Path:
        """Remember that a column was named."""
        self.columns.setdefault(path, line)
        if len(self.columns) > MAX_COLUMNS:
            raise at(line, "mapping_too_large", f"a mapping names at most {MAX_COLUMNS} columns")
        return path

    def _path_of(self, node: Node) -> Path:
        value: Any = node.value
        if isinstance(value, str) and value:
            return self.path(value)
        if isinstance(value, int) and not isinstance(value, bool) and self.table and 0 < value <= MAX_INDEX:
            return (str(value),)
        steps = [each.value for each in value] if isinstance(value, list) and not self.table else []
        if 0 < len(steps) <= MAX_STEPS and isinstance(steps[0], str) and all(map(_is_step, steps)):
            return tuple(steps)
        raise FaultyInputError("mapping_column", "a column is a name, a number from 1, or a path")


def _is_step(step: Any) -> bool:
    if isinstance(step, bool):
        return False
    return isinstance(step, str) or (isinstance(step, int) and 0 <= step <= MAX_INDEX)
