"""Vectors in PostgreSQL with pgvector; implements ``rag.ports.VectorStore``.

- The condition is SQL with bound values (``rag.compilers``). Behind it stands a second wall: a search runs as a role
  that owns nothing, and row-level security lets it see the rows of one tenant, one index and of the rules that are
  named in settings of its transaction. A condition that was compiled wrongly still shows nothing of others. (Where the
  asker's rows come from a database's own answer instead of rules, the wall is tenant and index alone.)
- pgvector filters *after* it walks an HNSW graph: at one row in a hundred the default finds a fifth of the right ones.
  So the rows that may be seen are found by their own index and ranked exactly. Only an asker with more than
  ``EXACT_RULES`` rules uses a graph, if somebody has made one, with ``hnsw.iterative_scan = strict_order``; a server
  that does not know the setting refuses it, and the search is exact.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec
from pg8000 import native

from ostiary.errors import UnavailableError
from ostiary.rag.compilers import postgres_where
from ostiary.rag.conditions import NEVER, Compare, Condition, acls_of, both
from ostiary.rag.ports import Row, Scored
from ostiary.storage.postgres.link import Link, PostgresSource

if TYPE_CHECKING:
    from ostiary.rag.ports import Vectors

READER: Final = "ostiary_rag_reader"
EXACT_RULES: Final = 5000
TIMEOUT_S: Final = 30.0
TOGETHER: Final = 200
MAX_IDLE: Final = 4
_AWAY: Final = "vectors_unavailable"
_ANY: Final = "*"
_TABLE: Final = "ostiary_rag.vectors"
_COLUMNS: Final = (
    "tenant, index_name, chunk, source, document, acl, kind, verdict, confidentiality, integrity, embedding"
)
_SCHEMA: Final = """
CREATE SCHEMA IF NOT EXISTS ostiary_rag;
CREATE TABLE IF NOT EXISTS ostiary_rag.vectors (
  tenant text NOT NULL, index_name text NOT NULL, chunk text NOT NULL, source text NOT NULL, document text NOT NULL,
  acl int NOT NULL, kind text NOT NULL, verdict text NOT NULL, confidentiality int NOT NULL, integrity int NOT NULL,
  embedding vector({dimension}) NOT NULL, PRIMARY KEY (tenant, index_name, chunk));
CREATE INDEX IF NOT EXISTS vectors_by_acl ON ostiary_rag.vectors (tenant, index_name, acl);
CREATE INDEX IF NOT EXISTS vectors_by_document ON ostiary_rag.vectors (tenant, index_name, source, document);
DO $$ BEGIN CREATE ROLE ostiary_rag_reader NOLOGIN NOINHERIT{end} EXCEPTION WHEN duplicate_object THEN NULL{end} END $$;
GRANT ostiary_rag_reader TO CURRENT_USER;
GRANT USAGE ON SCHEMA ostiary_rag TO ostiary_rag_reader;
GRANT SELECT ON ostiary_rag.vectors TO ostiary_rag_reader;
ALTER TABLE ostiary_rag.vectors ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS askers ON ostiary_rag.vectors;
CREATE POLICY askers ON ostiary_rag.vectors FOR SELECT TO ostiary_rag_reader USING (
  tenant = current_setting('ostiary.tenant', true) AND index_name = current_setting('ostiary.index', true) AND (
    current_setting('ostiary.acls', true) = '*'
    OR acl = ANY(string_to_array(nullif(current_setting('ostiary.acls', true), '*'), ',')::int[])))
