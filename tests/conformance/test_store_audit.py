"""One suite for every store of the audit log: what ``audit.ports`` and ``keys.ports`` promise."""

from collections.abc import Iterator

import msgspec
import pytest
from stores import EVERY, Stores

from ostiary.audit.ports import AuditStore, Head, RecordRow, Selection, TenantRow, TileRow, pages
from ostiary.keys.ports import WrappedKeyStore
from ostiary.testing.memory_store import MemoryStore


class Store(AuditStore, WrappedKeyStore):
    """Both ports, as every store implements them."""


@pytest.fixture(params=EVERY)
def store(request: pytest.FixtureRequest, stores: Stores) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore()  # type: ignore[misc]
        return
    yield stores(request.param)  # type: ignore[misc]


def _row(index: int, tenant: str = "default", kind: str = "decision", tag: bytes = b"t") -> RecordRow:
    return RecordRow(index, tenant, kind, f"dec_{index}", 1000 + index, tag, b"entry%d" % index, b"sealed%d" % index)


def _fill(store: Store, rows: list[RecordRow]) -> None:
    with store.transaction() as transaction:
        transaction.add_records(rows)
        head = transaction.head()
        transaction.set_head(msgspec.structs.replace(head, size=head.size + len(rows)))


def test_a_new_store_has_an_empty_log_and_two_tenants(store: Store) -> None:
    head = store.head()
    assert (head.origin, head.size, head.checkpoint) == ("", 0, b"")
    assert head.root.hex().startswith("e3b0c442")
    assert [row.tenant for row in store.tenants()] == ["default", "system"]
    assert all(len(row.salt) == 32 for row in store.tenants())
    assert store.tile(0, 0) == b""
    assert store.cosigned() == b""
    assert store.find_record("default", "dec_0") is None


def test_records_are_read_back_in_order(store: Store) -> None:
    rows = [_row(index) for index in range(10)]
    _fill(store, rows)
    assert store.rows(0, 10) == rows
    assert store.entries(3, 5) == [b"entry3", b"entry4"]
    assert store.names(3, 5) == [(3, "decision", "dec_3"), (4, "decision", "dec_4")]
    assert store.names(10, 20) == []
    assert store.find_record("default", "dec_4") == rows[4]


def test_another_tenants_record_is_unknown(store: Store) -> None:
    _fill(store, [_row(0)])
    assert store.find_record("other", "dec_0") is None
    assert store.select(Selection("other"), 10) == []


def test_selection_by_kind_subject_age_and_page(store: Store) -> None:
    rows = [_row(n, kind="admin" if n % 3 == 0 else "decision", tag=b"a" if n % 2 else b"b") for n in range(20)]
    _fill(store, rows)
    assert store.select(Selection("default", kind="admin"), 100) == [row for row in rows if row.kind == "admin"]
    assert store.select(Selection("default", tag=b"a"), 100) == rows[1::2]
    assert store.select(Selection("default", before_ns=1005), 100) == rows[:5]
    assert store.select(Selection("default", since_index=17), 100) == rows[17:]
    assert store.select(Selection("default"), 3) == rows[:3]
    assert store.newest(Selection("default"), 20, 3) == rows[:16:-1]
    assert store.newest(Selection("default"), 5, 100) == rows[4::-1]
    assert store.newest(Selection("default", tag=b"a"), 20, 2) == rows[19:15:-2]
    assert store.newest(Selection("default", kind="admin"), 20, 1) == [row for row in rows if row.kind == "admin"][-1:]
    assert store.newest(Selection("default", kind="decision", since_index=3), 6, 9) == [
        row for row in rows[5:2:-1] if row.kind == "decision"
    ]
    assert store.newest(Selection("other"), 20, 3) == []
    assert list(pages(store, Selection("default", tag=b"b"), page=3)) == rows[::2]


def test_head_tiles_and_cosigned_are_kept(store: Store) -> None:
    head = Head("example.com/log", 7, b"r" * 32, b"checkpoint", 123, 9)
    with store.transaction() as transaction:
        transaction.set_head(head)
        transaction.set_cosigned(b"cosigned")
        transaction.put_tiles([TileRow(0, 0, b"a" * 32), TileRow(2, 5, b"b" * 32)])
        transaction.put_tiles([TileRow(0, 0, b"c" * 64)])
        assert transaction.head() == head
    assert store.head() == head
    assert store.cosigned() == b"cosigned"
    assert (store.tile(0, 0), store.tile(2, 5), store.tile(1, 5)) == (b"c" * 64, b"b" * 32, b"")


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    before = store.head()

    def fail() -> None:
        with store.transaction() as transaction:
            transaction.add_records([_row(0)])
            transaction.put_tiles([TileRow(0, 0, b"a" * 32)])
            transaction.add_tenant(TenantRow("acme", b"s" * 32, 1))
            store.put_key("default", b"t", b"wrapped")
            transaction.set_head(msgspec.structs.replace(before, size=1))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert store.head() == before
    assert store.rows(0, 1) == []
    assert store.tile(0, 0) == b""
    assert store.find_tenant("acme") is None
    assert store.find_key("default", b"t") is None


def test_erasing_takes_the_sealed_part_only(store: Store) -> None:
    rows = [_row(n, tag=b"a" if n % 2 else b"b") for n in range(6)]
    _fill(store, rows)
    with store.transaction() as transaction:
        assert transaction.sealed_indexes(Selection("default", tag=b"a")) == [1, 3, 5]
        transaction.erase_sealed([1, 3, 5])
        assert transaction.sealed_indexes(Selection("default", tag=b"a")) == []
        assert transaction.sealed_indexes(Selection("other")) == []
        assert transaction.sealed_indexes(Selection("default", kind="decision", before_ns=1001)) == [0]
        transaction.erase_sealed([0])
    assert [row.sealed is None for row in store.rows(0, 6)] == [True, True, False, True, False, True]
    assert store.entries(0, 6) == [row.entry for row in rows]


def test_tenants_come_once_and_go_for_ever(store: Store) -> None:
    row = TenantRow("acme", b"s" * 32, 5)
    with store.transaction() as transaction:
        assert transaction.add_tenant(row)
        assert not transaction.add_tenant(TenantRow("acme", b"x" * 32, 6))
    assert store.find_tenant("acme") == row
    epoch = store.head().epoch
    with store.transaction() as transaction:
        assert transaction.end_tenant("acme", 9)
        assert not transaction.end_tenant("acme", 10)
        assert not transaction.end_tenant("nobody", 10)
        assert not transaction.add_tenant(row)
    assert store.find_tenant("acme") == TenantRow("acme", b"", 5, 9)
    assert store.head().epoch > epoch


def test_wrapped_keys_are_never_replaced(store: Store) -> None:
    assert store.put_key("acme", b"t", b"first") == b"first"
    assert store.put_key("acme", b"t", b"second") == b"first"
    assert store.find_key("acme", b"t") == b"first"
    assert store.find_key("other", b"t") is None
    epoch = store.head().epoch
    assert store.delete_key("acme", b"t")
    assert not store.delete_key("acme", b"t")
    assert store.head().epoch > epoch
    store.put_key("acme", b"1", b"k")
    store.put_key("acme", b"2", b"k")
    store.put_key("other", b"1", b"kept")
    assert store.delete_keys("acme") == 2
    assert store.find_key("other", b"1") == b"kept"


def test_inside_a_transaction_a_fresh_key_is_seen(store: Store) -> None:
    with store.transaction():
        store.put_key("acme", b"t", b"first")
        assert store.find_key("acme", b"t") == b"first"
