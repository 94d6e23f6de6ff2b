"""A backup is a copy of everything: somebody may alter it, restore an old one, or bring back who was forgotten."""

import base64
import io
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit import AuditLog
from ostiary.audit.subjects import SubjectAdmin
from ostiary.audit.tlog.notes import NoteKey
from ostiary.audit.tlog.tiles import consistency_proof
from ostiary.audit.verifier import Attack, Verifier
from ostiary.audit.verifier.memory import default_memory, load_memory
from ostiary.audit.witness import Witness
from ostiary.audit.witness.book import WitnessBook
from ostiary.audit.witness.request import encode_request
from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.keys import SigningKey, open_keys, passphrase
from ostiary.storage.sqlite import open_source, open_store
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


def size_of(home: Path) -> int:
    with open_source(home / "ostiary.db", home / "keys", payloads=False) as source:
        return int(source.checkpoint().split(b"\n")[1])


def test_a_backup_says_what_it_holds_and_that_it_was_made(data: Path, tmp_path: Path, run: Run, secret: str) -> None:
    made = told(run("backup", "create", "--to", str(tmp_path / "one"), "--json"))
    assert made["keys"] == "absent"
    assert {"keys", "ostiary.toml"} <= set(made["left_out"])
    assert not list((tmp_path / "one").rglob("*.pem"))
    assert not list((tmp_path / "one").rglob("*.key"))
    assert made["size"] == 61  # the record of the backup is in the backup
    words = ("--include-keys", "--passphrase-file", secret)
    full = told(run("backup", "create", "--to", str(tmp_path / "two.tar"), *words, "--json"))
    assert (full["keys"], full["size"]) == ("sealed", 62)
    assert b"PRIVATE KEY" not in (tmp_path / "two.tar").read_bytes()
    assert not list(tmp_path.glob("*.partial"))
    checked = told(run("backup", "verify", str(tmp_path / "two.tar"), "--passphrase-file", secret, "--json"))
    assert (checked["verified"], checked["payloads"]["opened"]) == (True, 62)


