"""Feature sets in PostgreSQL; implements ``pipeline.features.ports.Relations``.

1. The *projector* (the configured login) may read the source tables; no caller's SQL ever runs as it.
2. For each view it makes a schema with that one view in it, and a login of its own that may use that schema and read
   that view, owns nothing, inherits nothing, is a member of nothing. A query runs as that login, on a connection of
   its own: there is no role to go back to.
3. A query is part of our own ``SELECT`` in a read-only transaction with a time limit, and rows are taken up to the
   limits, as they come: the server may use as many workers for it as for anybody's.
4. The server's own words are not passed on: only what kind of fault it was, and a name that the query itself had.

What a login can still see is the catalogue: the analysis lets no query name anything but the feature set (ADR-0028).
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from pg8000 import native

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.keys import new_secret, random_bytes, sha256_hex
from ostiary.pipeline.features.masks import Keyed
from ostiary.pipeline.features.ports import Limits
from ostiary.pipeline.features.spec import FeatureSpec, Offline
from ostiary.pipeline.features.view import View
from ostiary.storage.postgres.link import AWAY, Link, PostgresSource, away, state_of, words_of
from ostiary.storage.postgres.rows import read_rows
from ostiary.storage.postgres.views import ViewSql, qualified, quoted

MAX_VIEWS: Final = 64
MAX_IDLE: Final = 2
PREFIX: Final = "ostiary_view_"
HOME: Final = "ostiary_bound_"
PROJECTOR_S: Final = 30.0
_SLACK_S: Final = 5.0
_MAX_PARAMETERS: Final = 30_000
_MAX_TOGETHER: Final = 500
_COLUMN: Final = re.compile(r'column "?([^"\s]{1,140})"? does not exist')


class _Projection(msgspec.Struct, frozen=True):
    ident: str
    source: str
    password: str
    idle: list[Link]


class PostgresRelations:
    """Views and their logins, made when first needed and dropped at the end; safe for several threads."""

    def __init__(self, sources: Mapping[str, PostgresSource]) -> None:
        """Take the databases by name; nothing is opened yet."""
        self._sources = dict(sources)
        self._mine = random_bytes(4).hex()
        self._known: OrderedDict[str, _Projection] = OrderedDict()
        self._lock = threading.Lock()

    def run(self, tenant: str, name: str, spec: FeatureSpec, view: View, keyed: Keyed, sql: str, limits: Limits) -> Any:
        """Return the whole answer of one query that was read and written anew.

        Raises:
            FaultyInputError: ``query_unknown_column``, ``query_unknown_table``, ``query_invalid``.
            RefusedError: ``query_too_long``, ``query_too_large``, ``query_not_allowed``.
            UnavailableError: ``source_unavailable``.
        """
        projection = self._projection(tenant, name, spec, view, keyed, limits)
        with self._reader(projection, limits) as reader:
            try:
                return read_rows(reader, sql, limits)
            except native.Error as fault:
                raise told(fault) from None  # the server's words hold the query and values

    def append(self, source: Offline, table: Any) -> None:
        """Add rows, all or none."""
        names = table.column_names
        together = max(1, min(_MAX_TOGETHER, _MAX_PARAMETERS // len(names)))
        table_name, columns = qualified(source.schema, source.table), ", ".join(map(quoted, names))
        into = f"INSERT INTO {table_name} ({columns}) VALUES "  # noqa: S608 - quoted names
        with self._projector(source.source) as projector:
            for start in range(0, table.num_rows, together):
                rows = [list(row.values()) for row in table.slice(start, together).to_pylist()]
                projector.run(into + _places(len(rows), len(names)), [value for row in rows for value in row])

    def close(self) -> None:
        """Drop every view and login that this made."""
        with self._lock:
            while self._known:
                self._drop(self._known.popitem(last=False)[1])

    def _projection(
        self, tenant: str, name: str, spec: FeatureSpec, view: View, keyed: Keyed, limits: Limits
    ) -> _Projection:
        # How many rows may come is no part of the view: it goes down with every query of a token.
        view = msgspec.structs.replace(view, max_rows=None, watermark="")
        digest = sha256_hex(msgspec.json.encode((self._mine, tenant, name, spec, view, limits.timeout_s)))
        ident = PREFIX + digest[:24]
        with self._lock:
            known = self._known.get(ident)
            if known is not None:
                self._known.move_to_end(ident)
                return known
            made = self._make(ident, name, spec, view, keyed, limits)
            self._known[ident] = made
            if len(self._known) > MAX_VIEWS:
                self._drop(self._known.popitem(last=False)[1])
            return made

    def _make(self, ident: str, name: str, spec: FeatureSpec, view: View, keyed: Keyed, limits: Limits) -> _Projection:
        password, home = new_secret(), HOME + self._mine
        made = ViewSql(ident, home, spec, view, keyed)
        create = made.create(name)
        bound, role = qualified(home, "bound"), quoted(ident)
        with self._projector(spec.offline.source) as projector:
            projector.run(f"CREATE SCHEMA IF NOT EXISTS {quoted(home)}")
            projector.run(f"CREATE TABLE IF NOT EXISTS {bound} (id text, number int, value text, block bytea)")
            for values in made.bound:
                projector.run(f"INSERT INTO {bound} VALUES ($1, $2, $3, $4)", values)  # noqa: S608 - a quoted name
            projector.run(f"CREATE SCHEMA {role}")
            projector.run(create)
            # The password is made of letters, digits, `-` and `_`.
            options = "LOGIN NOINHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT 16"
            projector.run(f"CREATE ROLE {role} {options} PASSWORD '{password}'")
            projector.run(f"GRANT USAGE ON SCHEMA {role} TO {role}")
            projector.run(f"GRANT SELECT ON {qualified(ident, name)} TO {role}")
            for setting in (*_READER_SETTINGS, f"statement_timeout = {int(limits.timeout_s * 1000)}"):
                projector.run(f"ALTER ROLE {role} SET {setting}")
            projector.run(f"ALTER ROLE {role} SET search_path = {role}")
        return _Projection(ident, spec.offline.source, password, [])

    def _drop(self, gone: _Projection) -> None:
        for idle in gone.idle:
            idle.close()
        role, home = quoted(gone.ident), HOME + self._mine
        try:
            with self._projector(gone.source) as projector:
                projector.run(f"DROP SCHEMA IF EXISTS {role} CASCADE")
                projector.run(f"DROP ROLE IF EXISTS {role}")
                projector.run(f"DELETE FROM {qualified(home, 'bound')} WHERE id = $1", (gone.ident,))  # noqa: S608
                if not self._known:
                    projector.run(f"DROP SCHEMA IF EXISTS {quoted(home)} CASCADE")
        except UnavailableError:
            # The database is away: its logins have passwords that nobody knows any more.
            return

    @contextmanager
    def _projector(self, name: str) -> Iterator[Link]:
        source = self._sources.get(name)
        if source is None:
            raise UnavailableError(AWAY, "this feature set's source is not configured")
        link = Link(source, PROJECTOR_S)
        try:
            with link.transaction():
                link.run("SET LOCAL timezone = 'UTC'")
                yield link
        except native.Error:
            raise away() from None
        finally:
            link.close()

    @contextmanager
    def _reader(self, projection: _Projection, limits: Limits) -> Iterator[Link]:
        try:
            reader = projection.idle.pop()
        except IndexError:
            timeout_s = limits.timeout_s + _SLACK_S
            reader = Link(self._sources[projection.source], timeout_s, projection.ident, projection.password)
        try:
            yield reader
        except BaseException as fault:
            # After a fault that is ours or the query's the connection is as it was; after any other nobody knows.
            reader.broken = reader.broken or not isinstance(fault, FaultyInputError | RefusedError)
            raise
        finally:
            if not reader.broken and len(projection.idle) < MAX_IDLE and projection.ident in self._known:
                projection.idle.append(reader)
            else:
                reader.close()


_READER_SETTINGS: Final = (
    "default_transaction_read_only = on",
    "timezone = 'UTC'",
    "datestyle = 'ISO, YMD'",
    "client_encoding = 'UTF8'",
    "standard_conforming_strings = on",  # queries are written anew for this; a database set otherwise reads others
)


def told(fault: native.Error) -> OstiaryError:
    """Return what is said of a fault of the server: the same for a hidden column as for one that never was."""
    state = state_of(fault)
    column = _COLUMN.search(words_of(fault))
    name = f"`{column[1].rpartition('.')[2]}`" if column is not None else "a column"
    known: dict[str, OstiaryError] = {
        "42703": FaultyInputError("query_unknown_column", f"the query needs {name}, which you do not have"),
        "42P01": FaultyInputError("query_unknown_table", "the query names a table that is not there"),
        "57014": RefusedError("query_too_long", "the query took too long and was ended"),
        "42501": RefusedError("query_not_allowed", "the query wants what is outside of the feature set"),
    }
    if state in known:
        return known[state]
    if state[:2] == "42":
        return FaultyInputError("query_invalid", "the query cannot run: grammar, names or types do not fit")
    if state[:2] in {"", "08", "53", "57", "58", "XX"}:
        return away()
    return FaultyInputError("query_invalid", "the query cannot run on these values")


def _places(rows: int, columns: int) -> str:
    numbers = iter(range(1, rows * columns + 1))
    one: Sequence[str] = [f"({', '.join(f'${next(numbers)}' for _ in range(columns))})" for _ in range(rows)]
    return ", ".join(one)
