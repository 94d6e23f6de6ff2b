"""Rotation, re-encryption and shredding while others read and write; and a process that is killed in the middle."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ostiary.audit import AuditLog
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.gateway.conversations import Conversations, Limits, Message, Rotation, Shredding, verify
from ostiary.keys import open_keys
from ostiary.storage.sqlite import open_store
from ostiary.testing.conversation_scene import said, scene
from ostiary.testing.conversation_store import MemoryConversationStore
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.memory_store import MemoryStore

ANN, BOB = "user:ann", "user:bob"


@contextlib.contextmanager
def opened(folder: Path, limits: Limits | None = None) -> Iterator[Conversations]:
    clock = FakeClock()
    folder.mkdir(mode=0o700, exist_ok=True)
    with open_store(folder / "o.db", clock) as store:
        ring, vault = open_keys(folder / "keys", store, clock)
        with AuditLog(store, vault, ring, clock) as log:
            yield scene(log, store.conversations, folder / "keys" / "conversations", clock, limits)


@pytest.fixture
def conversations(tmp_path: Path) -> Iterator[Conversations]:
    with opened(tmp_path / "data") as found:
        yield found


def texts(conversations: Conversations, user: str, ident: str) -> list[str]:
    return [one.content["content"] for one in conversations.read("default", user, ident).messages]


def beside(*work: Callable[[], None]) -> list[BaseException]:
    """Run all at once; return what went wrong."""
    wrong: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as fault:  # noqa: BLE001 - told to the test
            wrong.append(fault)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return wrong


def test_rotation_under_load_loses_nothing(conversations: Conversations) -> None:
    """Two writers, a reader, and somebody who rotates users' and tenant's keys and re-encrypts all the while."""
    one, two = (conversations.create("default", ANN).id for _ in range(2))
    shared = conversations.create("default", BOB).id
    rotation, shredding = Rotation(conversations.parts), Shredding(conversations.parts)
    done = threading.Event()
    rounds = 0

    def writes(mine: str, name: str) -> None:
        for number in range(25):
            conversations.append("default", ANN, mine, [said(f"{name} {number}")])
            conversations.append("default", BOB, shared, [said(f"{name} {number}")])

    def both() -> None:
        try:
            wrong.extend(beside(lambda: writes(one, "a"), lambda: writes(two, "b")))
        finally:
            done.set()

    def rotates() -> None:
        nonlocal rounds
        while not done.is_set() or not rounds:
            rotation.turn_all("default")
            assert rotation.reencrypt("default").failed == {}
            shredding.tend("default")
            rotation.rewrap("default")
            rounds += 1

    def reads() -> None:
        while not done.is_set():
            seen = texts(conversations, BOB, shared)
            assert [text for text in seen if text[0] == "a"] == [
                f"a {n}" for n in range(sum(t[0] == "a" for t in seen))
            ]
            conversations.page("default", ANN)

    wrong: list[BaseException] = []
    assert beside(both, rotates, reads) == []
    assert wrong == []
    assert rounds > 1
    assert texts(conversations, ANN, one) == [f"a {number}" for number in range(25)]
    assert texts(conversations, ANN, two) == [f"b {number}" for number in range(25)]
    both_told = texts(conversations, BOB, shared)
    assert sorted(both_told) == sorted(f"{name} {number}" for name in "ab" for number in range(25))
    assert rotation.reencrypt("default").left == 0
    shredding.tend("default")
    assert verify(conversations.parts, "default").wrong == {}
    for user in (ANN, BOB):
        owner = conversations.parts.keys.owner("default", user)
        row = conversations.parts.store.owner("default", owner)
        assert row is not None
        assert conversations.parts.keys.epochs("default", owner) == [row.epoch]


def test_two_processes_write_one_conversation(tmp_path: Path) -> None:
    """Two stores over one file, as two processes have: no lock is shared, every message is there once."""
    with opened(tmp_path / "data") as first, opened(tmp_path / "data") as second:
        ident = first.create("default", ANN).id

        def writes(mine: Conversations, name: str) -> None:
            for number in range(15):
                mine.append("default", ANN, ident, [said(f"{name} {number}")])

        assert beside(lambda: writes(first, "a"), lambda: writes(second, "b")) == []
        found = texts(first, ANN, ident)
        assert sorted(found) == sorted(f"{name} {number}" for name in "ab" for number in range(15))
        assert [text for text in found if text[0] == "a"] == [f"a {number}" for number in range(15)]


def test_another_process_s_shredding_is_heard_at_once(tmp_path: Path) -> None:
    """It still has the key in memory; the rows are gone, and no row of an old epoch is taken."""
    with opened(tmp_path / "data") as first, opened(tmp_path / "data") as second:
        ident = first.create("default", ANN).id
        first.append("default", ANN, ident, [said("secret")])
        assert texts(second, ANN, ident) == ["secret"]
        first.forget("default", ANN)
        for attempt in (
            lambda: second.read("default", ANN, ident),
            lambda: second.append("default", ANN, ident, [said("more")]),
        ):
            with pytest.raises(RefusedError, match="no such conversation"):
                attempt()
        fresh = second.create("default", ANN).id
        second.append("default", ANN, fresh, [said("anew")])
        assert texts(first, ANN, fresh) == ["anew"]


@pytest.mark.parametrize("how", ["conversation", "user"])
def test_readers_and_writers_race_with_shredding(conversations: Conversations, how: str) -> None:
    """Whoever comes before reads all, whoever comes after meets nothing; nobody reads a half."""
    told: set[str] = set()
    for number in range(6):
        ident = conversations.create("default", ANN).id
        conversations.append("default", ANN, ident, [said("first"), said("second")])
        begun = threading.Barrier(3)

        def reads(ident: str = ident, begun: threading.Barrier = begun) -> None:
            begun.wait()
            with contextlib.suppress(RefusedError):
                for _ in range(40):
                    assert texts(conversations, ANN, ident)[:2] == ["first", "second"]

        def writes(ident: str = ident, begun: threading.Barrier = begun) -> None:
            begun.wait()
            try:
                for _ in range(10):
                    conversations.append("default", ANN, ident, [said("more")])
            except RefusedError as no:
                told.add(no.code)

        def shreds(ident: str = ident, begun: threading.Barrier = begun, number: int = number) -> None:
            begun.wait()
            time.sleep(0.002 * number)
            if how == "conversation":
                conversations.delete("default", ANN, ident)
            else:
                conversations.forget("default", ANN)

        assert beside(reads, writes, shreds) == []
        with pytest.raises(RefusedError, match="no such conversation"):
            conversations.read("default", ANN, ident)
        assert not conversations.parts.keys.holds("default", conversations.parts.keys.owner("default", ANN), ident)
    assert told <= {"conversation_unknown", "conversation_shredded"}


def test_a_conversation_begun_while_all_are_shredded_lives_or_never_was(conversations: Conversations) -> None:
    made: list[str] = []

    def begins() -> None:
        for _ in range(12):
            ident = conversations.create("default", ANN).id
            made.append(ident)
            with contextlib.suppress(RefusedError):
                conversations.append("default", ANN, ident, [said("x")])

    def shreds() -> None:
        for _ in range(4):
            conversations.forget("default", ANN)

    assert beside(begins, shreds) == []
    living = [one.id for one in conversations.page("default", ANN)]
    assert verify(conversations.parts, "default").wrong == {}
    assert verify(conversations.parts, "default").whole == len(living)
    assert set(living) <= set(made)


CHILD = """
import sys, pathlib
from tests.stories.test_conversations_under_load import opened, said
from ostiary.gateway.conversations import Rotation, Shredding
folder, what, ident = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
with opened(folder) as conversations:
    rotation, shredding = Rotation(conversations.parts), Shredding(conversations.parts)
    number = 0
    while True:
        if what == "append":
            conversations.append("default", "user:ann", ident, [said(f"n {number}")])
        elif what == "rotate":
            rotation.turn_all("default"); rotation.reencrypt("default"); shredding.tend("default")
            rotation.rewrap("default")
        else:
            made = conversations.create("default", "user:ann").id
            conversations.append("default", "user:ann", made, [said("gone")])
            conversations.forget("default", "user:ann") if number % 2 else conversations.delete(
                "default", "user:ann", made)
        number += 1
        print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["append", "rotate", "shred"])
