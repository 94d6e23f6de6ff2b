"""Every verb that opens a data directory works on PostgreSQL alike; the log there is verified as it lies there."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from ostiary.audit import AuditLog
from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.keys import open_keys
from ostiary.server.places import Places
from ostiary.server.settings.store import StoreSection
from ostiary.server.storing import open_store
from ostiary.testing.fake_clock import FakeClock

Run = Callable[..., tuple[int, str]]
CLOCK = FakeClock()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> Path:
    home = tmp_path / "data"
    monkeypatch.setenv("OSTIARY_DATA", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OSTIARY_STORE__BACKEND", "postgres")
    monkeypatch.setenv("OSTIARY_STORE__URL", postgres_url)
    return home


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
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
def filled(data: Path, run: Run, postgres_url: str) -> str:
    run("tenant", "list")
    settings = StoreSection(backend="postgres", url=SecretStr(postgres_url))
    with open_store(Places(data), settings, CLOCK) as store:
        ring, vault = open_keys(data / "keys", store, CLOCK)
        with AuditLog(store, vault, ring, CLOCK) as log:
            for number in range(300):
                payload = json.dumps({"n": number}).encode()
                log.append("default", "decision", f"dec_{number}", CLOCK.now_ns(), payload, f"user:u{number % 3}")
    return postgres_url


def execute(url: str, *statements: str) -> None:
    async def work() -> None:
        line = await asyncpg.connect(url)
        try:
            for one in statements:
                await line.execute(one)
        finally:
            await line.close()

    asyncio.run(work())


def test_the_log_is_verified_where_it_lies(run: Run, filled: str, data: Path) -> None:
    code, said = run("audit", "verify", "--forget", "--json")
    told = json.loads(said)
    assert (code, told["verified"], told["payloads"]["opened"] >= 300) == (0, True, True)
    assert not (data / "ostiary.db").exists()


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE ostiary.records SET entry = entry || '\\x00' WHERE idx = 7",
        "DELETE FROM ostiary.records WHERE idx = 7",
        "UPDATE ostiary.tiles SET hashes = set_byte(hashes, 3, 1 - get_byte(hashes, 3) % 2)",
        "UPDATE ostiary.records SET sealed = NULL WHERE idx = 7",
    ],
)
def test_whoever_owns_the_database_cannot_change_the_log_unseen(run: Run, filled: str, deed: str) -> None:
    execute(filled, deed)
    assert run("audit", "verify", "--forget")[0] == 5


def test_a_database_without_a_log_is_no_verified_one(run: Run) -> None:
    assert run("audit", "verify", "--forget")[0] == 1


def test_doctor_opens_it(run: Run, filled: str) -> None:
    found = {one["check"]: one for one in json.loads(run("doctor", "--json")[1])}
    assert found["log"]["state"] == "fine"


def test_the_url_is_shown_nowhere(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://ann:hunter2-secret@127.0.0.1:1/never"
    monkeypatch.setenv("OSTIARY_STORE__URL", url)
    for words in ("config show", "config show --json", "doctor", "tenant list", "audit verify"):
        _, said = run(*words.split())
        assert "hunter2" not in said, words
