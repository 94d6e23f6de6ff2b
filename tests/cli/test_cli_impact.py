"""policy impact, whatif, feedback and suppress as a user types them."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.stories.impact_scene import GUARDRAILS, Scene

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str]]
ASK = b'{"subject": {"type": "user", "id": "alice"}, "action": {"name": "odd"}, "resource": {"type": "doc", "id": "1"}}'


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A closed house with some decisions; its clock stands in the future, where the command line's does not."""
    scene = Scene(tmp_path_factory.mktemp("cli"))
    for action in ("read", "write", "odd"):
        scene.ask(action)
    scene.ask("odd")
    scene.house.close()
    return scene


@pytest.fixture
def run(scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(scene.root / "data"))

    def call(*words: str, stdin: bytes = b"") -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            build_app()(list(words), result_action="return_value", exit_on_error=False)
            code = 0
        except SystemExit as end:
            code = int(str(end.code or 0))
        except OstiaryError as fault:
            code = fault.exit_code
        return code, capsys.readouterr().out

    return call


def _json(told: tuple[int, str]) -> Any:
    assert told[0] == 0
    return json.loads(told[1])


def test_a_candidate_is_studied_and_named(run: Run, scene: Scene) -> None:
    text = GUARDRAILS.replace('"worse"}', '"worse", "write"}').replace('input.action.name == "write"', "input.no")
    source = str(scene.candidate("cli", guardrails=text))
    span = ("--from", "1799990000", "--to", "2027-12-31T00:00:00Z", "--workers", "1")
    found = _json(run("policy", "impact", "--bundle", source, *span, "--json"))
    assert found["digest"].startswith("sha256:")
    assert found["report"]["flips"][0] == {**found["report"]["flips"][0], "direction": "new_allows", "count": 1}
    code, page = run("policy", "impact", "--bundle", source, *span, "--html")
    assert (code, page.startswith("<!doctype html>"), "newly allowed" in page) == (0, True, True)
    assert run("policy", "impact", "--bundle", source, "--days", "0")[0] == 1
    assert run("policy", "impact", "--bundle", source, "--from", "yesterday")[0] == 1
    assert run("policy", "impact", "--bundle", source, "--tenant", "nobody")[0] == 3


def test_one_request_now_and_under_a_draft(run: Run) -> None:
    found = _json(run("whatif", "--phase", "step_up=telemetry", "--json", stdin=ASK))
    assert (found["current"]["effect"], found["projected"]["effect"], found["changed"]) == ("STEP_UP", "REDUCE", True)
    code, told = run("whatif", stdin=ASK)
    assert (code, "applies   odd-step-up" in told) == (0, True)
    assert run("whatif", "--facts", '{"score": {"score": 7}}', stdin=ASK)[0] == 1
    assert run("whatif", "--phase", "step_up", stdin=ASK)[0] == 1
    assert run("whatif", stdin=b"{")[0] == 1


def test_verdicts_become_labels(run: Run, scene: Scene, tmp_path: Path) -> None:
    first, second = scene.asked[-2:]
    said = _json(run("feedback", "confirm", first, "--reason", "stolen", "--json"))
    assert (said["verdict"], said["by"]) == ("confirm", "command line")
    assert run("feedback", "dismiss", second, "--reason", "a trip")[0] == 0
    assert "replaces" in run("feedback", "safe", second, "--reason", "called him")[1]
    assert run("feedback", "safe", "dec_none", "--reason", "x")[0] == 3
    assert len(_json(run("feedback", "list", "--json"))) == 3
    assert _json(run("feedback", "precision", "--json"))[0]["precision"] == 0.5
    place = tmp_path / "labels.csv"
    told = _json(run("feedback", "labels", "--out", str(place), "--json"))
    assert (told["labels"], told["impostors"]) == (2, 1)
    assert place.read_text().splitlines()[0].startswith("event_id,label,")


def test_a_suppression_is_previewed_added_listed_and_ended(run: Run) -> None:
    scope = ("rule", "odd-step-up", "--subject", "user:alice")
    found = _json(run("suppress", "preview", *scope, "--days", "3000", "--json"))
    assert found["silenced"] == found["milder"] == 2
    soon = str(SystemClock().now_ns() // 10**9 + 3 * 86_400)
    made = _json(run("suppress", "add", *scope, "--until", soon, "--reason", "too loud", "--json"))
    assert [each["id"] for each in _json(run("suppress", "list", "--json")) if each["in_force"]] == [made["id"]]
    assert run("suppress", "remove", made["id"])[0] == 0
    assert _json(run("suppress", "list", "--json")) == []
    assert run("suppress", "add", "rule", "no-write", "--until", soon, "--reason", "x")[0] == 3
    assert run("suppress", "add", "rule", "odd-step-up", "--until", soon, "--reason", "for all")[0] == 3
    assert run("suppress", "add", *scope, "--until", "9999999999", "--reason", "for ever")[0] == 1
    assert run("suppress", "remove", "sup_none")[0] == 3