"""


class PostgresVectors:
    """One table for all; safe for several threads."""

    def __init__(self, source: PostgresSource, dimension: int) -> None:
        """Take where it is. The login makes the table at the first use and owns it, and makes the reader's role."""
        self._source = source
        self._dimension = dimension
        self._idle: list[Link] = []
        self._lock = threading.Lock()
        self._made = False

    def put(self, tenant: str, index: str, rows: Sequence[Row], vectors: "Vectors") -> None:
        """Add rows; those of the same documents are replaced."""
        told = [_values(tenant, index, row, vector) for row, vector in zip(rows, vectors.tolist(), strict=True)]
        with self._transaction() as link:
            for source in {row.facts.source for row in rows}:
                documents = sorted({row.document for row in rows if row.facts.source == source})
                link.run(_DELETE, (tenant, index, source, documents))
            for at in range(0, len(told), TOGETHER):
                some = told[at : at + TOGETHER]
                places = ", ".join(_places(number, len(some[0])) for number in range(len(some)))
                into = f"INSERT INTO {_TABLE} ({_COLUMNS}) VALUES {places}"  # noqa: S608 - names of our own
                link.run(into, [value for row in some for value in row])

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Remove all rows of documents."""
        with self._transaction() as link:
            link.run(_DELETE, (tenant, index, source, list(documents)))

    def move(self, tenant: str, index: str, source: str, acls: Mapping[str, int]) -> None:
        """Put documents under other rules."""
        with self._transaction() as link:
            for acl in sorted(set(acls.values())):
                names = [name for name, number in acls.items() if number == acl]
                link.run(_MOVE, (acl, tenant, index, source, names))

    def search(self, tenant: str, index: str, vector: "Vectors", condition: Condition, k: int) -> Sequence[Scored]:
        """Return the nearest chunks for which the condition holds."""
        if condition == NEVER:
            return []
        rules = acls_of(condition)
        place = (Compare("tenant", "eq", tenant), Compare("index", "eq", index))
        where, values = postgres_where(both(*place, condition), 2)
        with self._transaction() as link:
            self._wall(link, tenant, index, rules)
            self._plan(link, exact=rules is None or len(rules) <= EXACT_RULES)
            distance = "embedding <=> $1::vector"
            ranked = f"SELECT chunk, 1 - ({distance}) FROM {_TABLE}"  # noqa: S608 - a table of our own
            sql = f"{ranked} WHERE {where} ORDER BY {distance}, chunk LIMIT {int(k)}"
            found = link.run(sql, [_text(vector.tolist()), *values]).rows
        return [(str(chunk), float(score)) for chunk, score in found]

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index."""
        with self._transaction() as link:
            link.run(_FORGET, (tenant, index))

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    @staticmethod
    def _wall(link: Link, tenant: str, index: str, rules: frozenset[int] | None) -> None:
        acls = _ANY if rules is None else ",".join(map(str, sorted(rules)))
        for name, value in (("ostiary.tenant", tenant), ("ostiary.index", index), ("ostiary.acls", acls)):
            link.run("SELECT set_config($1::text, $2::text, true)", (name, value))
        link.run(f"SET LOCAL ROLE {READER}")

    @staticmethod
    def _plan(link: Link, *, exact: bool) -> None:
        known = link.run("SELECT 1 FROM pg_catalog.pg_settings WHERE name = 'hnsw.iterative_scan'").rows
        if exact or not known:
            link.run("SET LOCAL enable_indexscan = off")  # rows are found by a bitmap of their rules, ranked by a sort
        else:
            link.run("SET LOCAL hnsw.iterative_scan = 'strict_order'")

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        link = self._take()
        try:
            if not self._made:
                self._make(link)
            with link.transaction():
                yield link
        except native.Error as fault:
            link.broken = True
            raise UnavailableError(_AWAY, "the store of vectors cannot be asked") from fault
        except BaseException:
            link.broken = True
            raise
        finally:
            self._give(link)

    def _make(self, link: Link) -> None:
        with self._lock, link.transaction():
            for statement in _SCHEMA.strip().split(";\n"):
                link.run(statement.replace("{dimension}", str(int(self._dimension))).replace("{end}", ";"))
            self._made = True

    def _take(self) -> Link:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return Link(self._source, TIMEOUT_S)
        except UnavailableError as fault:
            raise UnavailableError(_AWAY, "the store of vectors cannot be asked") from fault

    def _give(self, link: Link) -> None:
        with self._lock:
            if not link.broken and len(self._idle) < MAX_IDLE:
                self._idle.append(link)
                return
        link.close()


_FORGET: Final = f"DELETE FROM {_TABLE} WHERE tenant = $1::text AND index_name = $2::text"  # noqa: S608
_DELETE: Final = (
    f"DELETE FROM {_TABLE} WHERE tenant = $1::text AND index_name = $2::text AND source = $3::text "  # noqa: S608
    "AND document = ANY($4::text[])"
)
_MOVE: Final = (
    f"UPDATE {_TABLE} SET acl = $1::int WHERE tenant = $2::text AND index_name = $3::text "  # noqa: S608
    "AND source = $4::text AND document = ANY($5::text[])"
)


def _values(tenant: str, index: str, row: Row, vector: list[float]) -> list[Any]:
    facts = row.facts
    named = [tenant, index, row.chunk, facts.source, row.document, row.acl, facts.kind, facts.verdict]
    return [*named, facts.confidentiality, facts.integrity, _text(vector)]


def _places(number: int, width: int) -> str:
    first = number * width + 1
    kinds = {5: "::int", 8: "::int", 9: "::int", 10: "::vector"}
    return "(" + ", ".join(f"${first + at}{kinds.get(at, '::text')}" for at in range(width)) + ")"


def _text(vector: list[float]) -> str:
    return msgspec.json.encode(vector).decode("ascii")
