"""The three lines that the README starts with do what it says, against a real server in a fresh directory."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ostiary.testing.served import Served

PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def start_of(page: Path) -> str:
    codes: list[str] = PYTHON.findall(page.read_text())
    (code,) = [one for one in codes if "from ostiary_sdk import Client\n" in one]
    return code


def test_both_pages_start_alike_and_in_three_lines(repo: Path) -> None:
    pages = [start_of(repo / name) for name in ("README.md", "sdk/README.md")]
    assert pages[0] == pages[1]
    assert len([line for line in pages[0].splitlines() if line]) == 3


@pytest.mark.slow
def test_the_three_lines_work(repo: Path, tmp_path: Path) -> None:
    with Served(tmp_path / ".ostiary") as server:
        code = start_of(repo / "README.md").replace("http://127.0.0.1:8181", server.url)
        assert server.url in code
        environ = {"PYTHONPATH": str(repo / "sdk" / "src")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.stdout, done.returncode) == ("ALLOW\n", 0), done.stderr
