"""A session goes on with another key from elsewhere: as a person would see it played, on a real server."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = tmp_path_factory.mktemp("demo") / "data"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    arguments = ("demo", "stolen-session", "--json", "--data", str(data), "--people", "20", "--days", "10")
    command = [sys.executable, "-m", "ostiary.cli", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def effect(answer: dict[str, Any]) -> tuple[str, list[str]]:
    return answer["context"]["effect"], answer["context"]["reasons"]


def test_her_own_work_is_allowed(told: dict[str, Any]) -> None:
    assert told["own"]["decision"] is True


def test_her_token_is_worthless_without_her_key(told: dict[str, Any]) -> None:
    assert effect(told["token_without_key"]) == ("DENY", ["dpop_proof_missing"])


def test_the_session_with_another_key_from_elsewhere_is_ended(told: dict[str, Any]) -> None:
    assert effect(told["stolen"]) == ("TERMINATE", ["rule:session-stolen"])
    assert told["why"]["law"]["floor"] == "TERMINATE", "a rule did it, and no model was needed"


def test_it_has_ended_for_everybody(told: dict[str, Any]) -> None:
    assert effect(told["own_afterwards"]) == ("DENY", ["session_terminated"])
    (ended,) = told["ended"]
    assert (ended["state"], ended["reason"]) == ("terminated", "rule:session-stolen")


def test_she_goes_on_in_a_new_session(told: dict[str, Any]) -> None:
    assert told["own_again"]["decision"] is True


def test_all_of_it_is_in_the_log(told: dict[str, Any]) -> None:
    assert told["verify"]["verified"] is True
