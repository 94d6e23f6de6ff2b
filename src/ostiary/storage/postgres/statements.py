r"""The statements of PostgreSQL by their names, and how the values of the tables become the driver's.

- A statement's first line says whose rows it is about: ``-- tenant: $1`` or ``:tenant`` names the value that is the
  tenant, ``all`` is for what serves every tenant (the log's writer, clearing up), ``none`` for tables without tenants.
  The server shows it the rows of that tenant and no others (``rights.sql``).
- ``many_NAME`` does in one statement what ``NAME`` does for each of many rows; its values are the rows' columns.
- Where a value is a list it comes as JSON, as SQLite wants it; here it becomes an array (``:names::text[]``).
- PostgreSQL's text holds no NUL. A NUL becomes ``\x01\x01`` and a ``\x01`` becomes ``\x01\x02``: nothing else that
  was said reads the same, and the order of texts by their bytes stays.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec

from ostiary.storage.statements import statements
from ostiary.storage.tables.database import Row

_TENANT: Final = re.compile(r"-- tenant: (all|none|\$\d+|:\w+)\n")
_NAMED: Final = re.compile(r"(?<![:\w]):([a-z_]\w*)")
_LIST: Final = re.compile(r"\$(\d+)::text\[\]")
_MANY: Final = "many_"
_texts: Final = msgspec.json.Decoder(list[str])


class Scope(msgspec.Struct, frozen=True):
    """Whose rows a statement may see: those of one tenant, or of all."""

    tenant: str = ""
    everyone: bool = False


EVERYONE: Final = Scope(everyone=True)


class Statement(msgspec.Struct, frozen=True):
    """One statement as the driver takes it; ``names`` are empty where its values come by position."""

    name: str
    sql: str
    names: tuple[str, ...]
    lists: frozenset[int]
    tenant: str | int

    def values(self, told: Sequence[object] | Mapping[str, object]) -> list[object]:
        """Return the values in the statement's order."""
        given = [told[name] for name in self.names] if isinstance(told, Mapping) else told
        return [_texts_of(one) if at in self.lists else kept(one) for at, one in enumerate(given)]

    def scope(self, values: Sequence[object]) -> Scope | None:
        """Return whose rows it may see with these values; ``None`` where no tenant has any."""
        if isinstance(self.tenant, int):
            return Scope(str(values[self.tenant]))
        return EVERYONE if self.tenant == "all" else None


@cache
def known() -> dict[str, Statement]:
    """Return every statement by its name."""
    return {name: _statement(name, text) for name, text in statements(__package__).items()}


def many(name: str) -> Statement | None:
    """Return the statement that does the same for many rows at once, if there is one."""
    return known().get(_MANY + name)


def columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Return the columns of rows."""
    return [[kept(one) for one in column] for column in zip(*rows, strict=True)]


def shown(record: Sequence[Any]) -> Row:
    """Return a row as it was written."""
    return tuple(said(one) if type(one) is str and "\x01" in one else one for one in record)


def _statement(name: str, text: str) -> Statement:
    whose = _TENANT.match(text)
    if whose is None:
        msg = f"the query {name} does not say whose rows it is about"
        raise RuntimeError(msg)
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    sql = _NAMED.sub(numbered, text[whose.end() :])
    lists = frozenset() if name.startswith(_MANY) else frozenset(int(found[1]) - 1 for found in _LIST.finditer(sql))
    return Statement(name, sql, tuple(names), lists, _tenant(whose[1], names))


def _tenant(whose: str, names: list[str]) -> str | int:
    if whose.startswith("$"):
        return int(whose[1:]) - 1
    return names.index(whose[1:]) if whose.startswith(":") else whose


def kept(value: object) -> object:
    """Return a value as PostgreSQL can hold it."""
    if isinstance(value, str) and ("\x00" in value or "\x01" in value):
        return value.replace("\x01", "\x01\x02").replace("\x00", "\x01\x01")
    return value


def said(value: str) -> str:
    """Return what a text that is held so says."""
    return value.replace("\x01\x01", "\x00").replace("\x01\x02", "\x01")


def _texts_of(value: object) -> object:
    return [kept(one) for one in _texts.decode(value)] if isinstance(value, str) else value
