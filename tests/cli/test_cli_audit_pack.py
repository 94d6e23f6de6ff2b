"""`ostiary audit pack` as a user types it, and `ostiary audit verify PACK` wherever it is taken."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ostiary.cli.app import build_app
from ostiary.cli.auditing import moment_ns
from ostiary.cli.places import open_data
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.server.deeds import record_deed

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("audit") / "data"
    with open_data(home) as house:
        for number in range(3):
            record_deed(house, "user:[red]zoe", "default", f"deed.{number}")
    return home


@pytest.fixture
def run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(data))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def go(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["ostiary", *words])
        code = 0
        try:
            build_app()(list(words), exit_on_error=False)
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, capsys.readouterr().out

    return go


def test_a_pack_is_made_and_proves_itself(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "all.zip"
    code, text = run("audit", "pack", str(place), "--from", "2020-01-01", "--by", "user:[red]zoe", "--json")
    told = json.loads(text)
    assert (code, told["records"]) == (0, 3)
    assert place.stat().st_mode & 0o077 == 0
    code, text = run("audit", "verify", str(place), "--key", told["keys"][0])
    assert code == 0
    assert "3 as recorded" in text
    assert run("audit", "verify")[0] == 0, "now the log itself is remembered"
    code, text = run("audit", "verify", str(place), "--json")
    report = json.loads(text)
    assert (code, report["first_use"]) == (0, False)
    assert report["remembered_size"] >= report["size"]
    code, text = run("audit", "verify", str(place), "--need", "1", "--json")
    assert code == 5
    assert [one["attack"] for one in json.loads(text)["findings"]] == ["unwitnessed"]


def test_a_pack_of_another_log_is_not_believed(run: Run, tmp_path: Path) -> None:
    """Somebody with a log of his own, under the same name, has another key: what is remembered says so."""
    mine, theirs = tmp_path / "mine.zip", tmp_path / "theirs.zip"
    run("audit", "verify")
    with open_data(tmp_path / "other") as house:
        record_deed(house, "user:eve", "default", "deed.0")
    assert run("audit", "pack", str(theirs), "--data", str(tmp_path / "other"))[0] == 0
    assert run("audit", "pack", str(mine))[0] == 0
    keys = json.loads(run("audit", "checkpoint", "--json")[1])["keys"]
    code, text = run("audit", "verify", str(theirs), "--key", keys[0])
    assert code == 5
    assert "unsigned" in text


def test_what_is_no_moment_is_a_usage_error() -> None:
    with pytest.raises(FaultyInputError):
        moment_ns("yesterday")


def test_an_empty_period_is_an_empty_pack(run: Run, tmp_path: Path) -> None:
    code, text = run("audit", "pack", str(tmp_path / "none.zip"), "--to", "2020-01-01", "--json")
    assert (code, json.loads(text)["records"]) == (0, 0)
    assert run("audit", "verify", str(tmp_path / "none.zip"))[0] == 0


def test_an_unknown_tenant_has_none(run: Run, tmp_path: Path) -> None:
    with pytest.raises(OstiaryError):
        run("audit", "pack", str(tmp_path / "x.zip"), "--tenant", "nobody")
