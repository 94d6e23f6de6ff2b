"""No plaintext lies anywhere on the disk, and what was shredded cannot be read: not here, not from a backup."""

import base64
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ostiary.audit import AuditLog
from ostiary.errors import RefusedError
from ostiary.gateway.conversations import Conversations, Message, Rotation, Shredding
from ostiary.keys import FileWrapper, KeyWrapper, open_keys
from ostiary.keys.envelope_transit import TransitSettings, TransitWrapper
from ostiary.keys.files import private_folder, write_private
from ostiary.storage.sqlite import open_store
from ostiary.testing.conversation_scene import said, scene
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.fake_transit import TOKEN, FakeTransit
from ostiary.vocabulary.labels import Channel, Label

ANN, BOB = "user:ann-secret-name", "user:bob"
WORDS = ["xylophone-invoice-4711", "Zürich \u201cquoted\u201d 🦜 words", "tool-said-swordfish", "titled-marzipan"]


class House:
    """A data directory that can be closed, copied and opened again."""

    def __init__(self, root: Path, wrapper: KeyWrapper | None = None) -> None:
        self.root, self.clock, self._stack = root, FakeClock(), ExitStack()
        self._wrapper = wrapper
        self.conversations = self.open()

    def open(self) -> Conversations:
        self.root.mkdir(mode=0o700, exist_ok=True)
        store = self._stack.enter_context(open_store(self.root / "o.db", self.clock))
        ring, vault = open_keys(self.root / "keys", store, self.clock)
        log = self._stack.enter_context(AuditLog(store, vault, ring, self.clock))
        keys = self.root / "keys" / "conversations"
        self.conversations = scene(log, store.conversations, keys, self.clock, wrapper=self._wrapper)
        return self.conversations

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path / "data")
    yield found
    found.close()


def talk(conversations: Conversations, user: str = ANN) -> str:
    made = conversations.create("default", user, title=WORDS[3], metadata={"project": WORDS[0]})
    label = Label(Channel.DATA, "default", principal=WORDS[1], document=WORDS[0])
    conversations.append("default", user, made.id, [said(WORDS[0]), said(WORDS[1], "assistant")])
    conversations.append(
        "default",
        user,
        made.id,
        [
            Message("tool_result", {"name": WORDS[2], "content": [WORDS[0]]}, (label,)),
            Message("embedding", {"of": WORDS[1], "vector": [0.125] * 384}),
        ],
    )
    return made.id


def shapes(word: str) -> Iterator[bytes]:
    """How a text may stand in a file: encoded, escaped, in base64 at each of three offsets, in hex."""
    plain = word.encode()
    yield from (plain, word.encode("utf-16-le"), word.encode("utf-16-be"), json.dumps(word)[1:-1].encode())
    yield from (plain.hex().encode(), plain.hex().upper().encode(), plain[::-1])
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + plain)
        yield encoded[4 if offset else 0 : -4]
        yield base64.urlsafe_b64encode(b"\0" * offset + plain)[4 if offset else 0 : -4]


def traces(*folders: Path) -> list[tuple[str, str]]:
    wanted = [(word, shape) for word in (*WORDS, ANN) for shape in shapes(word)]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    told = {path: path.read_bytes() for path in files}
    found = [(str(path), word) for path, data in told.items() for word, shape in wanted if shape in data]
    return found + [(str(path), "name") for path in files for word in (*WORDS, ANN) if word in str(path)]


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"empty{number}").write_bytes(b"")
    for shape in {shape for word in WORDS for shape in shapes(word)}:
        (tmp_path / "file").write_bytes(b"\0\xff" + shape + b"\0")
        assert traces(tmp_path)


