"""Append, read back, prove; refuse what does not belong; never hang."""

import threading
from concurrent.futures import wait
from pathlib import Path

import msgspec
import pytest

from ostiary.audit import AuditLog, AuditSettings
from ostiary.audit.entry import LogEntry, commitment
from ostiary.audit.log import open_row
from ostiary.audit.ports import AuditTransaction, TenantRow
from ostiary.audit.tlog.checkpoints import parse_body
from ostiary.audit.tlog.merkle import EMPTY_ROOT, inclusion_holds, leaf_hash
from ostiary.audit.tlog.notes import parse_note, verify_note
from ostiary.audit.tlog.proofs import parse_proof
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError, VerificationError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.storage.sqlite import FileStore, open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_store import MemoryStore


def _append(
    log: AuditLog, number: int, payload: bytes = b"payload", tenant: str = "default", subject: str = "ann"
) -> int:
    return log.append(tenant, "decision", f"dec_{number}", 1000 + number, payload, subject).result(10).index


def test_a_new_log_has_a_signed_empty_checkpoint(log: AuditLog) -> None:
    note = parse_note(log.checkpoint())
    assert verify_note(note, log.public_keys())
    checkpoint = parse_body(note.text)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == ("log.test/ostiary", 0, EMPTY_ROOT)


def test_an_appended_record_is_read_back(log: AuditLog, clock: FakeClock) -> None:
    appended = log.append("default", "decision", "dec_1", 5, b"payload", "ann").result(10)
    record = log.get("default", "dec_1")
    assert record is not None
    assert (record.index, record.kind, record.time_ns, record.payload) == (0, "decision", 5, b"payload")
    assert leaf_hash(record.entry) == appended.leaf_hash
    entry = msgspec.json.decode(record.entry, type=LogEntry)
    assert (entry.v, entry.kind, entry.id, entry.ts, entry.at) == (1, "decision", "dec_1", 5, clock.now_ns())


def test_the_public_entry_holds_neither_payload_nor_tenant_nor_subject(log: AuditLog, store: FileStore) -> None:
    log.append("default", "decision", "dec_1", 5, b"very-secret", "ann-smith").result(10)
    (row,) = store.rows(0, 1)
    for telltale in (b"very-secret", b"default", b"ann-smith"):
        assert telltale not in row.entry + (row.sealed or b"")
    names = [store.path, store.path.with_name("ostiary.db-wal")]
    assert not any(b"very-secret" in path.read_bytes() for path in names if path.exists())


def test_the_commitment_opens_with_salt_and_payload(log: AuditLog, store: FileStore, vault: SubjectVault) -> None:
    _append(log, 1)
    (row,) = store.rows(0, 1)
    opened = open_row(vault, row)
    assert opened is not None
    entry = msgspec.json.decode(row.entry, type=LogEntry)
    assert entry.commit == commitment(opened)
    assert opened[32:] == b"payload"


def test_a_record_has_a_proof_that_verifies_offline(log: AuditLog) -> None:
    for number in range(300):
        log.append("default", "decision", f"dec_{number}", number, b"x", "ann")
    _append(log, 300)
    proof = log.prove("default", "dec_77")
    assert proof is not None
    again = parse_proof(proof.text())
    assert again == proof
    note = parse_note(again.checkpoint)
    assert verify_note(note, log.public_keys())
    checkpoint = parse_body(note.text)
    assert inclusion_holds(again.index, checkpoint.size, leaf_hash(again.extra), again.path, checkpoint.root)
    assert log.prove("default", "dec_none") is None
    assert log.prove("other", "dec_77") is None


def test_another_tenants_record_answers_as_unknown(log: AuditLog) -> None:
    _append(log, 1)
    assert log.get("other", "dec_1") is None
    assert list(log.iterate("other")) == []
    assert list(log.iterate("nobody", subject_key="ann")) == []


def test_an_unknown_tenant_is_refused_and_the_others_are_written(log: AuditLog) -> None:
    futures = [
        log.append(tenant, "decision", f"dec_{number}", 1, b"x", "ann")
        for number, tenant in enumerate(["default", "nobody", "default"])
    ]
    with pytest.raises(RefusedError) as caught:
        futures[1].result(10)
    assert caught.value.code == "tenant_unknown"
    assert [futures[0].result(10).index, futures[2].result(10).index] == [0, 1]


