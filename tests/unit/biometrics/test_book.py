"""The book of templates: agreed to, sealed, gone when its person wants it gone."""

import shutil
from pathlib import Path

import pytest

from ostiary.biometrics.book import Agreed, Excused, TemplateBook
from ostiary.biometrics.ports import STANDING
from ostiary.errors import OstiaryError, RefusedError, VerificationError
from ostiary.keys import EnvelopeKeys, FileWrapper
from ostiary.storage.sqlite import open_store
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.template_store import MemoryTemplates

ANN, BOB = "user:ann", "user:bob"
AGREED = Agreed("typing-2026-11", 5)
EXCUSED = Excused(6, "root")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store():
    return MemoryTemplates()


@pytest.fixture
def book(tmp_path, clock, store):
    return TemplateBook(store, keys_in(tmp_path, clock), clock.now_ns)


def keys_in(folder: Path, clock) -> EnvelopeKeys:
    return EnvelopeKeys(folder / "keys", FileWrapper(folder / "keys" / "kek"), clock)


def kept(book, content=b"template of ann", subject=ANN, part="keystroke"):
    read = book.read("t", subject, part)
    assert read is not None
    return book.write("t", subject, part, read, content)


def test_nothing_is_read_or_written_of_who_did_not_agree(book):
    assert book.read("t", ANN, "keystroke") is None
    assert not book.standing("t", ANN).watched


def test_what_is_written_is_read_back_by_its_owner_alone(book):
    book.agree("t", ANN, AGREED)
    book.agree("t", BOB, AGREED)
    book.agree("u", ANN, AGREED)
    assert kept(book)
    assert book.read("t", ANN, "keystroke").content == b"template of ann"
    assert book.read("t", BOB, "keystroke").content == b""
    assert book.read("u", ANN, "keystroke").content == b""
    assert book.read("t", ANN, "pointer").content == b""


def test_storage_sees_no_name_and_no_content(book, store):
    book.agree("t", ANN, AGREED)
    kept(book)
    for row in store.of_owner("t", book.owner("t", ANN)):
        assert b"ann" not in row.sealed
        assert "ann" not in row.owner
        assert b"typing" not in row.sealed


def test_what_is_put_elsewhere_does_not_open(book, store):
    book.agree("t", ANN, AGREED)
    kept(book, b"one")
    before = store.find("t", book.owner("t", ANN), "keystroke")
    kept(book, b"two")
    after = store.find("t", book.owner("t", ANN), "keystroke")
    store._rows["t", after.owner, "keystroke"] = type(after)(
        after.owner, "keystroke", after.generation, after.epoch, before.sealed, after.updated_ns
    )
    with pytest.raises(VerificationError):
        book.read("t", ANN, "keystroke")


def test_of_two_that_read_one_writes(book):
    book.agree("t", ANN, AGREED)
    one, other = book.read("t", ANN, "pointer"), book.read("t", ANN, "pointer")
    assert book.write("t", ANN, "pointer", one, b"one")
    assert not book.write("t", ANN, "pointer", other, b"other")


def test_who_withdraws_while_a_window_is_judged_is_not_written_about(book):
    book.agree("t", ANN, AGREED)
    read = book.read("t", ANN, "keystroke")
    assert book.withdraw("t", ANN)
    assert not book.write("t", ANN, "keystroke", read, b"too late")
    book.agree("t", ANN, AGREED)
    assert not book.write("t", ANN, "keystroke", read, b"too late")
    assert book.parts("t", ANN).keys() == {STANDING}


def test_withdrawing_erases_what_was_made_and_its_keys(book, tmp_path, store, clock):
    book.agree("t", ANN, AGREED)
    kept(book)
    copy = dict(store._rows)
    book.withdraw("t", ANN)
    assert book.parts("t", ANN) == {}
    store._rows.update(copy)  # a backup of the database is put back
    again = TemplateBook(store, keys_in(tmp_path, clock), clock.now_ns)
    with pytest.raises(RefusedError):
        again.read("t", ANN, "keystroke")


def test_who_is_excused_is_not_watched_and_cannot_agree(book):
    book.agree("t", ANN, AGREED)
    kept(book)
    book.excuse("t", ANN, EXCUSED)
    assert book.read("t", ANN, "keystroke") is None
    assert book.parts("t", ANN).keys() == {STANDING}
    with pytest.raises(RefusedError):
        book.agree("t", ANN, AGREED)
    assert not book.withdraw("t", ANN)
    assert book.standing("t", ANN).excused == EXCUSED
    book.excuse("t", ANN, None)
    book.agree("t", ANN, AGREED)
    assert book.read("t", ANN, "keystroke").content == b""


def test_who_is_forgotten_is_forgotten_whole(book):
    book.agree("t", ANN, AGREED)
    kept(book)
    book.excuse("t", ANN, EXCUSED)
    assert book.forget("t", ANN) == 1
    assert not book.standing("t", ANN).excused
    assert book.forget("t", ANN) == 0


def test_what_another_process_changed_is_seen_within_seconds(book, tmp_path, store, clock):
    other = TemplateBook(store, keys_in(tmp_path, clock), clock.now_ns)
    book.agree("t", ANN, AGREED)
    assert other.standing("t", ANN).watched
    book.withdraw("t", ANN)
    read = other.read("t", ANN, "keystroke")
    assert read is None or not other.write("t", ANN, "keystroke", read, b"late")
    clock.advance(6)
    assert not other.standing("t", ANN).watched


def test_a_copy_of_the_database_alone_opens_nothing(tmp_path, clock):
    with open_store(tmp_path / "o.db", clock) as opened:
        book = TemplateBook(opened.templates, keys_in(tmp_path, clock), clock.now_ns)
        book.agree("t", ANN, AGREED)
        kept(book)
        shutil.rmtree(tmp_path / "keys" / "data")
        fresh = TemplateBook(opened.templates, keys_in(tmp_path, clock), clock.now_ns)
        with pytest.raises(OstiaryError):
            fresh.read("t", ANN, "keystroke")