def test_no_plaintext_lies_in_any_file(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While it runs (WAL and shm are there), after rotation, after re-encryption, and when it is closed."""
    caplog.set_level(0)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    conversations = house.conversations
    ident = talk(conversations)
    assert (house.root / "o.db-wal").stat().st_size > 0
    assert traces(house.root, temporary) == []
    rotation = Rotation(conversations.parts)
    rotation.turn_all("default")
    assert rotation.reencrypt("default").left == 0
    rotation.rewrap("default")
    conversations.describe("default", ANN, ident, WORDS[2])
    conversations.read("default", ANN, ident)
    list(conversations.export("default", ANN))
    with pytest.raises(RefusedError):
        conversations.read("default", BOB, ident)
    assert traces(house.root, temporary) == []
    told = repr(conversations.parts.keys) + repr(conversations.parts) + caplog.text
    assert not any(word in told for word in (*WORDS, ANN))
    house.close()
    assert traces(house.root, temporary) == []
    assert list(temporary.iterdir()) == []


def test_errors_tell_nothing_of_what_was_sealed(house: House) -> None:
    ident = talk(house.conversations)
    with sqlite3.connect(house.root / "o.db") as raw:
        raw.execute("UPDATE conversation_messages SET idx = idx + 10")
    raw.close()
    with pytest.raises(RefusedError) as no:
        house.conversations.read("default", ANN, ident)
    assert not any(word in repr(no.value) for word in WORDS)


def test_no_key_lies_in_the_database(house: House) -> None:
    """A backup of the database alone holds nothing that opens anything."""
    talk(house.conversations)
    keys = house.root / "keys" / "conversations"
    secrets = [path.read_bytes() for path in keys.rglob("*") if path.suffix in {".key", ".share", ".dek"}]
    wrapped = [base64.b64decode(json.loads(data)["sealed"]) for data in secrets if data.startswith(b"{")]
    assert len(secrets) == 4
    for path in house.root.glob("o.db*"):
        data = path.read_bytes()
        assert not any(secret in data or secret.hex().encode() in data for secret in (*secrets, *wrapped))


def backup(house: House, where: Path) -> Path:
    """Back the database up as an operator would, while it runs."""
    where.mkdir(mode=0o700)
    source, target = sqlite3.connect(house.root / "o.db"), sqlite3.connect(where / "o.db")
    source.backup(target)
    source.close()
    target.close()
    return where


def restored(house: House, copy: Path) -> House:
    """Put the database of a backup in place; the keys are those of today."""
    house.close()
    for path in house.root.glob("o.db*"):
        path.unlink()
    shutil.copy(copy / "o.db", house.root / "o.db")
    return House(house.root, house._wrapper)


@pytest.mark.parametrize("how", ["conversation", "user"])
def test_what_was_shredded_is_unreadable_here_and_from_a_backup(house: House, tmp_path: Path, how: str) -> None:
    gone, kept = talk(house.conversations), talk(house.conversations, BOB)
    also = talk(house.conversations)
    copy = backup(house, tmp_path / "backup")
    if how == "conversation":
        house.conversations.delete("default", ANN, gone)
    else:
        assert house.conversations.forget("default", ANN) == 2
    with pytest.raises(RefusedError, match="no such conversation"):
        house.conversations.read("default", ANN, gone)
    again = restored(house, copy)
    with pytest.raises(RefusedError) as no:
        again.conversations.read("default", ANN, gone)
    assert no.value.code == "conversation_shredded"
    with pytest.raises(RefusedError) as no:
        again.conversations.append("default", ANN, gone, [said("back to life")])
    assert no.value.code == "conversation_shredded"
    mine = [one.id for one in again.conversations.page("default", ANN)]
    assert mine == ([also] if how == "conversation" else [])
    assert [one.conversation.id for one in again.conversations.export("default", ANN)] == mine
    assert len(again.conversations.read("default", BOB, kept).messages) == 4
    again.close()


def test_life_goes_on_after_a_restored_backup(house: House, tmp_path: Path) -> None:
    """The restored database says epoch 1; its keys are gone. A new conversation begins above the floor."""
    talk(house.conversations)
    copy = backup(house, tmp_path / "backup")
    house.conversations.forget("default", ANN)
    again = restored(house, copy)
    fresh = talk(again.conversations)
    assert len(again.conversations.read("default", ANN, fresh).messages) == 4
    owner = again.conversations.parts.keys.owner("default", ANN)
    row = again.conversations.parts.store.owner("default", owner)
    assert row is not None
    assert row.epoch >= again.conversations.parts.keys.floor("default", owner) == 2
    again.close()


def test_nothing_of_the_rows_is_left_in_the_database_and_its_log(house: House) -> None:
    """Ciphertexts too: overwritten in the file, and the write-ahead log is empty."""
    ident = talk(house.conversations)
    with sqlite3.connect(house.root / "o.db") as raw:
        sealed = [row[0] for row in raw.execute("SELECT sealed FROM conversation_messages")]
        sealed += [row[0] for row in raw.execute("SELECT head FROM conversations")]
    raw.close()
    house.conversations.delete("default", ANN, ident)
    assert len(sealed) == 5
    for path in house.root.glob("o.db*"):
        data = path.read_bytes()
        assert not any(one[:64] in data or one[-64:] in data for one in sealed), path


def test_a_key_folder_from_before_is_swept_at_the_next_start(house: House, tmp_path: Path) -> None:
    """Somebody restores the key folder alone: the database remembers what was shredded."""
    conversations = house.conversations
    gone, user_gone, kept = talk(conversations), talk(conversations, "user:eve"), talk(conversations, BOB)
    keys = house.root / "keys" / "conversations"
    shutil.copytree(keys, tmp_path / "old-keys")
    conversations.delete("default", ANN, gone)
    conversations.forget("default", "user:eve")
    fresh = talk(conversations, "user:eve")
    new = [path for path in keys.rglob("*.*") if not (tmp_path / "old-keys" / path.relative_to(keys)).exists()]
    shutil.copytree(tmp_path / "old-keys", keys, dirs_exist_ok=True)
    assert len(new) == 2
    shredding = Shredding(conversations.parts)
    assert shredding.tend("default") == 1  # a data key below every epoch that is in use
    assert shredding.tend("default", again=True) == 1
    assert shredding.tend("default", again=True) == 0
    assert not list(keys.rglob(f"{gone}.share"))
    for user, ident in ((ANN, gone), ("user:eve", user_gone)):
        with pytest.raises(RefusedError, match="no such conversation"):
            conversations.read("default", user, ident)
    assert len(conversations.read("default", "user:eve", fresh).messages) == 4
    assert len(conversations.read("default", BOB, kept).messages) == 4


@pytest.mark.parametrize("kind", ["file", "transit"])
def test_whoever_copied_both_reads_on_unless_the_tenant_s_key_lies_elsewhere(tmp_path: Path, kind: str) -> None:
    """The honest limit: a copy of database *and* key folder. With files it opens, with Vault it does not."""
    wrapper: KeyWrapper | None = None
    if kind == "transit":
        token = private_folder(tmp_path / "secret") / "token"
        write_private(token, TOKEN.encode())
        fake = FakeTransit()
        wrapper = TransitWrapper(TransitSettings("https://vault.example", token), tmp_path / "stones", fake)
    house = House(tmp_path / "data", wrapper)
    ident = talk(house.conversations)
    talk(house.conversations, BOB)
    copy = backup(house, tmp_path / "backup")
    shutil.copytree(house.root / "keys", copy / "keys")
    house.conversations.forget("default", ANN)
    assert Rotation(house.conversations.parts).rewrap("default").destroyed == 1
    house.close()
    thief = House(copy, wrapper)
    if kind == "file":
        assert len(thief.conversations.read("default", ANN, ident).messages) == 4
    else:
        with pytest.raises(RefusedError) as no:
            thief.conversations.read("default", ANN, ident)
        assert no.value.code == "key_destroyed"
    thief.close()


def test_a_deleted_tenant_leaves_no_key(house: House) -> None:
    ident = talk(house.conversations)
    keys = house.conversations.parts.keys
    keys.shred_tenant("default")
    folder = house.root / "keys" / "conversations"
    assert not [path for path in folder.rglob("*") if path.suffix in {".key", ".share", ".dek"}]
    with pytest.raises(RefusedError):
        house.conversations.read("default", ANN, ident)
    with pytest.raises(RefusedError) as no:
        FileWrapper(folder / "kek").current("default")
    assert no.value.code == "tenant_shredded"
