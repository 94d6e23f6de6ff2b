"""``ostiary store copy`` and ``ostiary migrate``: all of a store, verified, resumed, and never over another one."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from store_workload import run as work
from store_workload import steps
from store_worlds import TableWorld

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError, RefusedError, UnavailableError, VerificationError
from ostiary.server.settings.store import StoreSection
from ostiary.server.storing import open_side
from ostiary.storage import copying, sqlite
from ostiary.storage.copying import copy_store
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.store import open_store
from ostiary.testing.fake_clock import FakeClock

CLOCK = FakeClock()
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = 0
        try:
            build_app()(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        except OstiaryError as fault:
            code = fault.exit_code
        return code, capsys.readouterr().out

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with something in every table that a workload knows."""
    path = tmp_path / "source.db"
    with sqlite.open_store(path, CLOCK) as store:
        list(work(TableWorld(store), steps(3, 400)))
    return path


def copied(one: object, other: object, told: Callable[[str, int, int], None] = lambda *_: None) -> list[Any]:
    with ExitStack() as opened:
        source, to = (opened.enter_context(open_side(str(where), CLOCK, StoreSection())) for where in (one, other))
        return copy_store(source, to, told)


def test_a_store_goes_to_postgresql_and_back_and_is_the_same(file: Path, postgres_url: str, tmp_path: Path) -> None:
    there = copied(file, postgres_url)
    back = copied(postgres_url, tmp_path / "back.db")
    assert there == back
    assert sum(one.rows for one in there) > 300
    assert len([one for one in there if one.rows]) > 25
    with sqlite.open_store(file, CLOCK) as one, open_store(PostgresPlace(postgres_url), CLOCK) as other:
        more = steps(4, 60)
        assert list(work(TableWorld(one), more)) == list(work(TableWorld(other), more))


def test_a_real_data_directory_is_copied_and_its_log_verified(
    run: Run, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("OSTIARY_DATA", str(data))
    for tenant in ("acme", "beta"):
        assert run("tenant", "create", tenant)[0] == 0
    (tmp_path / "url").write_text(postgres_url + "\n")
    code, said = run("store", "copy", "--from", str(data), "--to", f"@{tmp_path / 'url'}", "--json")
    told = json.loads(said)
    assert (code, told["log"]["verified"], told["log"]["size"] > 0) == (0, True, True)
    monkeypatch.setenv("OSTIARY_STORE__BACKEND", "postgres")
    monkeypatch.setenv("OSTIARY_STORE__URL_FILE", str(tmp_path / "url"))
    (data / "ostiary.db").unlink()
    assert {one["tenant"] for one in json.loads(run("tenant", "list", "--json")[1])} >= {"acme", "beta"}
    assert run("audit", "verify", "--forget")[0] == 0


class Killed(Exception):  # noqa: N818 - what happens to a process
    """What ends a copy in the middle."""


def test_a_copy_that_was_killed_goes_on_where_it_stopped(
    file: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (copying, sqlite.side, __import__("ostiary.storage.postgres.side", fromlist=["side"])):
        monkeypatch.setattr(module, "BATCH", 5)
    done: list[tuple[str, int]] = []

    def killed(table: str, rows: int, total: int) -> None:
        done.append((table, rows))
        if table == "records" and rows > 20:
            raise Killed

    with pytest.raises(Killed):
        copied(file, postgres_url, killed)
    with pytest.raises(UnavailableError) as caught:
        open_store(PostgresPlace(postgres_url), CLOCK)
    assert caught.value.code == "schema_refused"
    again: list[tuple[str, int]] = []
    copied(file, postgres_url, lambda table, rows, _: again.append((table, rows)))
    assert set(done).isdisjoint(again)
    open_store(PostgresPlace(postgres_url), CLOCK).close()


def test_half_a_copy_in_a_file_is_not_opened_either(file: Path, tmp_path: Path) -> None:
    def killed(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        copied(file, tmp_path / "half.db", killed)
    with pytest.raises(UnavailableError):
        sqlite.open_store(tmp_path / "half.db", CLOCK)


def test_a_source_that_went_on_is_copied_anew(file: Path, postgres_url: str) -> None:
    def killed(table: str, *_: object) -> None:
        if table == "tenants":
            raise Killed

    with pytest.raises(Killed):
        copied(file, postgres_url, killed)
    with sqlite.open_store(file, CLOCK) as store, store.transaction() as inside:
        inside.set_cosigned(b"moved")
    seen: list[str] = []
    copied(file, postgres_url, lambda table, *_: seen.append(table))
    assert "biometrics" in seen


def test_another_stores_place_is_never_taken(file: Path, postgres_url: str, tmp_path: Path) -> None:
    with open_store(PostgresPlace(postgres_url), CLOCK) as store:
        store.snapshots.save("acme", "k", "n", b"precious", 1)
    with pytest.raises(RefusedError) as caught:
        copied(file, postgres_url)
    assert caught.value.code == "store_copy_foreign"
    with open_store(PostgresPlace(postgres_url), CLOCK) as store:
        assert store.snapshots.load("acme", "k", "n") == b"precious"

    def killed(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        copied(file, tmp_path / "half.db", killed)
    sqlite.open_store(tmp_path / "other.db", CLOCK).close()
    with pytest.raises(RefusedError):
        copied(tmp_path / "other.db", tmp_path / "half.db")


def test_a_row_that_changed_on_the_way_is_found(file: Path, tmp_path: Path) -> None:
    def change(table: str, *_: object) -> None:
        if table.startswith("verifying"):
            with closing(sqlite3.connect(tmp_path / "to.db")) as other:
                other.execute("UPDATE snapshots SET data = x'00'")
                other.commit()

    with pytest.raises(VerificationError) as caught:
        copied(file, tmp_path / "to.db", change)
    assert caught.value.code == "store_copy_differs"
    copied(file, tmp_path / "to.db")


def test_migrate_says_what_it_would_run_and_runs_it(
    run: Run, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))
    for backend, first in (("sqlite", 1), ("postgres", 21)):
        if backend == "postgres":
            monkeypatch.setenv("OSTIARY_STORE__BACKEND", "postgres")
            monkeypatch.setenv("OSTIARY_STORE__URL", postgres_url)
        told = [json.loads(run("migrate", *words, "--json")[1]) for words in (("--dry-run",), ("--dry-run",), (), ())]
        assert [one["migrations"][0]["version"] for one in told[:3]] == [first] * 3
        assert told[3] == {"backend": backend, "dry_run": False, "migrations": []}
