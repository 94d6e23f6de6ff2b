"""Tenants, subjects, retention: what goes is gone, what stays still proves, and every gap is accounted for."""

import msgspec
import pytest

from ostiary.audit import AuditLog
from ostiary.audit.retention import RetentionPolicy, prune
from ostiary.audit.subjects import SubjectAdmin
from ostiary.audit.tenants import TenantAdmin
from ostiary.audit.tlog.checkpoints import parse_body
from ostiary.audit.tlog.merkle import inclusion_holds, leaf_hash
from ostiary.audit.tlog.notes import parse_note
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.keys import KeyRing, SubjectVault
from ostiary.storage.sqlite import FileStore
from ostiary.testing.fake_clock import FakeClock

DAY_S = 86_400


@pytest.fixture
def tenants(log: AuditLog, ring: KeyRing, clock: FakeClock) -> TenantAdmin:
    return TenantAdmin(log, ring, clock)


def _fill(log: AuditLog, clock: FakeClock, tenant: str = "default", count: int = 10) -> None:
    for number in range(count):
        subject = "ann" if number % 2 else "bob"
        log.append(tenant, "decision", f"dec_{number}", clock.now_ns(), b'{"n":%d}' % number, subject).result(10)


def _proves(log: AuditLog, tenant: str, record_id: str) -> bool:
    proof = log.prove(tenant, record_id)
    assert proof is not None
    head = parse_body(parse_note(proof.checkpoint).text)
    return inclusion_holds(proof.index, head.size, leaf_hash(proof.extra), proof.path, head.root)


def _erasures(log: AuditLog) -> list[dict[str, object]]:
    told = [msgspec.json.decode(record.payload or b"{}") for record in log.iterate("system", kind="admin")]
    return [one for one in told if one.get("type") == "erasure"]


def test_a_subject_is_exported_whole(log: AuditLog, clock: FakeClock) -> None:
    _fill(log, clock)
    log.append("default", "decision", "dec_raw", 1, b"\xff not json", "ann").result(10)
    exported = list(SubjectAdmin(log, clock).export("default", "ann"))
    assert [record.payload for record in exported[:5]] == [{"n": n} for n in (1, 3, 5, 7, 9)]
    assert exported[5].payload == "/yBub3QganNvbg=="
    assert exported[0].entry["id"] == "dec_1"


def test_a_forgotten_subject_is_unreadable_and_its_proofs_hold(
    log: AuditLog, store: FileStore, clock: FakeClock
) -> None:
    _fill(log, clock)
    admin = SubjectAdmin(log, clock)
    erased = admin.erase("default", "ann")
    assert erased.count == 5
    assert list(admin.export("default", "ann")) == []
    assert [record.payload is None for record in log.iterate("default")] == [False, True] * 5
    assert all(row.sealed is None for row in store.rows(1, 10)[::2])
    assert all(_proves(log, "default", f"dec_{number}") for number in range(10))
    (told,) = _erasures(log)
    assert told["action"] == "subject.erase"
    assert told["erased"] == [[n, n + 1] for n in (1, 3, 5, 7, 9)]
    assert "ann" not in str(told)


def test_a_forgotten_subject_that_comes_back_has_a_new_key(log: AuditLog, clock: FakeClock) -> None:
    _fill(log, clock)
    admin = SubjectAdmin(log, clock)
    admin.erase("default", "ann")
    log.append("default", "decision", "dec_new", 1, b'"back"', "ann").result(10)
    assert [record.payload for record in admin.export("default", "ann")] == ["back"]


def test_erased_bytes_are_not_left_in_the_files(log: AuditLog, store: FileStore, clock: FakeClock) -> None:
    _fill(log, clock)
    sealed = [row.sealed or b"" for row in store.rows(0, 10)]
    SubjectAdmin(log, clock).erase("default", "ann")
    files = b"".join(path.read_bytes() for path in store.path.parent.glob("ostiary.db*"))
    assert not any(one in files for one in sealed[1::2])
    assert all(store.rows(n, n + 1)[0].sealed == sealed[n] for n in range(0, 10, 2))


def test_nobody_and_unknown_subjects_are_answered_plainly(log: AuditLog, clock: FakeClock) -> None:
    _fill(log, clock)
    admin = SubjectAdmin(log, clock)
    assert admin.erase("default", "zoe").count == 0
    with pytest.raises(FaultyInputError):
        admin.erase("default", "")
    with pytest.raises(RefusedError):
        admin.erase("nobody", "ann")