def test_killed_in_the_middle_it_is_whole_at_the_next_start(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "data"
    with opened(folder) as conversations:
        ident = conversations.create("default", ANN if what == "append" else BOB).id
        if what != "append":
            conversations.append("default", BOB, ident, [said(f"kept {n}") for n in range(20)])
    for after_s in (0.0, 0.013, 0.029, 0.047):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder), what, ident],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert child.stdout is not None
        assert int(child.stdout.readline()) == 1
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)
        said_done = 1 + len(child.stdout.read().splitlines())
        child.wait()
        child.stdout.close()
        with opened(folder) as conversations:
            Shredding(conversations.parts).tend("default")
            assert verify(conversations.parts, "default").wrong == {}
            assert conversations.parts.store.graves("default") == []
            if what == "append":
                found = texts(conversations, ANN, ident)
                assert len(found) >= said_done
                conversations.append("default", ANN, ident, [said("and on")])
            else:
                assert texts(conversations, BOB, ident) == [f"kept {n}" for n in range(20)]
            if what == "rotate":
                assert Rotation(conversations.parts).reencrypt("default").failed == {}
                Rotation(conversations.parts).rewrap("default")
            if what == "shred":
                keys, owner = conversations.parts.keys, conversations.parts.keys.owner("default", ANN)
                for grave in conversations.parts.store.graves("default", all_=True):
                    assert not grave.conversation or not keys.holds("default", owner, grave.conversation)
                    assert not any(epoch < grave.floor for epoch in keys.epochs("default", owner))


