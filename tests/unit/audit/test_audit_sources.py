"""Sources of the verifier: bounded, honest about what is missing, undisturbed by a log that goes on."""

import threading
from pathlib import Path

import httpx
import pytest

from ostiary.audit import AuditLog
from ostiary.audit.exporting import export_log
from ostiary.audit.tlog.checkpoints import Checkpoint, sign_checkpoint
from ostiary.audit.verifier import Attack, Verifier
from ostiary.audit.verifier.memory import default_memory, load_memory, save_memory
from ostiary.audit.verifier.ports import Missing
from ostiary.audit.verifier.signed import read_vkey
from ostiary.audit.verifier.sources import DirectorySource, HttpSource
from ostiary.errors import UnavailableError, VerificationError
from ostiary.keys import KeyRing
from ostiary.storage.sqlite import FileStore, open_source


def _fill(log: AuditLog, count: int, prefix: str = "dec") -> None:
    for number in range(count):
        log.append("default", "decision", f"{prefix}_{number}", number, b"x", f"u{number % 3}")
    log.append("default", "decision", f"{prefix}_end", 1, b"x", "u").result(10)


def _http(answer: httpx.Response) -> HttpSource:
    return HttpSource("http://log.test/", httpx.Client(transport=httpx.MockTransport(lambda _: answer)))


def test_verification_is_undisturbed_by_a_log_that_goes_on(log: AuditLog, store: FileStore, tmp_path: Path) -> None:
    _fill(log, 300)
    stop = threading.Event()

    def go_on() -> None:
        number = 0
        while not stop.is_set():
            log.append("default", "decision", f"more_{number}", 1, b"x", "u").result(10)
            number += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    memory = None
    for _ in range(5):
        with open_source(store.path, tmp_path / "keys") as source:
            verifier = Verifier(source, memory)
            memory = verifier.run()
        assert verifier.report.findings == []
    stop.set()
    thread.join()


def test_without_keys_the_payloads_stay_closed_and_the_report_says_so(log: AuditLog, store: FileStore) -> None:
    _fill(log, 5)
    with open_source(store.path, Path("/nowhere")) as source:
        first = Verifier(source)
        first.run()
        keys = [read_vkey(key.vkey()) for key in log.public_keys()]
        second = Verifier(source, keys=keys)
        assert second.run() is not None
    assert [finding.attack for finding in first.report.findings] == [Attack.UNSIGNED]
    assert not second.report.payloads.looked
    assert second.report.notes == ["payloads were not compared: this source does not hold them, or not their keys"]


def test_a_missing_database_is_unavailable_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        open_source(tmp_path / "none.db", tmp_path)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("status", [301, 401, 500])
def test_a_server_that_refuses_is_unavailable(status: int) -> None:
    with pytest.raises(UnavailableError):
        _http(httpx.Response(status)).tile(0, 0, 256)


def test_a_server_that_has_nothing_or_too_much() -> None:
    with pytest.raises(Missing):
        _http(httpx.Response(404)).tile(0, 0, 256)
    assert _http(httpx.Response(404)).published_keys() == []
    with pytest.raises(UnavailableError):
        _http(httpx.Response(404)).checkpoint()
    with pytest.raises(UnavailableError):
        _http(httpx.Response(200, content=bytes(8193))).tile(0, 0, 256)


def test_a_log_that_claims_to_be_endless_is_not_read_for_ever(log: AuditLog, tmp_path: Path, ring: KeyRing) -> None:
    _fill(log, 300)
    export_log(log.store, log.public_keys(), tmp_path / "out")
    endless = Checkpoint(log.head().origin, 10**18, bytes(32))
    (tmp_path / "out/checkpoint").write_bytes(sign_checkpoint(endless, ring.signers("system", "log")))
    (tmp_path / "out/tile/0/001.p/45").unlink()
    (tmp_path / "out/tile/entries/001.p/45").unlink()
    verifier = Verifier(DirectorySource(tmp_path / "out"))
    assert verifier.run() is None
    assert [(one.attack, one.index) for one in verifier.report.findings] == [(Attack.TRUNCATE, 256)]


def test_an_empty_folder_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        DirectorySource(tmp_path).checkpoint()


@pytest.mark.parametrize("victim", ["tile/0/000", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/45"])
def test_a_missing_or_cut_file_is_a_finding_never_a_crash(log: AuditLog, tmp_path: Path, victim: str) -> None:
    _fill(log, 300)
    export_log(log.store, log.public_keys(), tmp_path / "out")
    path = tmp_path / "out" / victim
    whole = path.read_bytes()
    for broken in (None, whole[:-1], whole[:7], b"", whole + b"\0\0\0", b"\xff" * len(whole)):
        path.unlink(missing_ok=True)
        if broken is not None:
            path.write_bytes(broken)
        verifier = Verifier(DirectorySource(tmp_path / "out"))
        if broken == whole + b"\0\0\0" and "entries" not in victim:
            verifier.run()  # a longer tile holds the right hashes all the same
            continue
        assert verifier.run() is None
        assert verifier.report.findings


def test_memories_are_kept_and_checked(log: AuditLog, tmp_path: Path, store: FileStore) -> None:
    _fill(log, 20)
    place = tmp_path / "memory" / "log.json"
    assert load_memory(place) is None
    with open_source(store.path, tmp_path / "keys") as source:
        memory = Verifier(source).run()
    assert memory is not None
    save_memory(place, memory)
    again = load_memory(place)
    assert again is not None
    assert (again.size, again.root, again.keys, again.checkpoint) == (21, memory.root, memory.keys, memory.checkpoint)
    leaves = place.with_name("log.json.leaves")
    for broken in (leaves.read_bytes()[:-1], leaves.read_bytes()[:-48], b"\0" + leaves.read_bytes()[1:]):
        kept = leaves.read_bytes()
        leaves.write_bytes(broken)
        with pytest.raises(VerificationError) as caught:
            load_memory(place)
        assert caught.value.code == "memory_damaged"
        leaves.write_bytes(kept)


def test_each_log_is_remembered_in_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_memory("a.test/log") != default_memory("b.test/log")
    assert default_memory("../../etc/passwd").parent == tmp_path / "ostiary" / "logs"
