"""Conversations in memory and on disk keep the same promises."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import EVERY, Stores

from ostiary.gateway.conversations.ports import ConversationRow, ConversationStore, Grave, MessageRow, OwnerRow, Put
from ostiary.keys import MAX_SEALS
from ostiary.storage.sqlite import open_store
from ostiary.storage.tables import Store
from ostiary.testing.conversation_store import MemoryConversationStore

ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture(params=EVERY)
def store(request: Any, stores: Stores) -> Iterator[ConversationStore]:
    if request.param == "memory":
        yield MemoryConversationStore()
        return
    yield stores(request.param).conversations


def row(conversation: str = "c1", owner: str = ANN, generation: int = 1, epoch: int = 1, **more: Any) -> Any:
    told: dict[str, Any] = {"oldest": epoch, "head": b"head", "created_ns": 1, "updated_ns": generation, **more}
    return ConversationRow(owner=owner, conversation=conversation, generation=generation, epoch=epoch, **told)


def message(index: int, epoch: int = 1, sealed: bytes = b"sealed") -> MessageRow:
    return MessageRow(index, epoch, b"before", sealed)


def begun(store: ConversationStore, *names: str, owner: str = ANN, tenant: str = "t") -> None:
    store.add_owner(tenant, owner, 1)
    for name in names or ("c1",):
        assert store.add(tenant, row(name, owner), 1, 10) is Put.DONE


def test_an_owner_is_added_once(store: ConversationStore) -> None:
    assert store.owner("t", ANN) is None
    assert store.add_owner("t", ANN, 3) == store.add_owner("t", ANN, 9) == OwnerRow(ANN, 3, 0)
    assert store.owners("t") == [OwnerRow(ANN, 3, 0)]
    assert store.owners("u") == []


def test_what_was_added_is_found_by_its_owner_alone(store: ConversationStore) -> None:
    begun(store)
    assert store.find("t", ANN, "c1") == row()
    assert store.find("t", BOB, "c1") is store.find("u", ANN, "c1") is store.find("t", ANN, "c2") is None


def test_one_conversation_follows_another(store: ConversationStore) -> None:
    begun(store, "c1", "c2", "c3")
    begun(store, "c4", owner=BOB)
    assert [one.conversation for one in store.page("t", ANN, "", 2)] == ["c3", "c2"]
    assert [one.conversation for one in store.page("t", ANN, "c2", 2)] == ["c1"]
    assert (store.count("t", ANN), store.count("t", BOB), store.count("u", ANN)) == (3, 1, 0)


def test_no_more_than_so_many(store: ConversationStore) -> None:
    begun(store, "c1", "c2")
    assert store.add("t", row("c3"), 1, 2) is Put.FULL
    assert store.add("t", row("c2"), 1, 9) is Put.FULL
    assert store.owner("t", ANN) == OwnerRow(ANN, 1, 2)


def test_messages_come_with_the_next_generation(store: ConversationStore) -> None:
    begun(store)
    assert store.advance("t", row(generation=2, head=b"new"), [message(0), message(1)], 3) is Put.DONE
    assert store.find("t", ANN, "c1") == row(generation=2, head=b"new")
    assert store.messages("t", "c1", 0) == [message(0), message(1)]
    assert store.messages("t", "c1", 1) == [message(1)]
    assert store.messages("u", "c1", 0) == store.messages("t", "c1", 2) == []
    assert store.owner("t", ANN) == OwnerRow(ANN, 1, 4)


@pytest.mark.parametrize(
    "late",
    [
        row(generation=1),
        row(generation=3),
        row(generation=2, epoch=2),
        row(generation=2, owner=BOB),
        row("c2", generation=2),
    ],
)
@pytest.mark.parametrize("write", ["advance", "replace"])
def test_a_write_that_comes_too_late_changes_nothing(store: ConversationStore, late: Any, write: str) -> None:
    begun(store)
    store.add_owner("t", BOB, 1)
    assert getattr(store, write)("t", late, [message(0)], 1) is Put.CHANGED
    assert store.find("t", ANN, "c1") == row()
    assert store.messages("t", "c1", 0) == []
    assert store.owner("t", ANN) == OwnerRow(ANN, 1, 1)


def test_nothing_is_added_under_an_epoch_that_is_over(store: ConversationStore) -> None:
    begun(store)
    assert store.turn("t", ANN, 1, 2)
    assert not store.turn("t", ANN, 1, 3)
    assert not store.turn("t", ANN, 2, 2)
    assert not store.turn("t", BOB, 0, 1)
    assert store.add("t", row("c2"), 1, 10) is Put.CHANGED
    assert store.advance("t", row(generation=2), [message(0)], 1) is Put.CHANGED
    assert store.advance("t", row(generation=2, epoch=2, oldest=1), [message(0, 2)], 2) is Put.DONE
    assert store.owner("t", ANN) == OwnerRow(ANN, 2, 2)


def test_no_epoch_seals_more_than_is_safe(store: ConversationStore) -> None:
    begun(store)
    assert store.advance("t", row(generation=2), [], MAX_SEALS) is Put.CHANGED
    assert store.advance("t", row(generation=2), [], MAX_SEALS - 1) is Put.DONE
    assert store.add("t", row("c2"), 1, 10) is Put.CHANGED


def test_messages_are_replaced_as_a_whole(store: ConversationStore) -> None:
    begun(store)
    store.advance("t", row(generation=2), [message(0), message(1)], 1)
    store.turn("t", ANN, 1, 2)
    assert store.stale("t", 10) == [(ANN, "c1")]
    assert store.stale("t", 10, "c1") == store.stale("u", 10) == []
    assert store.stale_count("t") == 1
    again = [message(0, 2, b"x"), message(1, 2, b"y")]
    assert store.replace("t", row(generation=3, epoch=2), again, 3) is Put.DONE
    assert store.messages("t", "c1", 0) == again
    assert store.stale_count("t") == 0
    assert (store.oldest("t", ANN), store.oldest("t", BOB)) == (2, None)


def test_what_is_deleted_leaves_a_grave(store: ConversationStore) -> None:
    begun(store, "c1", "c2")
    store.advance("t", row(generation=2), [message(0)], 1)
    assert store.delete("t", row(generation=1), 7) is Put.CHANGED
    assert store.delete("u", row(generation=2), 7) is Put.CHANGED
    assert store.delete("t", row(generation=2, owner=BOB), 7) is Put.CHANGED
    assert store.delete("t", row(generation=2), 7) is Put.DONE
    assert store.find("t", ANN, "c1") is None
    assert store.messages("t", "c1", 0) == []
    grave = Grave(ANN, "c1", 0)
    assert store.graves("t") == store.graves("t", all_=True) == [grave]
    store.close_grave("u", grave)
    assert store.graves("t") == [grave]
    store.close_grave("t", grave)
    assert (store.graves("t"), store.graves("t", all_=True), store.graves("u", all_=True)) == ([], [grave], [])


def test_all_of_an_owner_goes_at_once(store: ConversationStore) -> None:
    begun(store, "c1", "c2")
    begun(store, "c3", owner=BOB)
    begun(store, "c1", tenant="u")
    store.advance("t", row(generation=2), [message(0)], 1)
    assert store.delete_all("t", ANN, 5, 7) == ["c1", "c2"]
    assert store.messages("t", "c1", 0) == []
    assert store.page("t", ANN, "", 9) == []
    assert store.owner("t", ANN) == OwnerRow(ANN, 5, 0)
    assert store.graves("t") == [Grave(ANN, "", 5)]
    assert store.count("t", BOB) == store.count("u", ANN) == 1
    assert store.add("t", row("c9"), 1, 9) is Put.CHANGED
    assert store.add("t", row("c9", epoch=5), 1, 9) is Put.DONE


def test_a_tenant_is_forgotten_whole(tmp_path: Path) -> None:
    with open_store(tmp_path / "o.db") as opened:
        for tenant in ("t", "u"):
            begun(opened.conversations, tenant=tenant)
            opened.conversations.advance(tenant, row(generation=2), [message(0)], 1)
            opened.conversations.delete_all(tenant, BOB, 2, 7)
        opened.forget_tenant("t")
    with sqlite3.connect(tmp_path / "o.db") as raw:
        tables = ("conversations", "conversation_messages", "conversation_owners", "conversation_graves")
        for table in tables:
            assert {name for (name,) in raw.execute(f"SELECT tenant FROM {table}")} == {"u"}  # noqa: S608
    raw.close()


def test_a_write_inside_a_transaction_that_fails_is_undone(tables: Store) -> None:
    begun(tables.conversations)

    def fails() -> None:
        with tables.transaction():
            assert tables.conversations.advance("t", row(generation=2), [message(0)], 1) is Put.DONE
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert tables.conversations.find("t", ANN, "c1") == row()
    assert tables.conversations.messages("t", "c1", 0) == []
