"""Attacks on the store in PostgreSQL: on what is said to it, on the line to it, and on whoever else writes there."""

import asyncio
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from backends import empty_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.storage.postgres.database import PostgresDatabase
from ostiary.storage.postgres.lines import connect
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import kept, known, said
from ostiary.storage.postgres.store import PostgresStore, open_store
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.postgres import PostgresServer

Stores = Callable[[str], Any]
Places = Callable[[str], PostgresPlace]
SECRET = "hunter2-and-more"
SMUGGLED = [
    "'; DROP TABLE records; --",
    "$1",
    ":tenant",
    "\\'; SELECT pg_sleep(9)",
    "a\x00'; DELETE FROM tenants; --",
    "\x00",
    "\x01",
    "\x01\x01",
    "\x01\x02\x00\x02",
    '{"a",b}',
    "{NULL}",
    "NULL",
    "\ufeff\u202e\U0001f600",
    "E'\\x41'",
    "%(x)s {0}",
]


@pytest.mark.parametrize("text", SMUGGLED)
def test_a_text_is_a_text_and_comes_back_as_it_was(tables: Store, text: str) -> None:
    tables.snapshots.save(text, text, text, text.encode(), 1)
    tables.snapshots.save("other", text, text, b"other", 1)
    assert tables.snapshots.load(text, text, text) == text.encode()
    assert [one.name for one in tables.snapshots.all(text, text)] == [text]
    tables.rag.keep_verdicts("t", text, {})
    assert tables.snapshots.delete(text, text, text)
    assert tables.snapshots.load("other", text, text) == b"other"


@given(st.lists(st.text(alphabet=st.sampled_from("\x00\x01\x02\x03ab\ud7ff\U0010ffff")), max_size=6))
def test_what_is_kept_for_a_text_reads_back_and_stays_in_order(texts: list[str]) -> None:
    held = [kept(one) for one in texts]
    assert [said(str(one)) for one in held] == texts
    assert sorted(range(len(texts)), key=lambda at: (texts[at].encode(), at)) == sorted(
        range(len(texts)), key=lambda at: (str(held[at]).encode(), at)
    )
    assert not any("\x00" in str(one) for one in held)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.characters(codec="utf-8"), max_size=12), unique=True, max_size=8))
def test_names_come_in_the_order_of_their_bytes(stores: Stores, names: list[str]) -> None:
    for backend in ("sqlite", "postgres_18"):
        store = _once(stores, backend)
        for name in names:
            store.snapshots.save("acme", "order", name, b"x", 1)
        found = [one.name for one in store.snapshots.all("acme", "order")]
        assert found == sorted(names, key=str.encode)
        store.forget_tenant("acme")


_opened: dict[tuple[int, str], Any] = {}


def _once(stores: Stores, backend: str) -> Any:
    key = (id(stores), backend)
    if key not in _opened:
        _opened[key] = stores(backend)
    return _opened[key]


def test_half_of_a_pair_is_refused_and_nothing_of_it_is_told(tables: Store) -> None:
    with pytest.raises(UnavailableError) as caught:
        tables.snapshots.save("acme", "kind", f"{SECRET}\ud800", b"x", 1)
    assert (caught.value.code, SECRET in "".join(traceback.format_exception(caught.value))) == (
        "storage_unavailable",
        False,
    )
    tables.snapshots.save("acme", "kind", "whole", b"x", 1)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**200])
def test_a_number_that_fits_no_column_is_refused(tables: Store, number: int) -> None:
    with pytest.raises(UnavailableError):
        tables.snapshots.save("acme", "kind", "name", b"x", number)
    assert tables.snapshots.load("acme", "kind", "name") is None


def test_a_value_is_in_no_fault(stores: Stores) -> None:
    database = stores("postgres_18").database
    database.write("rag_add_acl", "t", SECRET, 1, SECRET, SECRET, SECRET.encode())
    with pytest.raises(UnavailableError) as caught:
        database.write("rag_add_acl", "t", SECRET, 1, SECRET, SECRET, SECRET.encode())
    told = "".join(traceback.format_exception(caught.value))
    assert "23505" in told
    assert SECRET not in told


