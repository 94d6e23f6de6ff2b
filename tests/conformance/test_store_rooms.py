"""The small tables: enforcement points, ended sessions, snapshots; and the database beneath them all."""

import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from stores import TABLES, Stores

from ostiary.errors import UnavailableError
from ostiary.identity.ports import PepRegistry, RegisteredPep
from ostiary.keys import hash_secret
from ostiary.sessions import SessionLedger, SessionState
from ostiary.storage.sqlite import FileStore, open_store
from ostiary.storage.tables import Store
from ostiary.testing.fake_clock import FakeClock


@pytest.fixture(params=TABLES)
def store(request: pytest.FixtureRequest, stores: Stores) -> Store:
    return stores(request.param)


@pytest.fixture
def file(stores: Stores) -> FileStore:
    opened = stores("sqlite")
    assert isinstance(opened, FileStore)
    return opened


PEP = RegisteredPep(
    pep_id="web",
    tenant="acme",
    secret_hashes=(hash_secret("s"),),
    certificates=("thumb",),
    token_issuer="https://idp.test",
    token_subject="web-service",
)


def test_enforcement_points_are_found_by_id_certificate_and_workload(store: Store) -> None:
    registry: PepRegistry = store.peps
    assert registry.find("web") is None
    assert store.peps.save(PEP, 1)
    assert registry.find("web") == PEP
    assert registry.find_by_certificate("thumb") == PEP
    assert registry.find_by_workload("https://idp.test", "web-service") == PEP
    assert registry.find_by_certificate("other") is None
    assert registry.find_by_workload("https://idp.test", "other") is None


def test_an_enforcement_point_belongs_to_one_tenant(store: Store) -> None:
    store.peps.save(PEP, 1)
    stolen = RegisteredPep(pep_id="web", tenant="evil")
    assert not store.peps.save(stolen, 2)
    assert not store.peps.delete("evil", "web")
    assert store.peps.find("web") == PEP
    assert store.peps.of_tenant("evil") == []
    assert store.peps.of_tenant("acme") == [PEP]
    assert store.peps.delete("acme", "web")
    assert store.peps.find("web") is None


def test_another_process_sees_a_new_enforcement_point(again: Callable[[], Store]) -> None:
    store = again()
    with again() as other:
        assert other.peps.find("web") is None
        store.peps.save(PEP, 1)
        assert other.peps.find("web") == PEP


def test_ended_sessions_stay_ended(store: Store) -> None:
    SessionLedger(store.sessions).terminate("acme", "s1", at_ns=5, reason="risk")
    SessionLedger(store.sessions).terminate("acme", "s1", at_ns=9, reason="again")
    (ended,) = store.sessions.terminated_sessions()
    assert (ended.ended_ns, ended.reason) == (5, "risk")
    again = SessionLedger(store.sessions)
    assert again.state("acme", "s1") is SessionState.TERMINATED
    assert again.state("other", "s1") is SessionState.ACTIVE


def test_snapshots_are_kept_by_tenant_kind_and_name(store: Store) -> None:
    snapshots = store.snapshots
    snapshots.save("acme", "profiles", "book", b"one", 1)
    snapshots.save("acme", "profiles", "book", b"two", 2)
    snapshots.save("acme", "other", "book", b"three", 3)
    assert snapshots.load("acme", "profiles", "book") == b"two"
    assert snapshots.load("beta", "profiles", "book") is None
    assert [(one.name, one.data, one.updated_ns) for one in snapshots.all("acme", "profiles")] == [("book", b"two", 2)]
    assert not snapshots.add("acme", "profiles", "book", b"four", 3)
    assert snapshots.load("acme", "profiles", "book") == b"two"
    assert snapshots.delete("acme", "profiles", "book")
    assert snapshots.add("acme", "profiles", "book", b"five", 4)
    assert snapshots.delete("acme", "profiles", "book")
    assert not snapshots.delete("acme", "profiles", "book")
    assert snapshots.load("acme", "other", "book") == b"three"


def test_a_tenant_is_forgotten_in_all_of_them(store: Store) -> None:
    store.peps.save(PEP, 1)
    store.snapshots.save("acme", "profiles", "book", b"secret profile", 1)
    SessionLedger(store.sessions).terminate("acme", "s1", at_ns=5, reason="risk")
    SessionLedger(store.sessions).terminate("beta", "s1", at_ns=5, reason="risk")
    store.forget_tenant("acme")
    assert store.peps.find("web") is None
    assert store.snapshots.load("acme", "profiles", "book") is None
    assert [one.tenant for one in store.sessions.terminated_sessions()] == ["beta"]
    if isinstance(store, FileStore):
        files = b"".join(path.read_bytes() for path in store.path.parent.glob("ostiary.db*"))
        assert b"secret profile" not in files


def test_nobody_waits_for_a_reader_when_something_is_erased(file: FileStore) -> None:
    file.snapshots.save("acme", "profiles", "book", b"secret profile", 1)
    wal = file.path.with_name("ostiary.db-wal")
    with closing(sqlite3.connect(file.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM snapshots").fetchone() == (1,)
        begun = time.monotonic()
        file.forget_tenant("acme")
        file.snapshots.save("beta", "profiles", "book", b"another", 2)
        assert time.monotonic() - begun < 5  # it was ten seconds for every writer, and so for every answer
        assert b"secret profile" in wal.read_bytes()
    time.sleep(0.6)
    file.snapshots.save("beta", "profiles", "book", b"another", 3)
    assert b"secret profile" not in wal.read_bytes() + file.path.read_bytes()


def test_what_was_erased_is_gone_from_the_log_at_the_latest_when_the_store_is_closed(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "o.db", isolation_level=None)) as reader:
        with open_store(tmp_path / "o.db", FakeClock()) as store:
            store.snapshots.save("acme", "profiles", "book", b"secret profile", 1)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM snapshots").fetchone()
            store.snapshots.delete("acme", "profiles", "book")
            reader.execute("COMMIT")
        files = b"".join(path.read_bytes() for path in tmp_path.glob("o.db*"))
        assert b"secret profile" not in files


def test_the_database_file_is_private(file: FileStore) -> None:
    file.peps.save(PEP, 1)
    for path in file.path.parent.glob("ostiary.db*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(UnavailableError) as caught:
        open_store(tmp_path / "x.db")
    assert caught.value.code == "storage_unavailable"
    with pytest.raises(UnavailableError):
        open_store(tmp_path / "missing" / "x.db")


def test_readers_and_a_writer_work_at_once(store: Store) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(40):
                store.snapshots.save("acme", "k", f"{number}", b"%d" % step, step)
                assert store.snapshots.load("acme", "k", f"{number}") == b"%d" % step
        except BaseException as fault:  # noqa: BLE001 - shown below
            failures.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(store.snapshots.all("acme", "k")) == 6


def test_a_head_is_one_row_for_ever(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.set_head(msgspec.structs.replace(transaction.head(), origin="a"))
        transaction.set_head(msgspec.structs.replace(transaction.head(), origin="b"))
    assert store.head().origin == "b"
    assert len(store._database.read("head")) == 1
