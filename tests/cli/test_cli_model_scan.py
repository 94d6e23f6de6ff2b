"""`ostiary model scan`: exit code 0 for safe and quarantined, 3 for refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.testing.models import safetensors_bytes


def _scan(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ostiary.cli", "model", "scan", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.safetensors").write_bytes(safetensors_bytes(1.0))
    (tmp_path / "plain.pkl").write_bytes(b"\x80\x04]\x94.")
    return tmp_path


def test_safe_and_quarantined_end_well(folder: Path) -> None:
    done = _scan(str(folder), "--jsonl")
    assert done.returncode == 0
    assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["safe", "quarantined"]
    assert "convert it to safetensors" in _scan(str(folder)).stderr


def test_one_refused_file_is_a_refusal(folder: Path) -> None:
    (folder / "evil[red].pkl").write_bytes(b"cos\nsystem\n(S'id'\ntR.")
    done = _scan(str(folder), "--json")
    assert done.returncode == 3
    evil = json.loads(done.stdout)["files"][0]
    assert (evil["verdict"], evil["findings"][0]["code"]) == ("refused", "pickle_import")
    assert "AML.T0011.000" in evil["findings"][0]["threats"]
    words = _scan(str(folder))
    assert words.returncode == 3
    assert "evil[red].pkl" in words.stdout
    assert "it imports `os.system`" in words.stdout


def test_no_such_file(folder: Path) -> None:
    assert _scan(str(folder / "absent")).returncode == 1
