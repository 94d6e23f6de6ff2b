"""A log that an older version wrote still verifies as it is, opens, migrates, grows, and verifies again."""

import base64
import json
import sqlite3
from pathlib import Path

import pytest

from ostiary.audit import AuditLog
from ostiary.audit.tenants import TenantAdmin
from ostiary.audit.verifier import Verifier
from ostiary.audit.verifier.memory import load_memory
from ostiary.errors import UnavailableError
from ostiary.keys import open_keys
from ostiary.keys.files import private_folder, write_private
from ostiary.storage.sqlite import open_source, open_store
from ostiary.storage.sqlite.migrate import migrations
from ostiary.testing.fake_clock import FakeClock


@pytest.fixture
def home(repo: Path, tmp_path: Path) -> Path:
    golden = repo / "tests" / "golden" / "log_v1"
    connection = sqlite3.connect(tmp_path / "ostiary.db")
    connection.executescript((golden / "log.sql").read_text())
    connection.close()
    for name, data in json.loads((golden / "keys.json").read_text()).items():
        path = tmp_path / name
        private_folder(path.parent)
        write_private(path, base64.b64decode(data))
    return tmp_path


def _verify(home: Path, golden: Path) -> tuple[int, int]:
    with open_source(home / "ostiary.db", home / "keys") as source:
        verifier = Verifier(source, load_memory(golden / "remembered.json"))
        assert verifier.run() is not None, verifier.report.findings
    return verifier.report.payloads.opened, verifier.report.payloads.erased


def test_an_old_log_verifies_opens_migrates_and_grows(home: Path, repo: Path) -> None:
    golden = repo / "tests" / "golden" / "log_v1"
    opened, erased = _verify(home, golden)
    assert (opened + erased, erased) == (271, 39)
    clock = FakeClock()
    with open_store(home / "ostiary.db", clock) as store:
        assert store.peps.find("nobody") is None
        ring, vault = open_keys(home / "keys", store, clock)
        with AuditLog(store, vault, ring, clock) as log:
            record = log.get("default", "dec_0")
            assert record is not None
            assert json.loads(record.payload or b"") == {"v": 1, "n": 0}
            assert len([r for r in log.iterate("default", subject_key="user:3") if r.payload]) == 0
            log.append("default", "decision", "dec_new", clock.now_ns(), b"x", "user:1").result(10)
            TenantAdmin(log, ring, clock).create("acme")
    assert _verify(home, golden) == (opened + 2, erased)


def test_migrations_are_numbered_once_and_run_once(home: Path) -> None:
    steps = migrations()
    numbers = [step.version for step in steps]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))  # a number may be left out: it was spoken for, and not needed
    for _ in range(2):
        open_store(home / "ostiary.db", FakeClock()).close()
    connection = sqlite3.connect(home / "ostiary.db")
    assert connection.execute("SELECT version FROM migrations ORDER BY 1").fetchall() == [(s.version,) for s in steps]
    connection.close()


@pytest.mark.parametrize(
    "change",
    ["UPDATE migrations SET digest = 'edited' WHERE version = 1", "INSERT INTO migrations VALUES (999, 'x', 'x', 0)"],
)
def test_an_edited_or_a_newer_schema_is_refused(home: Path, change: str) -> None:
    connection = sqlite3.connect(home / "ostiary.db")
    connection.execute(change)
    connection.commit()
    connection.close()
    with pytest.raises(UnavailableError) as caught:
        open_store(home / "ostiary.db", FakeClock())
    assert caught.value.code == "schema_refused"
