"""The verbs of the log as a user types them: answers on stdout, exit codes, and a story from prove to shred."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit import AuditLog
from ostiary.audit.tile_http import TileFace
from ostiary.audit.tlog.notes import parse_vkey
from ostiary.audit.witness import Witness
from ostiary.audit.witness.book import WitnessBook
from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.keys import SigningKey, open_keys
from ostiary.storage.sqlite import open_store
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str]]
CLOCK = SystemClock()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "data"
    monkeypatch.setenv("OSTIARY_DATA", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
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
def filled(data: Path, run: Run) -> Path:
    """A data directory with 300 decisions of three people."""
    run("tenant", "list")
    _append(data, 300)
    return data


def _append(data: Path, count: int, prefix: str = "dec") -> None:
    with open_store(data / "ostiary.db", CLOCK) as store:
        ring, vault = open_keys(data / "keys", store, CLOCK)
        with AuditLog(store, vault, ring, CLOCK) as log:
            for number in range(count):
                payload = json.dumps({"n": number}).encode()
                subject = f"user:u{number % 3}"
                log.append("default", "decision", f"{prefix}_{number}", CLOCK.now_ns(), payload, subject)


def _json(answer: tuple[int, str]) -> Any:
    assert answer[0] == 0, answer
    return json.loads(answer[1])


def test_verify_says_so_and_remembers(filled: Path, run: Run) -> None:
    told = _json(run("audit", "verify", "--json"))
    assert (told["verified"], told["size"], told["first_use"], told["remembered"]) == (True, 300, True, True)
    assert told["payloads"] == {"looked": True, "opened": 300, "erased": 0}
    _append(filled, 5, "later")
    told = _json(run("audit", "verify", "--json"))
    assert (told["size"], told["remembered_size"], told["first_use"]) == (305, 300, False)
    code, words = run("audit", "verify")
    assert (code, "verified" in words) == (0, True)


def test_verify_exits_with_five_and_names_the_entry(filled: Path, run: Run) -> None:
    run("audit", "verify")
    with sqlite3.connect(filled / "ostiary.db") as connection:
        connection.execute("UPDATE records SET sealed = NULL WHERE idx = 77")
    connection.close()
    code, words = run("audit", "verify")
    assert code == 5
    assert "delete at entry 77" in words
    code, words = run("audit", "verify", "--json")
    assert code == 5
    told = json.loads(words)
    assert (told["verified"], told["findings"][0]["attack"], told["findings"][0]["index"]) == (False, "delete", 77)
    assert told["remembered"] is False


def test_a_restored_backup_is_named(filled: Path, run: Run, tmp_path: Path) -> None:
    run("audit", "verify")
    shutil.copytree(filled, tmp_path / "backup")
    _append(filled, 10, "later")
    run("audit", "verify")
    shutil.rmtree(filled)
    shutil.copytree(tmp_path / "backup", filled)
    code, words = run("audit", "verify")
    assert code == 5
    assert "restore_old_backup at entry 300" in words


def test_forget_neither_reads_nor_writes_a_memory(filled: Path, run: Run, tmp_path: Path) -> None:
    assert run("audit", "verify", "--forget")[0] == 0
    assert not (tmp_path / "state").exists()


def test_a_damaged_memory_is_not_the_logs_fault(filled: Path, run: Run, tmp_path: Path) -> None:
    memory = tmp_path / "m.json"
    run("audit", "verify", "--remember", str(memory))
    leaves = tmp_path / "m.json.leaves"
    leaves.write_bytes(leaves.read_bytes()[:-48])
    assert run("audit", "verify", "--remember", str(memory))[0] == 5
    memory.write_text("{")
    assert run("audit", "verify", "--remember", str(memory))[0] == 5


def test_a_record_is_proved_offline(filled: Path, run: Run, tmp_path: Path) -> None:
    receipt = tmp_path / "dec_7.tlog-proof"
    told = _json(run("audit", "prove", "dec_7", "--out", str(receipt), "--json"))
    key = told["keys"][0]
    shown = _json(run("audit", "receipt", str(receipt), "--key", key, "--json"))
    assert (shown["index"], shown["entry"]["id"], shown["size"]) == (7, "dec_7", 300)
    assert run("audit", "receipt", str(receipt), "--key", key)[0] == 0
    for at in range(0, receipt.stat().st_size, 29):
        altered = bytearray(receipt.read_bytes())
        altered[at] ^= 1
        (tmp_path / "altered").write_bytes(altered)
        assert run("audit", "receipt", str(tmp_path / "altered"), "--key", key)[0] in {1, 5}
    assert run("audit", "receipt", str(receipt), "--key", key, "--need", "1")[0] == 5
    assert run("audit", "prove", "dec_none")[0] == 1
    assert run("audit", "prove", "dec_7", "--tenant", "other")[0] == 1


def test_an_export_is_verified_without_the_data_directory(filled: Path, run: Run, tmp_path: Path) -> None:
    told = _json(run("audit", "export", str(tmp_path / "out"), "--payloads", "--json"))
    assert told["size"] == 300
    assert (tmp_path / "out/openings/000000000").stat().st_mode & 0o077 == 0
    told = _json(run("audit", "verify", str(tmp_path / "out"), "--json"))
    assert told["payloads"]["opened"] == 300
    _append(filled, 20, "later")
    run("audit", "export", str(tmp_path / "out"), "--payloads")
    assert _json(run("audit", "verify", str(tmp_path / "out"), "--json"))["remembered_size"] == 300
    bundle = tmp_path / "out/tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"dec_9"', b'"dec_8"'))
    code, words = run("audit", "verify", str(tmp_path / "out"))
    assert code == 5
    assert "modify at entry 9" in words


class _Pages(BaseHTTPRequestHandler):
    """Serves the log and a witness as the product would."""

    face: TileFace
    witness: Witness

    def do_GET(self) -> None:
        place, _, what = self.path.removeprefix("/witness/").partition("/")
        if self.path.startswith("/log/"):
            told = self.face.answer(self.path.removeprefix("/log/"))
            self._send(told.status, told.body)
        else:
            answer = (self.witness.history if what == "history" else self.witness.checkpoint)(place)
            self._send(answer.status, answer.body)

    def do_POST(self) -> None:
        answer = self.witness.add_checkpoint(self.rfile.read(int(self.headers["content-length"])))
        self._send(answer.status, answer.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def served(filled: Path, run: Run, tmp_path: Path) -> Iterator[tuple[str, Witness]]:
    told = _json(run("audit", "checkpoint", "--json"))
    keys = [parse_vkey(text) for text in told["keys"]]
    with open_store(filled / "ostiary.db", CLOCK) as store:
        book = WitnessBook(tmp_path / "book")
        witness = Witness("witness.test/w1", SigningKey.generate("w"), {told["origin"]: keys}, book, CLOCK)
        handler = type("Pages", (_Pages,), {"face": TileFace(store, lambda: keys), "witness": witness})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", witness
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_log_is_verified_over_http(served: tuple[str, Witness], run: Run, filled: Path) -> None:
    base, _ = served
    told = _json(run("audit", "verify", f"{base}/log", "--json"))
    assert (told["size"], told["payloads"]["looked"]) == (300, False)
    _append(filled, 300, "later")
    assert _json(run("audit", "verify", f"{base}/log", "--json"))["remembered_size"] == 300
    assert run("audit", "verify", f"{base}/nothing")[0] == 1


def test_witnessed_and_seen_to_be_rewritten(
    served: tuple[str, Witness], run: Run, filled: Path, tmp_path: Path
) -> None:
    base, witness = served
    assert run("audit", "witness", "cosign")[0] == 1
    key = witness.key.vkey()
    assert run("audit", "witness", "add", f"{base}/witness", key)[0] == 0
    assert _json(run("audit", "witness", "list", "--json"))[0]["name"] == "witness.test/w1"
    shutil.copytree(filled, tmp_path / "backup")
    assert _json(run("audit", "witness", "cosign", "--json"))["cosigned"] == ["witness.test/w1"]
    told = _json(run("audit", "verify", "--witness-key", key, "--need", "1", "--json"))
    assert told["cosigned_by"] == ["witness.test/w1"]
    _append(filled, 20, "later")
    run("audit", "witness", "cosign")
    ask = ("--forget", "--witness", f"{base}/witness", "--witness-key", key)
    assert run("audit", "verify", *ask)[0] == 0
    # an old backup is restored: to a first visitor it looks perfect, but not to one who asks the witness
    shutil.copytree(tmp_path / "backup", tmp_path / "restored")
    place = str(tmp_path / "restored")
    assert run("audit", "verify", place, "--forget")[0] == 0
    code, words = run("audit", "verify", place, *ask)
    assert (code, "restore_old_backup at entry 300" in words) == (5, True)
    # and it goes on from there, past the size that the witness knows
    _append(tmp_path / "restored", 40, "harmless")
    code, words = run("audit", "verify", place, *ask)
    assert (code, "rewrite_and_append at entry 300" in words) == (5, True)
    # a second view of the same size
    shutil.copytree(tmp_path / "backup", tmp_path / "bob")
    _append(tmp_path / "bob", 20, "other")
    code, words = run("audit", "verify", str(tmp_path / "bob"), *ask)
    assert (code, "split_view at entry 300" in words) == (5, True)


def test_another_ones_checkpoint_is_compared(filled: Path, run: Run, tmp_path: Path) -> None:
    told = _json(run("audit", "checkpoint", "--json"))
    (tmp_path / "kept").write_text(told["checkpoint"])
    ask = ("--checkpoint", str(tmp_path / "kept"), "--key", told["keys"][0])
    assert run("audit", "verify", *ask)[0] == 0
    assert run("audit", "verify", "--checkpoint", str(tmp_path / "kept"))[0] == 1
    _append(filled, 5, "later")
    assert run("audit", "verify", *ask)[0] == 0


def test_tenants_come_and_go(run: Run, data: Path) -> None:
    assert run("tenant", "create", "acme")[0] == 0
    assert run("tenant", "create", "acme")[0] == 3
    assert run("tenant", "create", "No!")[0] == 1
    assert [row["tenant"] for row in _json(run("tenant", "list", "--json"))] == ["acme", "default"]
    assert run("tenant", "delete", "acme")[0] == 1
    assert run("tenant", "delete", "acme", "--yes")[0] == 0
    assert run("tenant", "delete", "acme", "--yes")[0] == 3
    assert [row["tenant"] for row in _json(run("tenant", "list", "--json"))] == ["default"]


def test_a_person_sees_and_is_forgotten(filled: Path, run: Run) -> None:
    told = _json(run("subject", "export", "user:u1"))
    assert len(told["records"]) == 100
    lines = run("subject", "export", "user:u1", "--jsonl")[1].splitlines()
    assert json.loads(lines[0])["payload"] == {"n": 1}
    assert run("subject", "erase", "user:u1")[0] == 1
    assert _json(run("subject", "erase", "user:u1", "--yes", "--json"))["count"] == 100
    assert _json(run("subject", "export", "user:u1"))["records"] == []
    assert _json(run("keys", "shred", "user:u2", "--yes", "--json"))["count"] == 100
    told = _json(run("audit", "verify", "--json"))
    # Beside the hundred of `u3`: what was done, and that the conversations of both were shredded.
    assert told["payloads"] == {"looked": True, "opened": 106, "erased": 200}
    assert run("subject", "export", "nonsense")[0] == 1


def test_retention_by_hand(filled: Path, run: Run) -> None:
    assert _json(run("audit", "prune", "--keep", "decision=1", "--json"))["count"] == 0
    assert _json(run("audit", "prune", "--keep", "decision=0", "--json"))["count"] == 300
    assert _json(run("audit", "verify", "--json"))["payloads"]["erased"] == 300
    assert run("audit", "prune", "--keep", "decision")[0] == 1


def test_the_log_key_is_rotated_and_verifiers_follow(filled: Path, run: Run) -> None:
    before = _json(run("audit", "verify", "--json"))["signed_by"]
    assert run("keys", "rotate", "log")[0] == 0
    told = _json(run("audit", "verify", "--json"))
    assert len(told["signed_by"]) == 1  # what was known signs; the new key is learned from the signed tree
    told = _json(run("audit", "verify", "--json"))
    assert len(told["signed_by"]) == 2
    assert before[0] in told["signed_by"]
    states = {row["state"] for row in _json(run("keys", "list", "--tenant", "system", "--json"))}
    assert states == {"active", "overlap"}
    assert run("keys", "rotate", "nothing")[0] == 1


def test_a_witness_shows_its_key(run: Run, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir(mode=0o700)
    words = ("audit", "witness", "key", "--name", "witness.test/w1", "--state", str(tmp_path / "w"))
    shown = run(*words)[1]
    assert parse_vkey(shown).kind == 4
    assert run(*words)[1] == shown
