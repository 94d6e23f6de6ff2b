"""``ostiary bench sides`` prints one object: the same questions by every way that can be gone here."""

import json
import subprocess
import sys

import pytest

from ostiary.testing.proxies import find_nginx


@pytest.mark.slow
def test_it_measures_one_server_and_the_proxies_that_ask_it() -> None:
    command = [
        sys.executable,
        "-m",
        "ostiary.cli",
        "bench",
        "sides",
        "--json",
        "--ways",
        "embedded",
        "--ways",
        "proxies",
    ]
    command += ["--seconds", "0.3", "--repeat", "1", "--connections", "2", "--anyway"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    ways = ["embedded", "envoy http", "envoy grpc", *(["nginx"] if find_nginx() else [])]
    assert [one["way"] for one in told["sides"]] == ways
    assert all(one["errors"] == 0 and min(one["per_s"], one["cpu_us"]) > 0 for one in told["sides"]), told