def test_nothing_is_overwritten_and_no_backup_lies_inside(data: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "there").mkdir()
    assert run("backup", "create", "--to", str(tmp_path / "there")) == (3, "backup_exists")
    assert run("backup", "create", "--to", str(data / "backup")) == (3, "backup_inside")
    assert run("backup", "create", "--to", str(tmp_path / "x"), "--include-keys") == (1, "usage")


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_any_altered_byte_is_found(data: Path, tmp_path: Path, run: Run, form: str) -> None:
    name = "backup" if form == "folder" else "backup.tar"
    run("backup", "create", "--to", str(tmp_path / name))
    pristine = tmp_path / name
    files = sorted(one for one in pristine.rglob("*") if one.is_file()) if form == "folder" else [pristine]
    for file in files:
        whole = file.read_bytes()
        for at in sorted({0, 1, 99, 130, 257, 500, len(whole) // 3, len(whole) // 2, len(whole) - 700, len(whole) - 1}):
            if 0 <= at < len(whole):
                file.write_bytes(whole[:at] + bytes((whole[at] ^ 0x20,)) + whole[at + 1 :])
                assert run("backup", "verify", str(pristine))[0] in {1, 5}, (file.name, at)
        file.write_bytes(whole + b"\0")
        assert run("backup", "verify", str(pristine))[0] in {1, 5}, file.name
        file.write_bytes(whole)
    assert run("backup", "verify", str(pristine))[0] == 0


def test_every_byte_of_the_manifest_counts(data: Path, tmp_path: Path, run: Run) -> None:
    from ostiary.audit.verifier.signed import read_vkey  # noqa: PLC0415
    from ostiary.errors import VerificationError  # noqa: PLC0415
    from ostiary.server.backup.manifest import claimed, read_manifest  # noqa: PLC0415

    run("backup", "create", "--to", str(tmp_path / "backup"))
    whole = (tmp_path / "backup" / "manifest.dsse.json").read_bytes()
    keys = [read_vkey(text) for text in claimed(whole).predicate.log.keys]
    assert read_manifest(whole, keys).subject
    for at in range(0, len(whole), 7):
        with pytest.raises(VerificationError):
            read_manifest(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :], keys)


def test_added_missing_and_linked_files_are_found(data: Path, tmp_path: Path, run: Run) -> None:
    run("backup", "create", "--to", str(tmp_path / "backup"))
    more = tmp_path / "backup" / "files" / "more.lock"
    more.parent.mkdir(exist_ok=True)
    more.write_text("x")
    assert run("backup", "verify", str(tmp_path / "backup")) == (5, "backup_altered")
    more.unlink()
    more.symlink_to("/etc/passwd")
    assert run("backup", "verify", str(tmp_path / "backup")) == (5, "backup_malformed")
    more.unlink()
    assert run("backup", "verify", str(tmp_path / "backup"))[0] == 0
    (tmp_path / "backup" / "ostiary.db").unlink()
    assert run("backup", "verify", str(tmp_path / "backup")) == (5, "backup_altered")


def test_a_backup_of_another_log_is_not_ours(data: Path, tmp_path: Path, run: Run) -> None:
    run("backup", "create", "--to", str(tmp_path / "backup"))
    run("tenant", "list", "--data", str(tmp_path / "other"))
    answer = run("backup", "verify", str(tmp_path / "backup"), "--data", str(tmp_path / "other"))
    assert answer == (5, "backup_untrusted")


def test_the_copy_is_one_state_while_decisions_are_written(data: Path, tmp_path: Path, run: Run) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            append(data, 40, f"busy{size_of(data)}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        sizes = [told(run("backup", "create", "--to", str(tmp_path / f"b{n}"), "--json"))["size"] for n in range(4)]
    finally:
        stop.set()
        writer.join()
    assert sizes == sorted(sizes)
    assert size_of(data) > sizes[0]
    for number in range(4):
        assert run("backup", "verify", str(tmp_path / f"b{number}"))[0] == 0


def test_a_restored_directory_decides_and_continues_the_log(data: Path, tmp_path: Path, run: Run, secret: str) -> None:
    run("audit", "verify")  # remembered from before
    run("backup", "create", "--to", str(tmp_path / "b.tar"), "--include-keys", "--passphrase-file", secret)
    new = tmp_path / "new"
    words = ("--from", str(tmp_path / "b.tar"), "--data", str(new), "--passphrase-file", secret)
    assert run("backup", "restore", *words) == (3, "erasures_unknown")
    restored = told(run("backup", "restore", *words, "--no-erasures", "--json"))
    assert (restored["size"], restored["rollback"]) == (61, "")
    assert run("backup", "restore", *words, "--no-erasures") == (3, "restore_exists")
    asked = {"subject": {"type": "user", "id": "u1"}, "action": {"name": "read"}}
    question = json.dumps({**asked, "resource": {"type": "document", "id": "1"}})
    code, text = run("decide", "--data", str(new), stdin=question)
    assert (code, json.loads(text)["decision"]) == (3, False)
    assert size_of(new) == 63  # the restore's record, and the decision's
    assert told(run("audit", "verify", str(new), "--json"))["verified"]  # a continuation of what was remembered


def test_an_old_backup_is_a_rollback_and_said_to_be_one(data: Path, tmp_path: Path, run: Run, secret: str) -> None:
    run("backup", "create", "--to", str(tmp_path / "old"), "--include-keys", "--passphrase-file", secret)
    append(data, 10, "later")
    run("audit", "verify")  # somebody saw the log with its new entries
    code, text = run("backup", "verify", str(tmp_path / "old"), "--json")
    assert code == 5
    assert "10 entries are gone" in json.loads(text)["rollback"]
    new = tmp_path / "new"
    words = ("--from", str(tmp_path / "old"), "--data", str(new), "--passphrase-file", secret, "--no-erasures")
    assert run("backup", "restore", *words) == (5, "rollback")
    assert not new.exists()
    restored = told(run("backup", "restore", *words, "--accept-rollback", "--json"))
    assert restored["rollback"]
    with open_source(data / "ostiary.db", data / "keys") as source:
        old_name = source.checkpoint().split(b"\n")[0].decode()
    assert restored["origin"].startswith(f"{old_name}/restored-")
    append(new, 5, "after")  # it goes on, and never again in the name of the log that others remember
    assert told(run("audit", "verify", str(new), "--json"))["verified"]
    assert run("audit", "verify", str(new), "--remember", str(default_memory(old_name)))[0] == 5


def test_the_old_directory_is_the_best_witness_and_is_retired(data: Path, tmp_path: Path, run: Run) -> None:
    run("backup", "create", "--to", str(tmp_path / "b"))
    new = tmp_path / "new"
    words = ("--from", str(tmp_path / "b"), "--data", str(new), "--replaces", str(data))
    append(data, 1, "later")
    assert run("backup", "restore", *words) == (5, "rollback")
    assert run("tenant", "list")[0] == 0  # nothing was restored, nothing is retired
    assert told(run("backup", "restore", *words, "--accept-rollback", "--json"))["rollback"]
    assert run("tenant", "list") == (3, "data_retired")
    assert run("tenant", "list", "--data", str(new))[0] == 0


def test_two_living_copies_are_found_by_whoever_remembers(data: Path, tmp_path: Path, run: Run) -> None:
    run("backup", "create", "--to", str(tmp_path / "b"))
    new = tmp_path / "new"
    told(run("backup", "restore", "--from", str(tmp_path / "b"), "--data", str(new), "--keys", str(data / "keys"),
             "--no-erasures", "--json"))  # fmt: skip
    append(data, 20, "old")
    append(new, 30, "new")
    assert run("audit", "verify")[0] == 0  # the old one is remembered …
    code, text = run("audit", "verify", str(new), "--json")  # … and the new one tells another story
    assert code == 5
    assert {one["attack"] for one in json.loads(text)["findings"]} & {"rewrite_and_append", "split_view"}
    memory = load_memory(default_memory(json.loads(text)["origin"]))
    with open_source(new / "ostiary.db", new / "keys") as source:
        verifier = Verifier(source, memory)
        verifier.run()
    assert {one.attack for one in verifier.report.findings} & {Attack.REWRITE, Attack.SPLIT_VIEW, Attack.MODIFY}


def test_a_witness_cosigns_one_of_two_living_copies(data: Path, tmp_path: Path, run: Run) -> None:
    run("backup", "create", "--to", str(tmp_path / "b"))
    new = tmp_path / "new"
    words = ("--from", str(tmp_path / "b"), "--data", str(new), "--keys", str(data / "keys"), "--no-erasures")
    told(run("backup", "restore", *words, "--json"))
    append(data, 20, "old")
    append(new, 30, "new")

    def state(home: Path) -> tuple[bytes, list[NoteKey], Callable[[int, int], bytes]]:
        with open_store(home / "ostiary.db", CLOCK) as store:
            ring, vault = open_keys(home / "keys", store, CLOCK)
            with AuditLog(store, vault, ring, CLOCK) as log:
                tiles = {(level, index): store.tile(level, index) for level in range(3) for index in range(2)}
                return log.checkpoint(), log.public_keys(), lambda level, index: tiles[level, index]

    note, keys, _ = state(data)
    other, _, tile = state(new)
    size, larger = (int(text.split(b"\n")[1]) for text in (note, other))
    book = WitnessBook(tmp_path / "witness")
    witness = Witness("witness.test/w", SigningKey.generate("w"), {keys[0].name: keys}, book, CLOCK)
    assert witness.add_checkpoint(encode_request(0, [], note)).status == 200
    proof = consistency_proof(size, larger, tile)
    assert witness.add_checkpoint(encode_request(size, proof, other)).status == 422


def test_keys_of_another_directory_do_not_fit(data: Path, tmp_path: Path, run: Run) -> None:
    run("backup", "create", "--to", str(tmp_path / "b"))
    run("tenant", "list", "--data", str(tmp_path / "other"))
    words = ("--from", str(tmp_path / "b"), "--data", str(tmp_path / "new"), "--no-erasures")
    assert run("backup", "restore", *words) == (3, "keys_missing")
    assert run("backup", "restore", *words, "--keys", str(tmp_path / "other" / "keys")) == (5, "keys_foreign")
    assert not (tmp_path / "new").exists()


def readable(home: Path, subject: str) -> int:
    with open_store(home / "ostiary.db", CLOCK) as store:
        ring, vault = open_keys(home / "keys", store, CLOCK)
        with AuditLog(store, vault, ring, CLOCK) as log:
            return len(list(SubjectAdmin(log, CLOCK).export("default", subject)))


@pytest.mark.parametrize("source", ["list", "directory"])
def test_who_was_forgotten_after_the_backup_stays_forgotten(
    data: Path, tmp_path: Path, run: Run, secret: str, source: str
) -> None:
    run("tenant", "create", "gone")
    run("backup", "create", "--to", str(tmp_path / "b"), "--include-keys", "--passphrase-file", secret)
    run("subject", "erase", "user:u1", "--yes")
    run("tenant", "delete", "gone", "--yes")
    run("backup", "erasures", "--to", str(tmp_path / "erasures.json"))
    listed = base64.b64decode(json.loads((tmp_path / "erasures.json").read_bytes())["body"])
    assert b"subject.erase" in listed
    assert b"u1" not in listed
    new = tmp_path / "new"
    words = ("--from", str(tmp_path / "b"), "--data", str(new), "--passphrase-file", secret, "--accept-rollback")
    where = ("--erasures", str(tmp_path / "erasures.json")) if source == "list" else ("--replaces", str(data))
    restored = told(run("backup", "restore", *words, *where, "--json"))
    assert restored["erased_again"]["persons"] == 1
    assert restored["erased_again"]["tenants"] == 1
    assert readable(new, "user:u1") == 0
    assert readable(new, "user:u2") == 20
    assert told(run("audit", "verify", str(new), "--json"))["payloads"]["erased"] >= 20
    with sqlite3.connect(new / "ostiary.db") as connection:
        assert connection.execute("SELECT count(*) FROM records WHERE sealed IS NULL").fetchone()[0] >= 20


def test_a_forged_list_of_erasures_erases_nobody(data: Path, tmp_path: Path, run: Run) -> None:
    run("backup", "create", "--to", str(tmp_path / "b"))
    run("tenant", "list", "--data", str(tmp_path / "other"))
    run("backup", "erasures", "--to", str(tmp_path / "forged.json"), "--data", str(tmp_path / "other"))
    words = ("--from", str(tmp_path / "b"), "--data", str(tmp_path / "new"), "--keys", str(data / "keys"))
    forged = ("--erasures", str(tmp_path / "forged.json"))
    assert run("backup", "restore", *words, *forged) == (5, "erasures_untrusted")
    (tmp_path / "forged.json").write_bytes(b"{" * 5000)
    assert run("backup", "restore", *words, *forged) == (1, "erasures_malformed")


def test_a_wrong_passphrase_opens_nothing(data: Path, tmp_path: Path, run: Run, secret: str) -> None:
    run("backup", "create", "--to", str(tmp_path / "b"), "--include-keys", "--passphrase-file", secret)
    (tmp_path / "wrong").write_text("another passphrase, as long")
    words = ("--passphrase-file", str(tmp_path / "wrong"))
    assert run("backup", "verify", str(tmp_path / "b"), *words) == (5, "passphrase_refused")
    new = tmp_path / "new"
    answer = run("backup", "restore", "--from", str(tmp_path / "b"), "--data", str(new), "--no-erasures", *words)
    assert answer == (5, "passphrase_refused")
    assert not list(tmp_path.glob("new*"))
    shutil.rmtree(data)
    assert run("backup", "verify", str(tmp_path / "b"), "--passphrase-file", secret)[0] == 0