def test_tenants_are_made_listed_and_deleted(log: AuditLog, tenants: TenantAdmin, clock: FakeClock) -> None:
    tenants.create("acme")
    assert [row.tenant for row in tenants.living()] == ["acme", "default"]
    assert tenants.find("acme") is not None
    assert tenants.find("system") is None
    _fill(log, clock, "acme", 4)
    _fill(log, clock, "default", 4)
    assert tenants.delete("acme").count == 4
    assert [row.tenant for row in tenants.living()] == ["default"]
    assert tenants.find("acme") is None
    assert [record.payload for record in log.iterate("acme")] == [None] * 4
    assert [record.payload for record in log.iterate("default")] == [b'{"n":%d}' % n for n in range(4)]
    assert all(_proves(log, "acme", f"dec_{number}") for number in range(4))
    (told,) = _erasures(log)
    assert (told["action"], told["note"], told["erased"]) == ("tenant.delete", "acme", [[1, 5]])


def test_a_deleted_tenant_takes_no_more_records_and_its_id_is_spent(log: AuditLog, tenants: TenantAdmin) -> None:
    tenants.create("acme")
    log.append("acme", "decision", "dec_1", 1, b"x", "ann").result(10)
    tenants.delete("acme")
    with pytest.raises(RefusedError) as caught:
        log.append("acme", "decision", "dec_2", 1, b"x", "ann").result(10)
    assert caught.value.code == "tenant_unknown"
    with pytest.raises(RefusedError) as caught:
        tenants.create("acme")
    assert caught.value.code == "tenant_exists"
    for unknown in ("acme", "never-was", "system"):
        with pytest.raises(RefusedError) as caught:
            tenants.delete(unknown)
        assert caught.value.code == "tenant_unknown"


@pytest.mark.parametrize("tenant", ["", "A", "a b", "../x", "-a", "a" * 64])
def test_malformed_tenant_ids_are_refused(tenants: TenantAdmin, tenant: str) -> None:
    with pytest.raises(FaultyInputError):
        tenants.create(tenant)


def test_a_deletion_cut_short_by_a_crash_is_finished_at_the_next_start(
    log: AuditLog, store: FileStore, vault: SubjectVault, ring: KeyRing, clock: FakeClock
) -> None:
    TenantAdmin(log, ring, clock).create("acme")
    log.append("acme", "decision", "dec_1", 1, b"x", "ann").result(10)
    ring.active("acme", "metadata")
    with store.transaction() as transaction:  # the crash came after the transaction, before the key was destroyed
        assert transaction.end_tenant("acme", 1)
    assert not vault.is_shredded("acme")
    TenantAdmin(log, ring, clock)
    assert vault.is_shredded("acme")
    assert ring.purposes("acme") == []


def test_an_erasure_cut_short_by_a_crash_is_finished_at_the_next_start(
    log: AuditLog, store: FileStore, ring: KeyRing, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(log, clock)
    with monkeypatch.context() as patch:
        patch.setattr("ostiary.audit.erasure.overwrite", lambda *_: None)
        SubjectAdmin(log, clock).erase("default", "ann")
    assert all(row.sealed is not None for row in store.rows(0, 10))
    TenantAdmin(log, ring, clock)
    assert [row.sealed is None for row in store.rows(0, 10)] == [False, True] * 5


def test_retention_erases_by_kind_and_age_and_says_so(log: AuditLog, clock: FakeClock) -> None:
    _fill(log, clock, count=3)
    log.append("default", "session", "ses_1", clock.now_ns(), b"x", "ann").result(10)
    clock.advance(10 * DAY_S)
    log.append("default", "decision", "dec_new", clock.now_ns(), b"new", "ann").result(10)
    assert prune(log, clock, "default", RetentionPolicy({"decision": 11})).count == 0
    assert _erasures(log) == []
    assert prune(log, clock, "default", RetentionPolicy({"decision": 9})).count == 3
    payloads = {record.record_id: record.payload for record in log.iterate("default")}
    assert payloads == {"dec_0": None, "dec_1": None, "dec_2": None, "ses_1": b"x", "dec_new": b"new"}
    (told,) = _erasures(log)
    assert told["erased"] == [[0, 3]]
    assert prune(log, clock, "default", RetentionPolicy({"decision": 9})).count == 0
    assert all(_proves(log, "default", name) for name in payloads)


def test_what_accounts_for_erasures_cannot_be_pruned(log: AuditLog, clock: FakeClock) -> None:
    with pytest.raises(FaultyInputError):
        prune(log, clock, "system", RetentionPolicy({"admin": 1}))
    with pytest.raises(FaultyInputError):
        RetentionPolicy({"decision": -1})
