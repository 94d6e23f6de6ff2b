"""A training job turns on its pipeline, as a person would see it played: a real server, a real sandbox, a real log."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if not Path("/usr/bin/bwrap").exists():
        words = "no bubblewrap here: run tools/system.sh"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)
    data = tmp_path_factory.mktemp("demo") / "data"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    command = [sys.executable, "-m", "ostiary.cli", "demo", "compromised-trainer", "--json", "--data", str(data)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_gets_a_token_for_its_dataset_and_can_work(told: dict[str, Any]) -> None:
    assert told["exchanged"]["token_type"] == "DPoP"
    assert told["worked"] == {"status": 200, "bytes": 6500}


def test_another_dataset_is_closed_to_it(told: dict[str, Any]) -> None:
    assert told["read_another"]["reasons"] == ["token_other_resource"]
    assert "token_other_resource" in json.dumps(told["why"])


def test_nothing_gets_out_of_the_sandbox(told: dict[str, Any]) -> None:
    words = told["exfiltrate"]["told"]
    assert words.count("stopped:") == 5
    assert "GOT OUT" not in words
    assert [(one["host"], one["verdict"]) for one in told["run"]["connections"]] == [
        ("drop.example.com", "egress_not_granted")
    ]
    assert told["run"]["probes"] >= 30


def test_poison_is_refused_at_the_door_and_found_behind_it(told: dict[str, Any]) -> None:
    assert told["poison_by_the_door"]["reasons"] == ["token_other_action"]
    assert told["poison_in_the_store"]["exit"] == 5
    assert "object_modified" in told["poison_in_the_store"]["told"]


def test_swapped_weights_are_not_loaded(told: dict[str, Any]) -> None:
    assert told["swapped"]["exit"] == 5
    assert "artifact_modified" in told["swapped"]["told"]
