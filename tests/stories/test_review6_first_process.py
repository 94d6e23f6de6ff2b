"""A command that takes over the first process of its sandbox has won nothing: it is held by the same limits.

The first process is bubblewrap's own. It runs as the command's user, so the command may write its memory
(``/proc/1/mem``; no filter sees that). It was in no control group and had the host's limits.
"""

import os
import platform
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.pipeline.training.burial import FirstProcess
from ostiary.testing.sandboxes import SMALL, Trial, Tried, as_user, taking_over

module: Any = pytest.importorskip("ostiary.pipeline.training.sandbox")
MODES = ["root", "root_outside", "user"]
MANY = """
    "41bc96000000"          # mov r12d, 150
    "b839000000" "0f05"     # fork
    "85c0" "7407" "7805"    # the child, or no more: wait for ever
    "41ffcc" "75ee"
    "b822000000" "0f05" "ebf7"  # pause
"""
COUNT = """time.sleep(1)
print("processes", sum(name.isdigit() for name in os.listdir("/proc")), flush=True)
"""
TAKE_OVER = taking_over(MANY, COUNT)
COMPARE = """
def limits(who):
    return [line.split("  ") for line in open(f"/proc/{who}/limits")][1:]
print(open("/proc/1/cgroup").read() == open("/proc/self/cgroup").read(), limits(1) == limits("self"))
"""


@pytest.fixture(scope="module", autouse=True)
def _bubblewrap():
    tried = Trial().run("print('hello')") if Path("/usr/bin/bwrap").exists() else None
    if tried is None or tried.refused == "training_sandbox_died":
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)


def run(mode: str, source: str) -> Tried:
    if os.getuid() and mode != "user":
        pytest.skip("needs root")
    trial = Trial(keep_user=mode == "root_outside", limits=msgspec.structs.replace(SMALL, wall_s=4))
    if mode == "user":
        found: Tried = as_user(lambda: trial.run(source), Tried)
        return found
    return trial.run(source)


@pytest.mark.parametrize("mode", MODES)
def test_the_first_process_is_held_like_the_command(mode):
    tried = run(mode, COMPARE)
    assert tried.said.split() == ["True", "True"], (tried.said, tried.message)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="its machine code is x86_64's")
@pytest.mark.parametrize("mode", MODES)
def test_who_takes_the_first_process_over_starts_no_more_processes_than_before(mode):
    tried = run(mode, TAKE_OVER)
    assert tried.said.startswith("processes "), (tried.said, tried.message)
    assert int(tried.said.split()[1]) <= SMALL.processes


def test_a_first_process_that_is_held_by_less_is_found(monkeypatch):
    real = module.ControlGroups.add
    firsts: list[int] = []

    class Seen(FirstProcess):
        def __init__(self, child):
            super().__init__(child)
            firsts.append(self.pid)

    monkeypatch.setattr(module, "FirstProcess", Seen)
    monkeypatch.setattr(module.ControlGroups, "add", lambda self, pid: None if pid in firsts else real(self, pid))
    tried = Trial().run("print('ran')")
    if not any(how.startswith("cgroup") for how in tried.limits.values()) and not tried.refused:
        pytest.skip("no control groups here")
    assert tried.refused == "training_sandbox_leaks"
    assert "process.first" in tried.message
