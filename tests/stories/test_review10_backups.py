"""A backup and a list of erasures that do not fit each other, what ended meanwhile, and an archive that grows."""

import io
import json
import tarfile
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
    assert restored(run, tmp_path, secret, "old.json", "--accept-rollback") == (3, "erasures_stale")
    assert not (tmp_path / "new").exists()


def test_a_list_of_erasures_that_saw_a_longer_log_is_a_witness_of_it(
    data: Path, tmp_path: Path, run: Run, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log signed how far it went: an older backup would go on under the old name, and fork it."""
    run("backup", "create", "--to", str(tmp_path / "b"), "--include-keys", "--passphrase-file", secret)
    append(data, 10, "later")
    run("subject", "erase", "user:u1", "--yes")
    run("backup", "erasures", "--to", str(tmp_path / "list.json"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    assert restored(run, tmp_path, secret, "list.json") == (5, "rollback")
    again = json.loads(restored(run, tmp_path, secret, "list.json", "--accept-rollback", "--json")[1])
    assert "/restored-" in again["origin"]
    assert again["erased_again"]["persons"] == 1


def test_an_archive_does_not_grow_beyond_itself(data: Path, tmp_path: Path, run: Run) -> None:
    """A sparse member says of a few bytes that they are a terabyte of zeros, before any signature is looked at."""
    told = tarfile.TarInfo("files/x")
    told.size, told.type = 1024, tarfile.GNUTYPE_SPARSE
    block = bytearray(told.tobuf(tarfile.GNU_FORMAT))
    # One piece of 512 bytes at the start, one of 512 at the end of 256 MiB (oldgnu_header: 386…, real size at 483).
    whole = 256 << 20
    pieces = ((0, 512), (whole - 512, 512))
    for number, (start, size) in enumerate(pieces):
        block[386 + 24 * number : 410 + 24 * number] = b"%011o\0%011o\0" % (start, size)
    block[483:495] = b"%011o\0" % whole
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "bomb.tar").write_bytes(bytes(block) + b"A" * 1024 + bytes(10_240 - 1024 - 512))
    with tarfile.open(tmp_path / "bomb.tar") as bomb:
        assert bomb.getmembers()[0].size == whole
    # 1 is said while it is read; 5 came only when all of it had been written.
    assert run("backup", "verify", str(tmp_path / "bomb.tar")) == (1, "backup_malformed")


@pytest.mark.parametrize("sealed", [False, True])
def test_a_secret_that_the_configuration_names_is_never_copied_in_plain(
    data: Path,
    tmp_path: Path,
    run: Run,
    secret: str,
    sealed: bool,  # noqa: FBT001
) -> None:
    (data / "hooks").mkdir()
    for name in ("hooks/siem.txt", "edge.pem", "token"):
        (data / name).write_text("very secret indeed\n")
        (data / name).chmod(0o600)
    (data / "ostiary.toml").write_text(
        f'[server]\ntls_key = "{data}/edge.pem"\ntls_cert = "{data}/edge.pem"\n'
        f'[[export.streams]]\nname = "siem"\nkind = "webhook"\nurl = "https://siem.example/x"\n'
        f'secret_file = "{data}/hooks/siem.txt"\n'
        f'[[export.streams]]\nname = "logs"\nkind = "otlp"\nurl = "https://logs.example/v1/logs"\n'
        f'token_file = "{data}/token"\n'
        f'[valkey]\nsecret = "{"s" * 5000}"\n'  # no path, and too long for one
    )
    more = ("--include-keys", "--passphrase-file", secret) if sealed else ()
    made = told(run("backup", "create", "--to", str(tmp_path / "b"), *more, "--json"))
    found = [path for path in (tmp_path / "b").rglob("*") if path.is_file() and b"very secret" in path.read_bytes()]
    assert found == []
    if sealed:
        words = ("--from", str(tmp_path / "b"), "--data", str(tmp_path / "new"), "--passphrase-file", secret)
        assert run("backup", "restore", *words, "--no-erasures")[0] == 0
        assert (tmp_path / "new" / "hooks" / "siem.txt").read_text() == "very secret indeed\n"
    else:
        assert {"hooks/siem.txt", "edge.pem", "token"} <= set(made["left_out"])


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
