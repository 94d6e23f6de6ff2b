"""Rows of a table as the database lets each role read them; implements ``rag.sources.relational.Relation``.

- The configured login fills the index: it must see all rows, and be a member of the askers' roles without inheriting
  of them. It should own nothing.
- For an asker the role is changed for one read-only transaction (``SET LOCAL ROLE``), with the asker's name in a
  setting that policies may read, and with ``row_security = on``. A role that no policy binds (a superuser's,
  ``BYPASSRLS``, the table's owner, or a table whose row-level security was switched off) reads nothing here: such
  rights are nobody's.
- Names are quoted, values are bound. A revision is a digest of the row's texts and its title, made by the database.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from pg8000 import native

from ostiary.errors import RefusedError, UnavailableError
from ostiary.rag.sources.relational import MAX_ROWS, RowText
from ostiary.storage.postgres.link import Link, PostgresSource
from ostiary.storage.postgres.views import qualified, quoted

TIMEOUT_S: Final = 10
MAX_IDLE: Final = 4
MAX_TEXT: Final = 1 << 20
_AWAY: Final = "source_unavailable"
# `none` as a role means the login itself: what counts is who we are, not what we asked for.
_BOUND: Final = "SELECT current_user = $1::text AND pg_catalog.row_security_active($2::text)"


class RowsOf(msgspec.Struct, frozen=True):
    """Which rows: a table, its key, what of it is text, and the setting that tells who asks."""

    schema: str
    table: str
    key: str
    columns: tuple[str, ...]
    title: str | None = None
    setting: str = ""


class AskedRows:
    """One table; safe for several threads."""

    def __init__(self, source: PostgresSource, rows: RowsOf) -> None:
        """Take where it is; nothing is opened yet."""
        self._source = source
        self._rows = rows
        self._idle: list[Link] = []
        self._lock = threading.Lock()

    def revisions(self) -> Mapping[str, str]:
        """Return every row's key and revision."""
        with self._transaction() as link:
            return self._keys(link, None)

    def texts(self, keys: Sequence[str]) -> Sequence[RowText]:
        """Return what rows say, in the revision that they have in the same moment."""
        told = ", ".join(f"left({quoted(name)}::text, {MAX_TEXT})" for name in self._rows.columns)
        title = f"{quoted(self._rows.title)}::text" if self._rows.title else "''"
        sql = f"SELECT {self._key}, {self._revision}, concat_ws(E'\\n', {told}), {title} FROM {self._table}"  # noqa: S608
        with self._transaction() as link:
            found = link.run(f"{sql} WHERE {self._key} = ANY($1::text[])", (list(keys),)).rows
        return [RowText(str(key), str(revision), text or "", name or "") for key, revision, text, name in found]

    def readable(self, role: str, subject: str, keys: Sequence[str] | None) -> Mapping[str, str]:
        """Return keys and revisions of the rows that ``role`` may read now."""
        with self._transaction() as link:
            link.run("SET LOCAL row_security = on")
            if self._rows.setting:
                link.run("SELECT set_config($1::text, $2::text, true)", (self._rows.setting, subject))
            link.run(f"SET LOCAL ROLE {quoted(role)}")
            if not link.run(_BOUND, (role, self._table)).rows[0][0]:
                raise UnavailableError(_AWAY, "no row-level security binds this role")
            return self._keys(link, keys)

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    @property
    def _table(self) -> str:
        return qualified(self._rows.schema, self._rows.table)

    @property
    def _key(self) -> str:
        return f"{quoted(self._rows.key)}::text"

    @property
    def _revision(self) -> str:
        told = (*self._rows.columns, *((self._rows.title,) if self._rows.title else ()))
        texts = ", ".join(f"{quoted(name)}::text" for name in told)
        return f"encode(sha256(convert_to(jsonb_build_array({texts})::text, 'UTF8')), 'hex')"

    def _keys(self, link: Link, keys: Sequence[str] | None) -> Mapping[str, str]:
        sql = f"SELECT {self._key}, {self._revision} FROM {self._table}"  # noqa: S608 - quoted names
        if keys is None:
            found = link.run(f"{sql} LIMIT {MAX_ROWS + 1}").rows
        else:
            found = link.run(f"{sql} WHERE {self._key} = ANY($1::text[])", (list(keys),)).rows
        if len(found) > MAX_ROWS:
            raise RefusedError("rag_too_many_rows", f"the asker may read more than {MAX_ROWS} rows of one table")
        return {str(key): str(revision) for key, revision in found}

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        link = self._take()
        try:
            with link.transaction("BEGIN READ ONLY"):
                link.run(f"SET LOCAL statement_timeout = {TIMEOUT_S * 1000}")
                yield link
        except native.Error as fault:
            link.broken = True
            raise UnavailableError(_AWAY, "the database cannot be asked, or lets this role read nothing") from fault
        except BaseException:
            link.broken = True
            raise
        finally:
            self._give(link)

    def _take(self) -> Link:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return Link(self._source, TIMEOUT_S + 5.0)
        except UnavailableError as fault:
            raise UnavailableError(_AWAY, "the database cannot be asked") from fault

    def _give(self, link: Link) -> None:
        with self._lock:
            if not link.broken and len(self._idle) < MAX_IDLE:
                self._idle.append(link)
                return
        link.close()