def test_a_transaction_that_failed_inside_is_never_said_to_be_done(stores: Stores) -> None:
    """SQLite goes on after a statement that failed; PostgreSQL answers COMMIT with ROLLBACK, as if nothing were."""
    store = stores("postgres_18")

    def careless() -> None:
        with store.database.transaction() as database:
            database.write("save_snapshot", "acme", "k", "n", b"lost", 1)
            with suppress(UnavailableError):
                database.write("save_snapshot", "acme", "k", None, b"bad", 1)

    with pytest.raises(UnavailableError):
        careless()
    assert store.snapshots.load("acme", "k", "n") is None
    store.snapshots.save("acme", "k", "n", b"kept", 1)


def test_nothing_that_a_database_or_role_was_set_to_counts(postgres_18: PostgresServer) -> None:
    url = empty_database(postgres_18)
    with open_store(PostgresPlace(url), FakeClock()) as store:
        store.snapshots.save("acme", "k", "n", b"true", 1)

    async def prepare() -> None:
        line = await asyncpg.connect(url)
        name = urlsplit(url).path.strip("/")
        for deed in (
            "CREATE TABLE public.snapshots (tenant text, kind text, name text, data bytea, updated_ns bigint)",
            "INSERT INTO public.snapshots VALUES ('acme', 'k', 'n', 'false', 1)",
            "CREATE FUNCTION public.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'all' $$",
            f"ALTER DATABASE {name} SET search_path = public",
            f"ALTER DATABASE {name} SET synchronous_commit = off",
            f"ALTER DATABASE {name} SET row_security = off",
            f"ALTER DATABASE {name} SET default_transaction_read_only = on",
            f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'",
            f"ALTER DATABASE {name} SET ostiary.scope = 'all'",
        ):
            await line.execute(deed)
        await line.close()

    asyncio.run(prepare())
    with open_store(PostgresPlace(url), FakeClock()) as store:
        database = store.database
        assert store.snapshots.load("acme", "k", "n") == b"true"
        store.snapshots.save("acme", "k", "n", b"new", 1)
        setting = "SELECT current_setting($1, true)"
        told = [
            database._run(database._writer.connection.fetchval(setting, name))
            for name in ("synchronous_commit", "row_security", "search_path", "transaction_isolation")
        ]
        assert told == ["on", "on", "ostiary, pg_temp", "read committed"]
        line = database._run(connect(PostgresPlace(url)))
        assert database._run(line.fetchval("SELECT count(*) FROM snapshots")) == 0
        database._run(line.close())


def test_a_temporary_table_stands_before_none_of_ours(stores: Stores) -> None:
    store: PostgresStore = stores("postgres_18")
    store.snapshots.save("acme", "k", "n", b"true", 1)
    run, connection = store.database._run, store.database._writer.connection
    run(connection.execute("CREATE TEMPORARY TABLE snapshots AS SELECT 'false'::bytea AS data"))
    with store.database.transaction() as inside:
        assert inside.read_inside("load_snapshot", "acme", "k", "n") == [(b"true",)]


# -- the line --------------------------------------------------------------------------------------------------------


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that says one thing to whoever asks for TLS, and keeps what it hears."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        heard.append(line.recv(8))
                        line.sendall(answer)
                        heard.append(line.recv(4096))

        heard: list[bytes] = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        assert SECRET.encode() not in b"".join(heard)


