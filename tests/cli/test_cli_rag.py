"""``ostiary rag`` as an administrator uses it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.cli.places import open_data
from ostiary.errors import OstiaryError
from ostiary.server.bootstrap import bootstrap

pytest.importorskip("numpy")
CATALOGUE = "subjects:\n  - {type: user, id: ada, groups: [ops]}\n  - {type: user, id: bob}\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    (place / "catalogue").mkdir(parents=True, mode=0o700)
    place.chmod(0o700)
    (place / "catalogue/default.yaml").write_text(CATALOGUE)
    return place


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    def call(*arguments: str, as_json: bool = True) -> tuple[int, Any]:

        if not (data / "admin.key").exists():
            with open_data(data) as house:
                bootstrap(house)
        capsys.readouterr()
        words = ["rag", *arguments, "--data", str(data), *(["--json"] if as_json else [])]
        try:
            build_app()(words, result_action="return_value", exit_on_error=False)
        except OstiaryError as error:
            return error.exit_code, error.code
        told = capsys.readouterr().out
        return 0, json.loads(told) if as_json else told

    return call


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    feed = tmp_path / "feed.json"
    documents = [
        {"id": "runbook", "text": "how to restart the database", "allow": ["group:ops"]},
        {"id": "menu", "text": "lunch in the database room", "allow": ["*"]},
    ]
    feed.write_text(json.dumps({"version": 1, "documents": documents}))
    place = tmp_path / "index.yaml"
    place.write_text(f"sources:\n  - {{kind: feed, name: wiki, path: {feed}}}\n")
    return place


def test_index_and_look_as_somebody(run: Callable[..., Any], spec: Path) -> None:
    code, told = run("index", str(spec), "--name", "handbook", "--dry-run")
    assert (code, told["sources"]["wiki"]["documents"], told["dry_run"]) == (0, 2, True)
    assert run("status")[1] == []
    code, told = run("index", str(spec), "--name", "handbook")
    assert (code, told["sources"]["wiki"]["chunks"]) == (0, 2)
    assert run("status")[1][0] | {"embedder": ""} == {
        "index": "handbook", "sensitivity": 1, "embedder": "", "faults": "", "documents": 2, "chunks": 2, "rules": 2,
    }  # fmt: skip
    assert [one["source"] for one in run("sources", "--name", "handbook")[1]] == ["wiki"]
    for who, wanted in (("user:ada", ["runbook", "menu"]), ("user:bob", ["menu"])):
        told = run("search", "restart the database", "--name", "handbook", "--as", who)[1]
        assert [one["document"] for one in told["passages"]] == wanted
    assert run("remove", "--name", "handbook")[1] == {"removed": "handbook"}
    assert run("status")[1] == []


def test_a_folder_is_a_source(run: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("words")
    code, told = run("index", str(folder), "--name", "docs")
    assert (code, told["sources"]["folder"]["documents"]) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("search", "x", "--name", "nosuch", "--as", "user:ada"), "index_unknown"),
        (("search", "x", "--name", "nosuch"), "usage"),
        (("search", "x", "--name", "nosuch", "--as", "ada"), "usage"),
        (("sources", "--name", "nosuch"), "index_unknown"),
        (("index", "/nosuch", "--name", "x"), "index_invalid"),
    ],
)
def test_what_cannot_be_is_said(run: Callable[..., Any], arguments: tuple[str, ...], code: str) -> None:
    assert run(*arguments, as_json=False)[1] == code


def test_a_malformed_index_is_not_recorded(run: Callable[..., Any], tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    for text in ("sources: []", "[]", "sources: [{kind: nosuch}]", "sources: [{kind: feed, name: a, path: relative}]"):
        bad.write_text(text)
        assert run("index", str(bad), "--name", "x", as_json=False)[0] != 0
    assert run("status")[1] == []
