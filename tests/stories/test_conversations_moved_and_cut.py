"""Whoever can write the database moves, cuts, doubles and puts back ciphertexts. Nothing of it opens unnoticed."""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.audit import AuditLog
from ostiary.errors import RefusedError
from ostiary.gateway.conversations import Conversations, Rotation
from ostiary.keys import open_keys
from ostiary.storage.sqlite import open_store
from ostiary.storage.tables import Store
from ostiary.testing.conversation_scene import said, scene
from ostiary.testing.fake_clock import FakeClock

TENANTS, USERS = ("default", "acme"), ("user:ann", "user:bob")


class World:
    """Two tenants, two users each, two conversations each, of three messages over two epochs."""

    def __init__(self, folder: Path, store: Store, log: AuditLog, clock: FakeClock) -> None:
        self.conversations: Conversations = scene(log, store.conversations, folder / "conversations", clock)
        self.raw = sqlite3.connect(folder / "o.db", isolation_level=None)
        self.ids: dict[tuple[str, str, int], str] = {}

    def fill(self) -> None:
        for tenant, user in product(TENANTS, USERS):
            for number in range(2):
                made = self.conversations.create(tenant, user, title=f"{tenant} {user} {number}")
                self.ids[tenant, user, number] = made.id
                self.conversations.append(tenant, user, made.id, [said(f"{tenant} {user} {number} 0")])
        for tenant, user in product(TENANTS, USERS):
            Rotation(self.conversations.parts).turn(tenant, user)
            for number in range(2):
                messages = [said(f"{tenant} {user} {number} {index}") for index in (1, 2)]
                self.conversations.append(tenant, user, self.ids[tenant, user, number], messages)

    def read(self, tenant: str, user: str, number: int) -> list[str]:
        told = self.conversations.read(tenant, user, self.ids[tenant, user, number])
        return [message.content["content"] for message in told.messages]

    def sql(self, statement: str, *values: object) -> list[Any]:
        return self.raw.execute(statement, values).fetchall()

    def rows(self) -> list[tuple[str, str, int, int, bytes, bytes]]:
        return self.sql("SELECT tenant, conversation, idx, epoch, previous, sealed FROM conversation_messages")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = FakeClock()
    with open_store(tmp_path / "o.db", clock) as store:
        ring, vault = open_keys(tmp_path / "keys", store, clock)
        with AuditLog(store, vault, ring, clock) as log:
            store_tenant(log, ring, clock)
            found = World(tmp_path, store, log, clock)
            found.fill()
            yield found
            found.raw.close()


def store_tenant(log: AuditLog, ring: Any, clock: FakeClock) -> None:
    from ostiary.audit.tenants import TenantAdmin  # noqa: PLC0415

    TenantAdmin(log, ring, clock).create("acme")


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same world, for tests that put back what they changed."""
    folder, clock = tmp_path_factory.mktemp("world"), FakeClock()
    with open_store(folder / "o.db", clock) as store:
        ring, vault = open_keys(folder / "keys", store, clock)
        with AuditLog(store, vault, ring, clock) as log:
            store_tenant(log, ring, clock)
            found = World(folder, store, log, clock)
            found.fill()
            yield found
            found.raw.close()


def test_it_reads_as_it_was_written(world: World) -> None:
    for tenant, user, number in world.ids:
        assert world.read(tenant, user, number) == [f"{tenant} {user} {number} {index}" for index in range(3)]


def test_no_ciphertext_opens_at_another_place(standing: World) -> None:
    """Every message in every other message's place, with and without its epoch and link: all pairs."""
    world, rows = standing, standing.rows()
    assert len(rows) == 24
    whose = {ident: (tenant, user, number) for (tenant, user, number), ident in world.ids.items()}
    put = "UPDATE conversation_messages SET epoch=?, previous=?, sealed=? WHERE tenant=? AND conversation=? AND idx=?"
    refused = 0
    for one, other in permutations(rows, 2):
        for epoch, previous in ((other[3], other[4]), (one[3], one[4])):
            world.sql(put, epoch, previous, one[5], *other[:3])
            with pytest.raises(RefusedError) as no:
                world.read(*whose[other[1]])
            assert no.value.code in {"conversation_damaged", "sealed_data_refused", "conversation_shredded"}
            refused += 1
        world.sql(put, *other[3:], *other[:3])
    assert refused == 24 * 23 * 2
    for tenant, user, number in world.ids:
        assert len(world.read(tenant, user, number)) == 3