@pytest.mark.parametrize("answer", [b"N", b"S", b"", b"E\x00\x00\x00\x08xyz\x00"])
def test_a_server_that_wants_no_tls_hears_no_password(answer: bytes) -> None:
    with answering(answer) as port:
        url = f"postgresql://ann:{SECRET}@127.0.0.1:{port}/db?sslmode=verify-full"
        with pytest.raises(UnavailableError) as caught:
            PostgresDatabase(PostgresPlace(url, connect_s=2), FakeClock())
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
    assert "ann" not in told.replace("cannot", "")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://a:b@db.example/x?sslmode=require", "store_url_invalid"),
        ("postgresql://a:b@db.example/x?sslmode=prefer", "store_url_invalid"),
        ("postgresql://a:b@db.example/x?sslmode=verify-ca", "store_url_invalid"),
        ("postgresql://a:b@db.example/x?sslmode=disable", "store_url_plain"),
        ("postgresql://a:b@db.example/x?sslmode=verify-full&sslmode=disable", "store_url_plain"),
        ("postgresql://a:b@db.example/x?options=-c%20row_security%3Doff", "store_url_invalid"),
        ("postgresql://a:b@db.example/x?sslrootcert=/no/such/file", "store_url_invalid"),
        ("postgresql://a:b@127.0.0.1/x?host=/tmp", "store_url_invalid"),
        ("postgresql://a:b@/x?host=relative", "store_url_invalid"),
        ("postgresql://127.0.0.1/x", "store_url_invalid"),
        ("postgresql://a:b@127.0.0.1:port/x", "store_url_invalid"),
        ("postgresql://a:b@127.0.0.1/", "store_url_invalid"),
        ("mysql://a:b@127.0.0.1/x", "store_url_invalid"),
        ("postgresql://a:b@127.0.0.1/x\n", "store_url_invalid"),
        ("postgresql://a:b@[::1/x", "store_url_invalid"),
        ("postgresql://a:b@127.0.0.1/" + "x" * 5000, "store_url_invalid"),
        ("", "store_url_invalid"),
    ],
)
def test_a_url_that_would_weaken_the_line_is_refused(url: str, code: str) -> None:
    with pytest.raises(FaultyInputError) as caught:
        PostgresPlace(url).parameters()
    assert caught.value.code == code
    assert "a:b" not in "".join(traceback.format_exception(caught.value))


@given(st.text(max_size=80) | st.builds("postgresql://{}".format, st.text(max_size=60)))
def test_any_url_is_a_place_or_refused(text: str) -> None:
    with suppress(FaultyInputError):
        found = PostgresPlace(text).parameters()
        assert found["host"]
        assert found["ssl"] is False or isinstance(found["ssl"], ssl.SSLContext)
    assert text.strip("'") not in repr(PostgresPlace(text)) or len(text) < 20


