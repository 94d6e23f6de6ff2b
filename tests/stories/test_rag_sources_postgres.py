"""Rows of a real PostgreSQL with row-level security: the database's own answer at every search."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from pg8000 import native

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.rag.embedding import HashedEmbedder
from ostiary.rag.exact import ExactStore
from ostiary.rag.opaque import Names
from ostiary.rag.ports import Asker
from ostiary.rag.reading import Reader
from ostiary.rag.retrieval import Retrieval
from ostiary.rag.sources.relational import RelationalSource
from ostiary.storage.postgres.asked_rows import AskedRows, RowsOf
from ostiary.storage.postgres.link import PostgresSource
from ostiary.testing.postgres import PostgresServer, find_postgres
from ostiary.testing.rag import FixedFilters, MemoryBook

ROLES = {"user:ada": "clerk", "user:bob": "clerk", "user:root": "boss", "user:own": "keeper", "user:none": "none"}
MADE = (
    "CREATE ROLE keeper NOLOGIN",
    "CREATE ROLE clerk NOLOGIN",
    "CREATE ROLE boss NOLOGIN BYPASSRLS",
    "CREATE ROLE filler LOGIN PASSWORD 'p' NOINHERIT",
    "GRANT clerk, boss, keeper TO filler",
    "CREATE TABLE notes (id int PRIMARY KEY, title text, body text, owner text)",
    "ALTER TABLE notes OWNER TO keeper",
    "ALTER TABLE notes ENABLE ROW LEVEL SECURITY",
    "GRANT SELECT ON notes TO clerk, boss, filler",
    "CREATE POLICY filling ON notes FOR SELECT TO filler USING (true)",
    "CREATE POLICY asking ON notes FOR SELECT TO clerk USING (owner IN (current_setting('app.asker', true), 'all'))",
)


class Scene:
    def __init__(self, server):
        self.owner = native.Connection("postgres", host="127.0.0.1", port=server.port, database="postgres")
        for statement in MADE:
            self.owner.run(statement)
        source = PostgresSource("notes", server.dsn("filler", "p"))
        self.rows = AskedRows(source, RowsOf("public", "notes", "id", ("body",), "title", "app.asker"))
        self.begin()

    def begin(self):
        self.owner.run("TRUNCATE notes")
        self.owner.run("ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
        told = [(1, "one", "the merger plan", "user:ada"), (2, "two", "the lunch plan", "all")]
        for row in told:
            self.owner.run("INSERT INTO notes VALUES (:a, :b, :c, :d)", **dict(zip("abcd", row, strict=True)))
        book, embedder = MemoryBook(), HashedEmbedder()
        self.source = RelationalSource("notes", self.rows, ROLES)
        store = ExactStore(book, embedder.dimension)
        self.reader = Reader(book, store, embedder, Names(lambda _: b"k" * 32))
        self.retrieval = Retrieval(book, store, embedder, lambda *_: (self.source,), FixedFilters())
        self.read()

    def read(self):
        return self.reader.read("default", "notes", self.source, 1)

    def found(self, who, query="the plan"):
        return {one.document for one in self.retrieval.search(Asker("default", f"user:{who}"), "notes", query)}

    def titles(self, who):
        return {one.title for one in self.retrieval.search(Asker("default", f"user:{who}"), "notes", "the plan")}

    def close(self):
        self.rows.close()
        self.owner.close()


@pytest.fixture(scope="module")
def made():
    programs = find_postgres()
    if programs is None:
        words = "there is no PostgreSQL server: run tools/postgres.sh"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)
    root = Path(tempfile.mkdtemp(prefix="ostiary-rag-rows-"))
    root.chmod(0o755)  # the cluster below is another account's
    with PostgresServer(root / "cluster", programs) as server, contextlib.closing(Scene(server)) as scene:
        yield scene
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def scene(made):
    made.begin()
    return made


def test_each_finds_the_rows_that_the_database_shows_him(scene):
    assert (scene.found("ada"), scene.found("bob"), scene.found("eve")) == ({"1", "2"}, {"2"}, set())


def test_a_row_that_is_revoked_is_not_shown_by_the_next_search(scene):
    assert scene.found("ada") == {"1", "2"}
    scene.owner.run("UPDATE notes SET owner = 'user:bob' WHERE id = 1")
    assert (scene.found("ada"), scene.found("bob")) == ({"2"}, {"1", "2"})
    scene.owner.run("DELETE FROM notes WHERE id = 2")
    assert scene.found("ada") == set()


def test_a_row_that_says_something_else_is_not_shown_as_it_was(scene):
    scene.owner.run("UPDATE notes SET body = 'nothing' WHERE id = 1")
    assert scene.found("ada") == {"2"}
    scene.owner.run("UPDATE notes SET title = 'renamed' WHERE id = 2")
    assert scene.titles("ada") == set()
    scene.read()
    assert scene.titles("bob") == {"renamed"}


@pytest.mark.parametrize("who", ["root", "own", "none"])
def test_a_role_that_no_policy_binds_reads_nothing(scene, who):
    with pytest.raises(UnavailableError):
        scene.found(who)


def test_row_level_security_that_is_switched_off_closes_the_table(scene):
    scene.owner.run("ALTER TABLE notes DISABLE ROW LEVEL SECURITY")
    with pytest.raises(UnavailableError):
        scene.found("ada")


def test_a_grant_that_is_revoked_closes_the_table(scene):
    scene.owner.run("REVOKE SELECT ON notes FROM clerk")
    try:
        with pytest.raises(UnavailableError):
            scene.found("ada")
    finally:
        scene.owner.run("GRANT SELECT ON notes TO clerk")
    assert scene.found("ada") == {"1", "2"}


def test_the_askers_name_and_role_end_with_the_question(scene):
    for _ in range(3):
        assert scene.found("ada") == {"1", "2"}
        assert scene.found("bob") == {"2"}
        assert set(scene.rows.revisions()) == {"1", "2"}  # the login again, not the asker


@pytest.mark.parametrize("name", ["x' OR '1'='1", "all", "user:ada'; DROP TABLE notes; --", 'clerk"; RESET ROLE; --'])
def test_names_are_no_sql(scene, name):
    source = RelationalSource("notes", scene.rows, {name: "clerk", "*": name})
    for asker in (Asker("default", name), Asker("default", "user:ada' --")):
        with contextlib.suppress(OstiaryError):
            assert "1" not in source.readable(asker)
    assert scene.found("ada") == {"1", "2"}