# Bounds.


def in_memory(tmp_path: Path, **limits: Any) -> tuple[Conversations, AuditLog]:
    clock, store = FakeClock(), MemoryStore()
    ring, vault = open_keys(tmp_path / "keys", store, clock)
    log = AuditLog(store, vault, ring, clock)
    return scene(log, MemoryConversationStore(), tmp_path / "talk", clock, Limits(**limits)), log


def refused(code: str, attempt: Callable[[], object]) -> None:
    with pytest.raises(OstiaryError) as no:
        attempt()
    assert no.value.code == code


def test_nobody_fills_the_house(tmp_path: Path) -> None:
    conversations, log = in_memory(tmp_path, message_bytes=300, messages=4, bytes=600, batch=3, per_user=2, title=5)
    ident = conversations.create("default", ANN, "title").id

    def append(*messages: Message) -> object:
        return conversations.append("default", ANN, ident, messages)

    refused("title_too_long", lambda: conversations.create("default", ANN, "longer"))
    refused("title_invalid", lambda: conversations.create("default", ANN, "\ud800"))
    for bad in ({str(n): "" for n in range(17)}, {"n" * 65: ""}, {"n": "v" * 513}, {"n": 7}, {"\ud800": ""}):
        refused("metadata_invalid", lambda bad=bad: conversations.create("default", ANN, "", bad))  # type: ignore[misc]
    refused("message_too_large", lambda: append(said("x" * 300)))
    refused("message_invalid", lambda: append(Message("message", object())))
    refused("message_invalid", lambda: append(said("\ud800")))
    refused("too_many_messages", append)
    refused("too_many_messages", lambda: append(*[said("x")] * 4))
    append(said("1"), said("2"), said("3"))
    refused("conversation_too_long", lambda: append(said("4"), said("5")))
    refused("conversation_too_long", lambda: append(said("x" * 200), said("x" * 200)))
    conversations.create("default", ANN)
    refused("too_many_conversations", lambda: conversations.create("default", ANN))
    conversations.create("default", BOB)
    conversations.delete("default", ANN, ident)
    conversations.create("default", ANN)
    log.close()