def test_iterating_filters_by_kind_subject_and_start(log: AuditLog) -> None:
    for number in range(600):
        subject = "ann" if number % 2 else "bob"
        log.append("default", "decision" if number % 5 else "admin", f"r_{number}", number, b"%d" % number, subject)
    _append(log, 600, b"last")
    assert [record.index for record in log.iterate("default")] == list(range(601))
    assert [r.index for r in log.iterate("default", kind="admin")] == list(range(0, 600, 5))
    assert [r.index for r in log.iterate("default", since_index=590, subject_key="bob")] == list(range(590, 600, 2))
    assert next(log.iterate("default", since_index=7)).payload == b"7"


@pytest.mark.parametrize(
    ("kind", "record_id", "payload"),
    [("Decision", "d", b""), ("", "d", b""), ("decision", "", b""), ("decision", "d" * 201, b""), ("a", "d\0", b"")],
)
def test_malformed_records_are_refused_at_once(log: AuditLog, kind: str, record_id: str, payload: bytes) -> None:
    with pytest.raises(FaultyInputError):
        log.append("default", kind, record_id, 1, payload, "ann")


def test_a_huge_payload_is_refused(log: AuditLog) -> None:
    with pytest.raises(FaultyInputError):
        log.append("default", "decision", "d", 1, bytes((1 << 20) + 1), "ann")


def test_the_writers_time_never_goes_back(log: AuditLog, clock: FakeClock) -> None:
    for number, move in enumerate([0, -100, 50, -3000, 4000]):
        clock.advance(move)
        _append(log, number)
    times = [msgspec.json.decode(record.entry, type=LogEntry).at for record in log.iterate("default")]
    assert times == sorted(times)


def test_a_log_is_reopened_where_it_ended(
    store: FileStore, vault: SubjectVault, ring: KeyRing, clock: FakeClock
) -> None:
    origin = ""
    for opening in range(4):
        with AuditLog(store, vault, ring, clock) as log:
            for number in range(150):
                log.append("default", "decision", f"dec_{opening}_{number}", 1, b"x", f"user{number % 7}")
            origin = log.head().origin
    assert store.head().size == 600
    assert store.head().origin == origin
    assert origin.startswith("ostiary.local/")


def test_two_processes_append_in_turns_without_a_fork(tmp_path: Path, clock: FakeClock) -> None:
    with open_store(tmp_path / "o.db", clock) as one, open_store(tmp_path / "o.db", clock) as two:
        ring = KeyRing(tmp_path / "keys" / "ring", clock)
        logs = [AuditLog(s, SubjectVault(tmp_path / "keys/vault", s), ring, clock) for s in (one, two)]
        futures = [
            logs[number % 2].append("default", "decision", f"dec_{number}", 1, b"x", f"user{number % 5}")
            for number in range(400)
        ]
        indexes = {future.result(20).index for future in futures}
        assert indexes == set(range(400))
        proof = logs[0].prove("default", "dec_399")
        assert proof is not None
        checkpoint = parse_body(parse_note(proof.checkpoint).text)
        assert inclusion_holds(proof.index, 400, leaf_hash(proof.extra), proof.path, checkpoint.root)
        assert all(logs[1].get("default", f"dec_{number}").payload == b"x" for number in range(400))  # type: ignore[union-attr]
        for log in logs:
            log.close()


def test_too_many_waiting_records_are_refused_as_overloaded_and_counted(
    tmp_path: Path, ring: KeyRing, clock: FakeClock
) -> None:
    store = MemoryStore()
    log = AuditLog(store, SubjectVault(tmp_path / "v", store), ring, clock, AuditSettings(queue_limit=10))
    with store.transaction():  # the writer has to wait for us
        futures = [log.append("default", "decision", f"dec_{number}", 1, b"x", "ann") for number in range(40)]
        early = [future for future in futures if future.done()]
        assert len(early) >= 28
        for future in early:
            with pytest.raises(UnavailableError) as caught:
                future.result()
            assert caught.value.code == "overloaded"
    _, hanging = wait(futures, 10)
    assert not hanging
    log.append("default", "decision", "dec_last", 1, b"x", "ann").result(10)
    (told,) = log.iterate("system", kind="refusals")
    assert msgspec.json.decode(told.payload or b"")["reasons"] == {"overloaded": len(early)}
    written = {record.record_id for record in log.iterate("default")}
    assert len(written) == 41 - len(early)
    log.close()


def test_waiting_payloads_are_bounded_in_memory_too(tmp_path: Path, ring: KeyRing, clock: FakeClock) -> None:
    store = MemoryStore()
    log = AuditLog(store, SubjectVault(tmp_path / "v", store), ring, clock, AuditSettings(queue_mib=1))
    big = bytes(300_000)
    with store.transaction():
        futures = [log.append("default", "decision", f"dec_{number}", 1, big, "ann") for number in range(30)]
        assert sum(future.done() for future in futures) >= 20
    _, hanging = wait(futures, 10)
    assert not hanging
    for number in range(20):  # what was written makes room again
        log.append("default", "decision", f"later_{number}", 1, big, "ann").result(10)
    log.close()


