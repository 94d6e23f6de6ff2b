"""Lists of erasures name entries by number, and a rolled-back log gives those numbers to other entries."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit import AuditLog
from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.keys import open_keys, passphrase
from ostiary.server.backup.ends import LOST, OTHERS
from ostiary.sessions import SubjectRevocation, TerminatedSession
from ostiary.storage.sqlite import open_store
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str]]
CLOCK = SystemClock()
SECRET = "a passphrase of some length"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "WORK", 14)
    monkeypatch.setattr(passphrase.seal_with_passphrase, "__kwdefaults__", {"work": 14})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def call(*words: str, stdin: str = "") -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = 0
        try:
            build_app()(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        except OstiaryError as fault:
            return fault.exit_code, fault.code
        return code, capsys.readouterr().out

    return call


@pytest.fixture
def data(tmp_path: Path, run: Run) -> Path:
    """A data directory with decisions about three people."""
    run("tenant", "list")
    append(tmp_path / "data", 60)
    return tmp_path / "data"


@pytest.fixture
def secret(tmp_path: Path) -> str:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    return str(tmp_path / "secret")


def append(home: Path, count: int, prefix: str = "dec") -> None:
    with open_store(home / "ostiary.db", CLOCK) as store:
        ring, vault = open_keys(home / "keys", store, CLOCK)
        with AuditLog(store, vault, ring, CLOCK) as log:
            for number in range(count):
                subject = f"user:u{number % 3}"
                payload = json.dumps({"n": number, "subject_key": subject}).encode()
                log.append("default", "decision", f"{prefix}_{number}", CLOCK.now_ns(), payload, subject)


def told(answer: tuple[int, str]) -> Any:
    assert answer[0] == 0, answer
    return json.loads(answer[1])


def restored(run: Run, tmp_path: Path, secret: str, erasures: str, *more: str) -> tuple[int, str]:
    words = ("--from", str(tmp_path / "b"), "--data", str(tmp_path / "new"), "--passphrase-file", secret)
    return run("backup", "restore", *words, "--erasures", str(tmp_path / erasures), *more)


def test_a_list_of_erasures_from_before_the_backup_tells_nothing_of_what_came_after(
    data: Path, tmp_path: Path, run: Run, secret: str
) -> None:
    """It was taken for an answer, and whoever was erased since then came back."""
    run("backup", "erasures", "--to", str(tmp_path / "old.json"))
    run("backup", "create", "--to", str(tmp_path / "b"), "--include-keys", "--passphrase-file", secret)
    run("subject", "erase", "user:u1", "--yes")


def test_erasing_again_leaves_what_the_restored_log_wrote_itself(
    data: Path, tmp_path: Path, run: Run, secret: str
) -> None:
    """Entries behind the backup's end have the numbers of others: the records of the erasures themselves went."""
    run("backup", "create", "--to", str(tmp_path / "b"), "--include-keys", "--passphrase-file", secret)
    append(data, 60, "later")
    run("subject", "erase", "user:u1", "--yes")
    run("subject", "erase", "user:u2", "--yes")
    run("backup", "erasures", "--to", str(tmp_path / "list.json"))
    more = ("--replaces", str(data), "--accept-rollback", "--json")
    done = told(restored(run, tmp_path, secret, "list.json", *more))["erased_again"]
    assert (done["persons"], done["nameless"], done["payloads"]) == (2, 0, 40)
    with open_store(tmp_path / "new" / "ostiary.db", CLOCK) as store:
        ring, vault = open_keys(tmp_path / "new" / "keys", store, CLOCK)
        with AuditLog(store, vault, ring, CLOCK) as log:
            assert all(one.payload for one in log.iterate("system"))


def test_what_was_ended_after_the_backup_does_not_live_again(data: Path, tmp_path: Path, run: Run, secret: str) -> None:
    """A stolen session that was ended yesterday, and a subject that was revoked, came back with Monday's backup."""
    run("backup", "create", "--to", str(tmp_path / "b"), "--include-keys", "--passphrase-file", secret)
    ended = TerminatedSession("default", "stolen", CLOCK.now_ns(), "by hand", "user:u0")
    revoked = SubjectRevocation("default", "user:u2", CLOCK.now_ns(), "compromised")
    with open_store(data / "ostiary.db", CLOCK) as store:
        store.sessions.save_terminated(ended)
        store.sessions.save_revocation(revoked)
    words = ("--from", str(tmp_path / "b"), "--data", str(tmp_path / "new"), "--passphrase-file", secret, "--json")
    notes = told(run("backup", "restore", *words, "--replaces", str(data), "--accept-rollback"))["notes"]
    with open_store(tmp_path / "new" / "ostiary.db", CLOCK) as store:
        assert list(store.sessions.terminated_sessions()) == [ended]
        assert store.sessions.news(-1).revocations == (revoked,)
    assert OTHERS in notes
    assert LOST not in notes


def test_where_nobody_can_tell_what_was_ended_the_restore_says_so(
    data: Path, tmp_path: Path, run: Run, secret: str
) -> None:
    run("backup", "create", "--to", str(tmp_path / "b"), "--include-keys", "--passphrase-file", secret)
    words = ("--from", str(tmp_path / "b"), "--data", str(tmp_path / "new"), "--passphrase-file", secret, "--json")
    assert {LOST, OTHERS} <= set(told(run("backup", "restore", *words, "--no-erasures"))["notes"])
