"""``ostiary bench revocation`` prints one object; every session of it was granted, and every refusal was a decision."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_it_measures_from_the_signal_to_the_last_refusal(repo: Path) -> None:
    command = [sys.executable, "-m", "ostiary.cli", "bench", "revocation", "--json"]
    command += ["--sessions", "24", "--peps", "2", "--count", "4"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(repo / "sdk" / "src"), *filter(None, sys.path)])}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert (told["sessions"], told["peps"], told["signals"], told["undecided"]) == (24, 2, 4, 0)
    assert told["grants"] == [14, 14]
    assert 0 < told["first_p50_ms"] <= told["p50_ms"] <= told["p99_ms"] <= told["max_ms"] < 10_000