def test_only_a_checked_certificate_or_two_words_lead_away_from_here() -> None:
    context = PostgresPlace("postgresql://a@db.example/x").parameters()["ssl"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    plain = PostgresPlace("postgresql://a@db.example/x?sslmode=disable", plain=True)
    assert plain.parameters()["ssl"] is False
    assert plain.uses_plain_line()
    here = PostgresPlace("postgresql://a@/x?host=/run/postgresql")
    assert (here.parameters()["host"], here.uses_plain_line()) == ("/run/postgresql", False)


class Cutter:
    """A line to the server that is cut once the server has heard COMMIT, before its answer comes through."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.armed = False
        self.cuts = 0
        self._cutting = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._there, args=(near, far), daemon=True).start()
                threading.Thread(target=self._back, args=(far, near), daemon=True).start()

    def _there(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError), far:
            while data := near.recv(65_536):
                if self.armed and b"COMMIT" in data:
                    self.armed, self._cutting = False, True
                far.sendall(data)

    def _back(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError), near:
            while data := far.recv(65_536):
                if self._cutting and b"COMMIT" in data:  # the server has done it, and says so to nobody
                    self._cutting = False
                    self.cuts += 1
                    break
                near.sendall(data)
            near.shutdown(socket.SHUT_RDWR)


def test_a_commit_whose_answer_never_came_is_reported_as_failed(postgres_18: PostgresServer) -> None:
    url = empty_database(postgres_18)
    with closing(Cutter(postgres_18.port)) as line:
        place = PostgresPlace(url.replace(f":{postgres_18.port}/", f":{line.port}/"), statement_s=3)
        with open_store(place, FakeClock()) as store:
            store.snapshots.save("acme", "k", "n", b"first", 1)
            line.armed = True
            with pytest.raises(UnavailableError):
                store.snapshots.save("acme", "k", "n", b"second", 2)
            assert line.cuts == 1
            assert store.snapshots.load("acme", "k", "n") == b"second"
            store.snapshots.save("acme", "k", "n", b"third", 3)
            assert store.snapshots.load("acme", "k", "n") == b"third"


def test_after_a_crash_of_the_server_everything_goes_on(postgres_18: PostgresServer) -> None:
    with open_store(PostgresPlace(empty_database(postgres_18), connect_s=2), FakeClock()) as store:
        store.snapshots.save("acme", "k", "n", b"first", 1)
        assert store.snapshots.load("acme", "k", "n") == b"first"

        def interrupted() -> None:
            with store.transaction():
                store.snapshots.save("acme", "k", "n", b"lost", 2)
                postgres_18.stop()
                with pytest.raises(UnavailableError):
                    store.snapshots.load("acme", "k", "n")
                store.snapshots.save("acme", "k", "n", b"lost too", 2)

        with pytest.raises(UnavailableError):
            interrupted()
        with pytest.raises(UnavailableError):
            store.snapshots.save("acme", "k", "n", b"nobody there", 2)
        postgres_18.start()
        assert store.snapshots.load("acme", "k", "n") == b"first"
        store.snapshots.save("acme", "k", "n", b"second", 3)
        assert store.snapshots.load("acme", "k", "n") == b"second"


# -- other writers ---------------------------------------------------------------------------------------------------


def test_of_two_writers_each_waits_for_the_other(stores: Stores) -> None:
    one, other = stores("postgres_18"), stores("postgres_18")

    def count(store: PostgresStore) -> None:
        for _ in range(25):
            with store.transaction() as inside:
                head = inside.head()
                inside.set_head(msgspec.structs.replace(head, size=head.size + 1))

    threads = [threading.Thread(target=count, args=(store,)) for store in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.head().size == 50


def test_who_stands_still_inside_loses_the_transaction_and_holds_up_nobody(postgres_place: Places) -> None:
    place = msgspec.structs.replace(postgres_place("postgres_18"), idle_s=0.4, lock_s=5.0)
    with open_store(place, FakeClock()) as still, open_store(place, FakeClock()) as other:

        def asleep() -> None:
            with still.transaction():
                still.snapshots.save("acme", "k", "n", b"of the sleeper", 1)
                other.snapshots.save("acme", "k", "n", b"of the other", 2)
                time.sleep(0.05)
                still.snapshots.save("acme", "k", "m", b"of the sleeper", 3)

        with pytest.raises(UnavailableError):
            asleep()
        assert other.snapshots.load("acme", "k", "n") == b"of the other"
        assert other.snapshots.load("acme", "k", "m") is None
        still.snapshots.save("acme", "k", "m", b"awake", 4)


def test_a_writer_does_not_wait_for_ever(postgres_place: Places) -> None:
    place = msgspec.structs.replace(postgres_place("postgres_18"), lock_s=0.3)
    with open_store(place, FakeClock()) as one, open_store(place, FakeClock()) as other:
        with one.transaction(), pytest.raises(UnavailableError):
            other.snapshots.save("acme", "k", "n", b"x", 1)
        other.snapshots.save("acme", "k", "n", b"x", 1)


def test_a_full_disk_is_told_as_such() -> None:
    from ostiary.storage.postgres.faults import unavailable  # noqa: PLC0415 - beside what it is about

    assert unavailable(asyncpg.DiskFullError("no space left")).code == "disk_full"
    assert unavailable(asyncpg.OutOfMemoryError("x")).code == "storage_unavailable"


def test_every_statement_says_whose_rows_it_is_about_and_is_one_statement() -> None:
    for name, one in known().items():
        assert one.sql.rstrip().endswith(";"), name
        assert one.sql.count(";") == 1, name


def test_a_password_that_is_wrong_is_not_told(postgres_18: PostgresServer) -> None:
    url = postgres_18.dsn("somebody", SECRET)
    with pytest.raises(OstiaryError) as caught:
        open_store(PostgresPlace(url), FakeClock())
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
    assert "somebody" not in told