def test_appending_behind_what_one_has_seen(tmp_path: Path) -> None:
    conversations, log = in_memory(tmp_path)
    ident = conversations.create("default", ANN).id
    conversations.append("default", ANN, ident, [said("1")], after=0)
    refused("conversation_moved_on", lambda: conversations.append("default", ANN, ident, [said("2")], after=0))
    assert texts(conversations, ANN, ident) == ["1"]
    log.close()


def test_a_key_is_replaced_long_before_nonces_could_meet(tmp_path: Path) -> None:
    conversations, log = in_memory(tmp_path, epoch_seals=10)
    ident = conversations.create("default", ANN).id
    for number in range(20):
        conversations.append("default", ANN, ident, [said(str(number))])
    owner = conversations.parts.keys.owner("default", ANN)
    row = conversations.parts.store.owner("default", owner)
    assert row is not None
    assert row.epoch == 5
    assert row.seals <= 10
    assert texts(conversations, ANN, ident) == [str(number) for number in range(20)]
    log.close()


def test_no_nonce_is_used_twice_under_one_key(tmp_path: Path) -> None:
    conversations, log = in_memory(tmp_path)
    ids = [conversations.create("default", ANN).id for _ in range(3)]
    for number in range(60):
        conversations.append("default", ANN, ids[number % 3], [said("the same")] * 5)
    store, owner = conversations.parts.store, conversations.parts.keys.owner("default", ANN)
    sealed = [row.sealed for ident in ids for row in store.messages("default", ident, 0)]
    sealed += [row.head for row in store.page("default", owner, "", 9)]
    assert len({one[1:13] for one in sealed}) == len(sealed) == 303
    log.close()


def test_a_log_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    conversations, log = in_memory(tmp_path)
    ident = conversations.create("default", ANN).id
    log.close()
    for attempt in (
        lambda: conversations.create("default", ANN),
        lambda: conversations.append("default", ANN, ident, [said("x")]),
        lambda: conversations.delete("default", ANN, ident),
        lambda: conversations.forget("default", ANN),
    ):
        with pytest.raises(UnavailableError):
            attempt()
    assert texts(conversations, ANN, ident) == []


def test_unwrapped_keys_stay_for_a_minute(tmp_path: Path) -> None:
    conversations, log = in_memory(tmp_path)
    clock = conversations.parts.clock
    assert isinstance(clock, FakeClock)
    ident = conversations.create("default", ANN).id
    cache = conversations.parts.keys._cache
    (secret, *_) = [held.secret for held in cache._held.values()]
    assert any(secret)
    clock.advance(61)
    conversations.append("default", ANN, ident, [said("x")])
    assert not any(secret)
    assert len(cache._held) == 2
    log.close()


def test_labels_only_tighten(tmp_path: Path) -> None:
    from ostiary.vocabulary.labels import Channel, Integrity, Label, SessionLabel  # noqa: PLC0415

    conversations, log = in_memory(tmp_path)
    ident = conversations.create("default", ANN).id
    asked = Label(Channel.USER, "default", integrity=Integrity.ASKER, confidentiality=1)
    conversations.append("default", ANN, ident, [Message("message", {}, (asked,))])
    session = SessionLabel("default", untrusted=True, confidentiality=3, documents=("mail/7",))
    conversations.append("default", ANN, ident, [Message("message", {}, session=session)])
    after = conversations.append("default", ANN, ident, [Message("message", {}, (asked,)), said("plain")])
    assert after.label == SessionLabel("default", untrusted=True, confidentiality=3, documents=("mail/7",))
    foreign = Message("tool_result", {}, session=SessionLabel("acme"))
    assert conversations.append("default", ANN, ident, [foreign]).label.foreign  # type: ignore[union-attr]
    log.close()


def test_faulty_ids_are_faulty(tmp_path: Path) -> None:
    conversations, log = in_memory(tmp_path)
    keys = conversations.parts.keys
    with pytest.raises(FaultyInputError):
        keys.shred("default", keys.owner("default", ANN), "../../master")
    with pytest.raises(FaultyInputError):
        keys.epochs("default", "../../vault")
    with pytest.raises(FaultyInputError):
        keys.epochs("../vault", "0" * 32)
    log.close()