def test_a_closed_log_refuses(log: AuditLog) -> None:
    log.close()
    with pytest.raises(UnavailableError) as caught:
        _append(log, 1)
    assert caught.value.code == "log_closed"
    log.close()


def test_closing_writes_what_is_queued(store: FileStore, vault: SubjectVault, ring: KeyRing, clock: FakeClock) -> None:
    log = AuditLog(store, vault, ring, clock)
    futures = [log.append("default", "decision", f"dec_{number}", 1, b"x", "ann") for number in range(2000)]
    log.close()
    assert all(future.done() for future in futures)
    assert store.head().size == 2000


def test_async_durability_answers_before_the_disk(
    store: FileStore, vault: SubjectVault, ring: KeyRing, clock: FakeClock
) -> None:
    log = AuditLog(store, vault, ring, clock, AuditSettings(durability="async"))
    future = log.append("default", "decision", "dec_1", 1, b"x", "ann")
    assert future.done()
    assert future.result().index == -1
    log.close()
    assert store.head().size == 1


def test_a_cancelled_wait_loses_no_record(log: AuditLog) -> None:
    for number in range(50):
        log.append("default", "decision", f"dec_{number}", 1, b"x", "ann").cancel()
    _append(log, 50)
    assert log.head().size == 51


def test_an_effect_and_its_record_are_both_there_or_neither(log: AuditLog, store: FileStore) -> None:
    def add(transaction: AuditTransaction) -> bytes:
        assert transaction.add_tenant(TenantRow("acme", b"s" * 32, 1))
        return b"added"

    def fail(transaction: AuditTransaction) -> bytes:
        transaction.add_tenant(TenantRow("beta", b"s" * 32, 1))
        raise RefusedError("no", "no")

    log.append_effect("system", "admin", "adm_1", 1, add).result(10)
    with pytest.raises(RefusedError):
        log.append_effect("system", "admin", "adm_2", 1, fail).result(10)
    assert store.find_tenant("acme") is not None
    assert store.find_tenant("beta") is None
    assert _append(log, 1, tenant="acme") == 1
    assert log.get("system", "adm_2") is None


def test_a_bug_in_an_effect_fails_its_record_and_the_writer_lives_on(log: AuditLog) -> None:
    def broken(_: AuditTransaction) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(UnavailableError) as caught:
        log.append_effect("system", "admin", "adm_1", 1, broken).result(10)
    assert caught.value.code == "record_failed"
    assert _append(log, 1) >= 0


def test_a_log_with_entries_cannot_be_renamed(
    store: FileStore, vault: SubjectVault, ring: KeyRing, clock: FakeClock
) -> None:
    with AuditLog(store, vault, ring, clock, AuditSettings(origin="a.test/log")) as log:
        _append(log, 1)
    with pytest.raises(RefusedError) as caught:
        AuditLog(store, vault, ring, clock, AuditSettings(origin="b.test/log"))
    assert caught.value.code == "origin_changed"


def test_a_sealed_payload_moved_to_another_record_is_refused(
    log: AuditLog, store: FileStore, vault: SubjectVault
) -> None:
    _append(log, 1)
    _append(log, 2)
    one, two = store.rows(0, 2)
    with pytest.raises(VerificationError):
        open_row(vault, one._replace(sealed=two.sealed))


def test_many_threads_append(log: AuditLog) -> None:
    failures: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for number in range(start, start + 50):
                _append(log, number)
        except BaseException as fault:  # noqa: BLE001 - shown below
            failures.append(fault)

    threads = [threading.Thread(target=work, args=(number * 50,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert log.head().size == 400
    assert log.stats.written == 400


def test_a_rotated_log_key_signs_beside_the_old_one(
    store: FileStore, vault: SubjectVault, ring: KeyRing, clock: FakeClock
) -> None:
    with AuditLog(store, vault, ring, clock) as log:
        _append(log, 1)
        (old,) = log.public_keys()
        clock.advance(1)
        ring.rotate("system", "log", overlap_s=3600)
        _append(log, 2)
        note = parse_note(log.checkpoint())
        assert len(verify_note(note, log.public_keys())) == 2
        assert verify_note(note, [old])
        clock.advance(3601)
        _append(log, 3)
        assert len(verify_note(parse_note(log.checkpoint()), log.public_keys())) == 1
