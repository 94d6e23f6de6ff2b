"""subject list, show; session timeline, revoked; detection list, show: as a user types them."""

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
from ostiary.sessions import Asked
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "data"
    monkeypatch.setenv("OSTIARY_DATA", str(home))
    now = SystemClock().now_ns()
    with open_house(Places(home), load(None).settings, SystemClock(), lambda _reason, fault: None) as house:
        house.ledger.touch(Asked("default", ("sid-1",), "user:ann", now))
        house.ledger.flush()
        house.response.cases.open(
            "default", "look here", topic="t", key="k", by="playbook:session-theft", now_ns=now, subject="user:ann"
        )
    return home


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            build_app()(list(words), result_action="return_value", exit_on_error=False)
            code = 0
        except OstiaryError as fault:
            return fault.exit_code, f"{fault.code}: {fault.message}"
        return code, capsys.readouterr().out

    return call


def found(run: Run, *words: str) -> Any:
    code, text = run(*words, "--json")
    assert code == 0, text
    return json.loads(text)


def test_subjects_are_listed_and_shown(run: Run) -> None:
    assert [(row["subject"], row["state"], row["cases"]) for row in found(run, "subject", "list")] == [
        ("user:ann", "active", 1)
    ]
    assert found(run, "subject", "list", "--state", "ended") == []
    told = found(run, "subject", "show", "user:ann")
    assert [one["session"] for one in told["sessions"]] == ["sid-1"]
    assert "1 live, 0 ended" in run("subject", "show", "user:ann")[1]
    assert run("subject", "show", "user:nobody") == (3, "subject_unknown: there is no such subject")


def test_a_session_tells_its_story_and_what_fell_with_it(run: Run) -> None:
    assert found(run, "session", "revoked", "sid-1")["what"] == "nothing"
    assert run("session", "terminate", "sid-1", "--reason", "lost_device")[0] == 0
    fell = found(run, "session", "revoked", "sid-1")
    assert (fell["what"], fell["reason"], len(fell["sessions"])) == ("ended", "lost_device", 1)
    assert "this session" in run("session", "revoked", "sid-1")[1]
    story = found(run, "session", "timeline", "sid-1")
    assert [one["kind"] for one in story["happenings"]] == ["end", "deed"]
    assert "what happened" in run("session", "timeline", "sid-1")[1]
    assert run("session", "timeline", "other")[0] == 3


def test_detections_are_listed_and_shown(run: Run) -> None:
    rows = found(run, "detection", "list", "--kind", "case", "--tag", "AML.T0012")
    assert [row["title"] for row in rows] == ["look here"]
    assert found(run, "detection", "list", "--state", "closed") == []
    assert "look here" in run("detection", "show", rows[0]["id"])[1]
    assert run("detection", "show", "case_x") == (3, "detection_unknown: there is no such detection")
