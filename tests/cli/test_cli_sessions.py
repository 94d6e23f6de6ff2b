"""session list, show, step-up, reduce, terminate, revoke as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.sessions import Asked, SessionState
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "data"
    monkeypatch.setenv("OSTIARY_DATA", str(home))
    now = SystemClock().now_ns()
    with open_house(Places(home), load(None).settings, SystemClock(), lambda _reason, fault: None) as house:
        of_ann = [("user:ann", "user\nann\nweb-1"), ("user:ann", "sid-2")]
        for subject, name in (*of_ann, ("user:bob", "user\nbob\nweb-1")):
            house.ledger.touch(Asked("default", (name,), subject, now))
        house.ledger.flush()
    return home


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(["session", *words], result_action="return_value", exit_on_error=False)
            code = 0
        except OstiaryError as fault:
            return fault.exit_code, f"{fault.code}: {fault.message}"
        return code, capsys.readouterr().out

    return call


def found(run: Run, *words: str) -> Any:
    code, text = run(*words, "--json")
    assert code == 0, text
    return json.loads(text)


def test_sessions_are_listed_by_subject(run: Run) -> None:
    assert {row["session"] for row in found(run, "list")} == {"web-1", "sid-2"}
    assert len(found(run, "list")) == 3
    assert {row["subject"] for row in found(run, "list", "--subject", "user:ann")} == {"user:ann"}
    assert found(run, "list", "--tenant", "default", "--limit", "1")
    assert "user:ann" in run("list")[1]


def test_a_session_falls_and_is_seen_to_have_fallen(run: Run) -> None:
    handle = found(run, "show", "sid-2")["handle"]
    assert found(run, "step-up", "sid-2", "--acr", "urn:x")["changed"]
    assert found(run, "reduce", handle, "--privilege", "export", "--lifetime-s", "60")["changed"]
    shown = found(run, "show", handle)
    assert (shown["state"], shown["dropped"], shown["acr_values"]) == ("step_up", ["export"], ["urn:x"])
    assert found(run, "terminate", handle, "--reason", "stolen")["changed"]
    assert not found(run, "terminate", handle)["changed"]
    shown = found(run, "show", "sid-2")
    assert (shown["state"], shown["reason"], shown["subject"]) == ("terminated", "stolen", "user:ann")
    assert [row["session"] for row in found(run, "list", "--ended")] == ["sid-2"]
    assert "stolen" in run("show", "sid-2")[1]


def test_a_name_that_two_subjects_use_means_neither(run: Run) -> None:
    code, text = run("terminate", "web-1")
    assert code != 0
    assert text.startswith("session_unknown")


@pytest.mark.parametrize("words", [("show", "nobody"), ("terminate", "sid-2", "--tenant", "beta")])
def test_what_is_not_there_and_what_is_anothers_look_alike(run: Run, words: tuple[str, ...]) -> None:
    code, text = run(*words)
    assert code != 0
    assert "unknown" in text


def test_a_subject_is_revoked_with_all_its_sessions(run: Run, data: Path) -> None:
    assert found(run, "revoke", "user:ann")["ended"] == 2
    assert [row["subject"] for row in found(run, "list")] == ["user:bob"]
    with open_house(Places(data), load(None).settings, SystemClock(), lambda _reason, fault: None) as house:
        assert house.ledger.state("default", "sid-2") is SessionState.TERMINATED
        assert house.ledger.revocation("default", "user:ann") is not None
        actions = [record.payload or b"" for record in house.log.iterate("default", "admin")]
    assert any(b"subject.revoke" in action for action in actions), "what an administrator does is recorded"
