"""``ostiary bench decide`` prints one object: decisions over HTTP, one by one and many in a body."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_it_measures_durable_decisions_over_http() -> None:
    command = [sys.executable, "-m", "ostiary.cli", "bench", "decide", "--json", "--no-train", "--history", "20"]
    command += [
        "--decisions",
        "5",
        "--seconds",
        "0.4",
        "--repeat",
        "1",
        "--connections",
        "2",
        "--items",
        "3",
        "--anyway",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert [(one["connections"], one["items"]) for one in told["http"]] == [(2, 1), (4, 3)]
    for one in told["http"]:
        assert one["errors"] == 0
        assert min(one["per_s"], one["server_cpu_us"], one["client_cpu_us"]) > 0
    answered = sum(one["answered"] for row in told["http"] for one in row["rounds"])
    assert told["records"] >= answered > 0
    assert told["http_durable_per_s"] == told["http"][0]["per_s"]
