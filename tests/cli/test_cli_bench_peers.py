"""``ostiary bench peers`` prints one object: every peer that is here answered, and it says what each of them does."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_it_measures_ours_beside_opa_and_cedar() -> None:
    command = [sys.executable, "-m", "ostiary.cli", "bench", "peers", "--json"]
    command += ["--seconds", "0.5", "--repeat", "1", "--connections", "2", "--decisions", "50", "--anyway"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert [one["peer"] for one in told["figures"]] == ["ostiary", "opa_only", "cedarpy"]
    assert all(one["errors"] == 0 and one["per_s"] > 0 and one["cpu_us"] > 0 for one in told["figures"])
    assert told["left_out"] == {}
