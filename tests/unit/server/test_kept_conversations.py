"""Conversations as the gateway keeps them: under names of their users' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.audit import AuditLog
from ostiary.errors import RefusedError
from ostiary.gateway.conversations import Conversations
from ostiary.gateway.ports import KeptMessage
from ostiary.keys import open_keys
from ostiary.server.conversations import KeptConversations
from ostiary.storage.sqlite import open_store
from ostiary.testing.conversation_scene import scene
from ostiary.testing.fake_clock import FakeClock
from ostiary.vocabulary.labels import SessionLabel

ANN, BOB = "user:ann", "user:bob"


@pytest.fixture
def conversations(tmp_path: Path) -> Iterator[Conversations]:
    clock = FakeClock()
    with open_store(tmp_path / "o.db", clock) as store:
        ring, vault = open_keys(tmp_path / "keys", store, clock)
        with AuditLog(store, vault, ring, clock) as log:
            yield scene(log, store.conversations, tmp_path / "keys" / "conversations", clock)


def said(text: str, level: int = 0) -> KeptMessage:
    return KeptMessage("user", text, SessionLabel("default", confidentiality=level))


def test_the_first_messages_begin_a_conversation_of_the_user_s_own(conversations: Conversations) -> None:
    kept = KeptConversations(conversations)
    with pytest.raises(RefusedError, match="no such conversation"):
        kept.read("default", ANN, "trip")
    kept.append("default", ANN, "trip", [said("one", 3)])
    kept.append("default", ANN, "trip", [said("two")])
    kept.append("default", BOB, "trip", [said("bob's")])
    assert kept.read("default", ANN, "trip") == [said("one", 3), said("two")]
    assert [one.content for one in kept.read("default", BOB, "trip")] == ["bob's"]
    (mine,) = conversations.page("default", ANN)
    assert mine.title == "trip"
    assert mine.label == SessionLabel("default", confidentiality=3)
    assert kept.read("default", ANN, mine.id) == kept.read("default", ANN, "trip")
    for tenant, user, name in (("default", BOB, mine.id), ("acme", ANN, "trip"), ("default", ANN, "Trip")):
        if tenant == "default":
            with pytest.raises(RefusedError) as no:
                kept.read(tenant, user, name)
            assert no.value.code == "conversation_unknown"


@pytest.mark.parametrize("how", ["conversation", "user"])
def test_a_name_outlives_what_was_shredded_under_it(conversations: Conversations, how: str) -> None:
    kept = KeptConversations(conversations)
    for number in range(3):
        kept.append("default", ANN, "trip", [said(f"life {number}")])
        assert [one.content for one in kept.read("default", ANN, "trip")] == [f"life {number}"]
        (mine,) = conversations.page("default", ANN)
        if how == "user":
            conversations.forget("default", ANN)
        else:
            conversations.delete("default", ANN, mine.id)
        with pytest.raises(RefusedError, match="no such conversation"):
            kept.read("default", ANN, "trip")


def test_a_taken_id_costs_nobody_a_key(conversations: Conversations) -> None:
    made = conversations.create("default", ANN, "x")
    with pytest.raises(RefusedError):
        conversations.create("default", ANN, "y", ident=made.id)
    assert conversations.find("default", ANN, made.id).title == "x"
