"""A laptop's disk is decrypted, and what was open on it closes: as a person would see it played, on a real server."""

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
    story = "device-falls-out-of-compliance"
    arguments = ("demo", story, "--json", "--data", str(data), "--people", "20", "--days", "10")
    command = [sys.executable, "-m", "ostiary.cli", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def effect(answer: dict[str, Any]) -> tuple[str, list[str]]:
    return answer["context"]["effect"], answer["context"]["reasons"]


def test_the_laptop_is_enrolled_reports_and_is_attested(told: dict[str, Any]) -> None:
    assert told["enrolled"]["attestation_key"] == "first_use"
    assert told["reported"]["standing"] == "compliant"
    assert told["attested"]["trust"] == "attested"
    assert told["works"]["decision"] is True


def test_her_session_falls_with_the_device(told: dict[str, Any]) -> None:
    assert told["fell"]["why"] == ["disk_encrypted_failed"]
    assert effect(told["asks_again"]) == ("STEP_UP", ["rule:session-step-up"])


def test_the_good_report_does_not_come_again(told: dict[str, Any]) -> None:
    assert told["replayed"]["code"] == "device_replayed"


def test_a_mended_device_lifts_no_session(told: dict[str, Any]) -> None:
    assert told["mended"]["standing"] == "compliant"
    assert effect(told["same_session"]) == ("STEP_UP", ["rule:session-step-up"])
    assert told["new_session"]["decision"] is True


def test_a_stolen_laptop_gets_nothing_whatever_it_says(told: dict[str, Any]) -> None:
    assert told["all_is_well"]["standing"] == "quarantined"
    kind, reasons = effect(told["thief"])
    assert kind == "DENY"
    assert set(reasons) & {"session_terminated", "rule:device-quarantined"}


def test_all_of_it_is_in_the_log(told: dict[str, Any]) -> None:
    assert told["verify"]["verified"] is True