def test_even_past_the_chain_the_key_refuses(standing: World) -> None:
    """The chain is one wall; sealing is another: each ciphertext is opened at each place, without the chain."""
    from ostiary.gateway.conversations.ports import MessageRow  # noqa: PLC0415
    from ostiary.gateway.conversations.sealing import open_messages  # noqa: PLC0415

    parts, rows = standing.conversations.parts, standing.rows()
    whose = {ident: (tenant, parts.keys.owner(tenant, user)) for (tenant, user, _), ident in standing.ids.items()}
    for one, other in product(rows, rows):
        tenant, owner = whose[other[1]]
        row = parts.store.find(tenant, owner, other[1])
        assert row is not None
        moved = MessageRow(other[2], other[3], other[4], one[5])
        if one == other:
            assert open_messages(parts.keys, tenant, row, [moved])
            continue
        with pytest.raises(RefusedError) as no:
            open_messages(parts.keys, tenant, row, [moved])
        assert no.value.code == "sealed_data_refused"


def test_no_head_opens_for_another_conversation(standing: World) -> None:
    world = standing
    rows = world.sql("SELECT tenant, conversation, epoch, head FROM conversations")
    whose = {ident: (tenant, user, number) for (tenant, user, number), ident in world.ids.items()}
    put = "UPDATE conversations SET epoch=?, head=? WHERE tenant=? AND conversation=?"
    for one, other in permutations(rows, 2):
        world.sql(put, one[2], one[3], *other[:2])
        with pytest.raises(RefusedError):
            world.read(*whose[other[1]])
        world.sql(put, *other[2:], *other[:2])
    assert all(world.read(*place) for place in world.ids)


def test_a_message_is_no_head(world: World) -> None:
    tenant, user, number = next(iter(world.ids))
    ident = world.ids[tenant, user, number]
    (sealed,) = world.sql("SELECT sealed FROM conversation_messages WHERE conversation=? AND idx=2", ident)[0]
    world.sql("UPDATE conversations SET head=? WHERE conversation=?", sealed, ident)
    with pytest.raises(RefusedError):
        world.read(tenant, user, number)


def test_a_conversation_given_to_somebody_else_does_not_open(world: World) -> None:
    """The rows are handed over whole: tenant, owner, ids; the keys say whose they were."""
    parts = world.conversations.parts
    ann = world.ids["default", "user:ann", 0]
    for tenant, user in (("default", "user:bob"), ("acme", "user:ann"), ("acme", "user:bob")):
        owner = parts.keys.owner(tenant, user)
        mine = parts.keys.owner("default", "user:ann")
        world.sql("UPDATE conversations SET tenant=?, owner=? WHERE conversation=?", tenant, owner, ann)
        world.sql("UPDATE conversation_messages SET tenant=? WHERE conversation=?", tenant, ann)
        with pytest.raises(RefusedError) as no:
            world.conversations.read(tenant, user, ann)
        assert no.value.code in {"conversation_shredded", "sealed_data_refused"}
        world.sql("UPDATE conversations SET tenant='default', owner=? WHERE conversation=?", mine, ann)
        world.sql("UPDATE conversation_messages SET tenant='default' WHERE conversation=?", ann)
    assert world.read("default", "user:ann", 0)


CUTS: dict[str, Callable[[World, str], Any]] = {
    "the last is cut off": lambda w, i: w.sql("DELETE FROM conversation_messages WHERE conversation=? AND idx=2", i),
    "the first is cut off": lambda w, i: w.sql("DELETE FROM conversation_messages WHERE conversation=? AND idx=0", i),
    "one within is gone": lambda w, i: w.sql("DELETE FROM conversation_messages WHERE conversation=? AND idx=1", i),
    "all are gone": lambda w, i: w.sql("DELETE FROM conversation_messages WHERE conversation=?", i),
    "the last came twice": lambda w, i: w.sql(
        "INSERT INTO conversation_messages SELECT tenant, conversation, 3, epoch, previous, sealed"
        " FROM conversation_messages WHERE conversation=? AND idx=2",
        i,
    ),
    "two changed places": lambda w, i: (
        w.sql("UPDATE conversation_messages SET idx = CASE idx WHEN 1 THEN -1 ELSE idx END WHERE conversation=?", i)
        + w.sql("UPDATE conversation_messages SET idx = 1 WHERE conversation=? AND idx=2", i)
        + w.sql("UPDATE conversation_messages SET idx = 2 WHERE conversation=? AND idx=-1", i)
    ),
    "a generation is claimed": lambda w, i: w.sql("UPDATE conversations SET generation=9 WHERE conversation=?", i),
    "an epoch is claimed": lambda w, i: w.sql("UPDATE conversations SET epoch=epoch-1 WHERE conversation=?", i),
}


@pytest.mark.parametrize("cut", CUTS)
def test_what_is_cut_doubled_or_reordered_is_noticed(world: World, cut: str) -> None:
    CUTS[cut](world, world.ids["default", "user:ann", 0])
    with pytest.raises(RefusedError) as no:
        world.read("default", "user:ann", 0)
    assert no.value.code in {"conversation_damaged", "sealed_data_refused", "conversation_rolled_back"}
    assert len(world.read("default", "user:ann", 1)) == 3


