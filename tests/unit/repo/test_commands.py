import re
import subprocess
import sysconfig
from pathlib import Path

JUST = Path(sysconfig.get_path("scripts")) / "just"


def test_the_helper_names_what_the_checks_can_do(repo: Path) -> None:
    """`just check` and `make test` go through one script, so the two cannot drift apart."""
    script = (repo / "tools" / "check.sh").read_text()
    steps = re.search(r"steps=\((\w[\w ]+)\)", script)
    assert steps is not None
    assert steps[1].split() == ["lint", "types", "rooms", "deps", "docs", "tests"]
    makefile = (repo / "Makefile").read_text()
    justfile = (repo / "justfile").read_text()
    assert "tools/check.sh\n" in makefile
    assert "tools/check.sh\n" in justfile


def test_just_shows_its_commands_in_sections(repo: Path) -> None:
    shown = subprocess.run([JUST, "--list"], cwd=repo, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^\s*\[(\w+)\]$", shown, re.MULTILINE) == ["check", "install", "run", "write"]
    undescribed = [line for line in shown.splitlines()[1:] if line.strip() and "[" not in line and "#" not in line]
    assert undescribed == []


def test_an_unknown_check_is_a_usage_error(repo: Path) -> None:
    done = subprocess.run(["tools/check.sh", "frob"], cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "`frob`" in done.stderr


def test_ci_is_the_command_that_people_run(repo: Path) -> None:
    assert "exec make test" in (repo / ".ci" / "run").read_text()
