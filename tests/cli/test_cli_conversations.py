"""``ostiary conversations``, and the keys of conversations under ``ostiary keys`` and ``ostiary subject``."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import House, open_house
from ostiary.testing.conversation_scene import said
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, Any]]
ANN, BOB = "user:ann", "user:bob"


def opened(data: Path) -> House:
    return open_house(Places(data), load(None, environ={}).settings, SystemClock(), lambda *_: None)


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    place, ids = tmp_path / "data", {}
    place.mkdir(mode=0o700)
    with opened(place) as house:
        for user in (ANN, BOB):
            made = house.conversations.create("default", user, title=f"of {user}")
            house.conversations.append("default", user, made.id, [said(f"said by {user}"), said("yes", "assistant")])
            ids[user] = made.id
    return place, ids


@pytest.fixture
def run(data: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        try:
            build_app()([*words, "--data", str(data[0])], result_action="return_value", exit_on_error=False)
        except OstiaryError as no:
            return no.exit_code, no.code
        told = capsys.readouterr().out
        return 0, json.loads(told) if "--json" in words else told

    return call


def test_list_export_and_delete(run: Run, data: tuple[Path, dict[str, str]]) -> None:
    ident = data[1][ANN]
    code, rows = run("conversations", "list", ANN, "--json")
    assert (code, [(row["id"], row["title"], row["messages"]) for row in rows]) == (0, [(ident, "of user:ann", 2)])
    assert "of user:ann" in run("conversations", "list", ANN)[1]
    code, told = run("conversations", "export", ANN, "--json")
    assert told[0]["messages"][0]["content"]["content"] == "said by user:ann"
    assert json.loads(run("conversations", "export", ANN, ident)[1])["id"] == ident
    assert run("conversations", "delete", ANN, ident) == (1, "not_confirmed")
    assert run("conversations", "delete", ANN, ident, "--dry-run", "--json") == (0, {"id": ident, "done": False})
    assert run("conversations", "delete", BOB, ident, "--yes") == (3, "conversation_unknown")
    assert run("conversations", "delete", ANN, ident, "--yes", "--json") == (0, {"id": ident, "done": True})
    assert run("conversations", "export", ANN, ident) == (3, "conversation_unknown")
    assert run("conversations", "list", ANN, "--json") == (0, [])


def test_an_unknown_user_has_none_and_an_unknown_tenant_is_none(run: Run) -> None:
    assert run("conversations", "list", "user:nobody", "--json") == (0, [])
    assert run("conversations", "list", "nobody") == (1, "subject_invalid")
    for words in (("list", ANN), ("export", ANN), ("verify",), ("delete", ANN, "x", "--yes")):
        assert run("conversations", *words, "--tenant", "nowhere") == (3, "tenant_unknown")


def test_verify_finds_what_was_tampered_with(run: Run, data: tuple[Path, dict[str, str]]) -> None:
    assert run("conversations", "verify", "--json") == (0, {"whole": 2, "wrong": {}})
    with sqlite3.connect(data[0] / "ostiary.db") as raw:
        raw.execute("DELETE FROM conversation_messages WHERE conversation = ? AND idx = 1", (data[1][BOB],))
    raw.close()
    assert run("conversations", "verify") == (5, "conversation_damaged")
    assert run("conversations", "delete", BOB, data[1][BOB], "--yes")[0] == 0
    assert run("conversations", "verify", "--json") == (0, {"whole": 1, "wrong": {}})


def test_rotating_the_keys(run: Run, data: tuple[Path, dict[str, str]]) -> None:
    rotate = ("keys", "rotate", "conversations")
    code, told = run(*rotate, "--dry-run", "--json")
    assert (code, told) == (0, {"tenant": "default", "users": 2, "left": 0, "done": False})
    assert run(*rotate, "--json")[1] == {"tenant": "default", "users": 2, "left": 2, "done": True}
    told = run(*rotate, "--user", ANN, "--reencrypt", "--json")[1]
    assert told == {
        "tenant": "default",
        "users": 1,
        "epoch": 3,
        "reencrypted": 1,
        "destroyed": 1,
        "left": 1,
        "done": True,
    }
    told = run(*rotate, "--wrapping", "--json")[1]
    assert told == {"tenant": "default", "users": 2, "destroyed": 1, "version": "2", "done": True}
    assert "wrapped anew" in run(*rotate, "--wrapping")[1]
    assert run(*rotate, "--user", "user:nobody") == (3, "user_unknown")
    assert run(*rotate, "--wrapping", "--user", ANN) == (1, "usage")
    assert run("keys", "rotate", "log", "--wrapping") == (1, "usage")
    assert run(*rotate, "--tenant", "nowhere") == (3, "tenant_unknown")
    assert run("conversations", "verify", "--json") == (0, {"whole": 2, "wrong": {}})


def test_shredding_a_conversation_and_a_user(run: Run, data: tuple[Path, dict[str, str]]) -> None:
    assert run("keys", "shred", ANN) == (1, "not_confirmed")
    assert run("keys", "shred", ANN, "--dry-run", "--json") == (0, {"conversations": 1, "done": False})
    assert run("keys", "shred", BOB, "--conversation", data[1][ANN], "--yes") == (3, "conversation_unknown")
    assert run("keys", "shred", BOB, "--conversation", data[1][BOB], "--yes", "--json")[1]["conversations"] == 1
    code, told = run("keys", "shred", ANN, "--only", "conversations", "--yes", "--json")
    assert (code, told) == (0, {"conversations": 1, "done": True})
    assert run("conversations", "list", ANN, "--json") == (0, [])
    assert "conversations are unreadable" in run("keys", "shred", ANN, "--yes")[1]
    assert not list((data[0] / "keys" / "conversations").rglob("*.dek.*"))


def test_a_person_sees_and_erases_all(run: Run, data: tuple[Path, dict[str, str]]) -> None:
    told = json.loads(run("subject", "export", ANN)[1])
    assert told["conversations"][0]["messages"][0]["content"]["content"] == "said by user:ann"
    assert run("subject", "erase", ANN, "--yes")[0] == 0
    assert json.loads(run("subject", "export", ANN)[1])["conversations"] == []
    with opened(data[0]) as house:
        assert house.conversations.count("default", BOB) == 1
        owner = house.conversations.parts.keys.owner("default", ANN)
        assert house.conversations.parts.keys.epochs("default", owner) == []


def test_a_deleted_tenant_leaves_no_keys(run: Run, data: tuple[Path, dict[str, str]]) -> None:
    assert run("tenant", "create", "acme")[0] == 0
    with opened(data[0]) as house:
        made = house.conversations.create("acme", ANN, title="x")
        house.conversations.append("acme", ANN, made.id, [said("y")])
    keys = data[0] / "keys" / "conversations" / "data"
    assert list((keys / "acme").rglob("*.dek"))
    assert run("tenant", "delete", "acme", "--yes")[0] == 0
    assert not [path for path in (keys / "acme").rglob("*") if path.suffix in {".dek", ".share"}]
    assert list((keys / "default").rglob("*.dek"))