@pytest.mark.parametrize("start", [1, 2, -1, -2])
def test_a_tail_is_checked_like_the_whole(world: World, start: int) -> None:
    ident = world.ids["default", "user:ann", 0]
    told = world.conversations.read("default", "user:ann", ident, start)
    assert len(told.messages) == (abs(start) if start < 0 else 3 - start)
    world.sql(
        "UPDATE conversation_messages SET sealed=CAST(sealed||x'00' AS BLOB) WHERE conversation=? AND idx=2", ident
    )
    with pytest.raises(RefusedError):
        world.conversations.read("default", "user:ann", ident, start)


def test_an_older_state_put_back_is_noticed(world: World) -> None:
    """All rows of one conversation from yesterday, consistent among themselves: the log has seen what came after."""
    ident = world.ids["default", "user:ann", 0]
    tables = ("conversations", "conversation_messages", "conversation_owners")
    before = {table: world.sql(f"SELECT * FROM {table}") for table in tables}  # noqa: S608
    world.conversations.append("default", "user:ann", ident, [said("and one more")])
    assert len(world.read("default", "user:ann", 0)) == 4
    for table, rows in before.items():
        world.sql(f"DELETE FROM {table}")  # noqa: S608
        for row in rows:
            world.sql(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", *row)  # noqa: S608
    with pytest.raises(RefusedError) as no:
        world.read("default", "user:ann", 0)
    assert no.value.code == "conversation_rolled_back"
    with pytest.raises(RefusedError) as no:
        world.conversations.append("default", "user:ann", ident, [said("on top of it")])
    assert no.value.code == "conversation_rolled_back"
    assert len(world.read("default", "user:ann", 1)) == 3


def test_a_deleted_conversation_put_back_does_not_open(world: World) -> None:
    ident = world.ids["default", "user:ann", 0]
    tables = ("conversations", "conversation_messages")
    before = {table: world.sql(f"SELECT * FROM {table} WHERE conversation=?", ident) for table in tables}  # noqa: S608
    world.conversations.delete("default", "user:ann", ident)
    for table, rows in before.items():
        for row in rows:
            world.sql(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", *row)  # noqa: S608
    with pytest.raises(RefusedError) as no:
        world.read("default", "user:ann", 0)
    assert no.value.code == "conversation_shredded"
    assert [one.id for one in world.conversations.page("default", "user:ann")] == [world.ids["default", "user:ann", 1]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 23), st.integers(min_value=0), st.integers(1, 255), st.sampled_from(["previous", "sealed"]))
def test_one_changed_byte_is_noticed(standing: World, which: int, where: int, change: int, column: str) -> None:
    world = standing
    row = world.rows()[which]
    kept = row[5] if column == "sealed" else row[4]
    altered = bytearray(kept)
    altered[where % len(kept)] ^= change
    put = f"UPDATE conversation_messages SET {column}=? WHERE tenant=? AND conversation=? AND idx=?"  # noqa: S608
    whose = {ident: (tenant, user, number) for (tenant, user, number), ident in world.ids.items()}
    world.sql(put, bytes(altered), *row[:3])
    with pytest.raises(RefusedError):
        world.read(*whose[row[1]])
    world.sql(put, kept, *row[:3])
    assert len(world.read(*whose[row[1]])) == 3


def test_what_is_another_s_is_as_unknown_as_what_never_was(world: World) -> None:
    conversations, ann = world.conversations, world.ids["default", "user:ann", 0]
    told = set()
    for tenant, user, ident in (
        ("default", "user:bob", ann),
        ("acme", "user:ann", ann),
        ("acme", "user:bob", ann),
        ("default", "user:ann", "conv_" + "0" * 26),
        ("default", "user:ann", "../../etc/passwd"),
        ("default", "user:ann", ""),
        ("default", "user:nobody", ann),
    ):
        for attempt in (
            lambda: conversations.read(tenant, user, ident),  # noqa: B023
            lambda: conversations.append(tenant, user, ident, [said("mine now")]),  # noqa: B023
            lambda: conversations.describe(tenant, user, ident, "mine now"),  # noqa: B023
            lambda: conversations.delete(tenant, user, ident),  # noqa: B023
            lambda: conversations.find(tenant, user, ident),  # noqa: B023
        ):
            with pytest.raises(RefusedError) as no:
                attempt()
            told.add((no.value.code, no.value.message))
        assert not conversations.owns(tenant, user, ident)
    assert told == {("conversation_unknown", "there is no such conversation")}
    assert len(world.read("default", "user:ann", 0)) == 3
