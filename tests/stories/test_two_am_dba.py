"""The article's story, played as a person would see it: `ostiary demo` with a server, a model and a log of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SMALL = ("--people", "40", "--days", "30")  # with less, what is far from usual depends on the hour of the day


def ostiary(*arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    command = [sys.executable, "-m", "ostiary.cli", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=280)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = tmp_path_factory.mktemp("demo") / "data"
    done = ostiary("demo", "2am-dba", "--json", "--data", str(data), *SMALL)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    found["data"] = str(data)
    return found


@pytest.mark.slow
def test_an_ordinary_question_is_allowed(told: dict[str, Any]) -> None:
    assert told["ordinary"]["decision"] is True


@pytest.mark.slow
def test_at_two_in_the_morning_she_must_prove_it_is_her(told: dict[str, Any]) -> None:
    context = told["answer"]["context"]
    assert told["answer"]["decision"] is False
    assert context["effect"] == "STEP_UP"
    assert context["acr_values"] == "urn:ostiary:acr:phishing-resistant"
    assert "rule:risk-step-up" in context["reasons"]
    assert context["reason_user"]["en"]
    assert "score" not in json.dumps(told["answer"]), "whoever is scored must not be able to tune against it"


@pytest.mark.slow
def test_the_model_alone_did_it_and_why_says_so_in_words(told: dict[str, Any]) -> None:
    why = told["why"]
    assert why["law"]["floor"] == "ALLOW"
    assert why["law"]["final"] == "STEP_UP"
    assert why["risk"]["available"] is True
    assert len(why["signals"]) >= 2
    assert all(len(signal["text"].split()) > 3 for signal in why["signals"])


@pytest.mark.slow
def test_having_proven_it_she_may(told: dict[str, Any]) -> None:
    assert told["answer_after_step_up"]["decision"] is True
    assert told["answer_after_step_up"]["context"]["effect"] in {"ALLOW", "REDUCE"}


@pytest.mark.slow
def test_the_record_is_proven_and_the_log_verified(told: dict[str, Any]) -> None:
    assert told["why"]["proof"]["verified"] is True
    assert told["receipt"]["entry"]["id"] == told["answer"]["context"]["id"]
    assert told["verify"]["verified"] is True
    assert told["verify"]["size"] >= 3


@pytest.mark.slow
def test_no_token_is_kept_anywhere(told: dict[str, Any]) -> None:
    held = [
        path for path in Path(told["data"]).rglob("*") if path.is_file() and b"eyJhbGciOiJFUzI1NiI" in path.read_bytes()
    ]
    assert held == []


def test_an_unknown_story_is_a_fault() -> None:
    done = ostiary("demo", "3am-dba")
    assert done.returncode == 1
    assert "`3am-dba`" in done.stderr


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    done = ostiary("demo", "--data", str(tmp_path))
    assert done.returncode == 3
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
