"""A command that takes over the first process of its sandbox does not outlive its run, nor hold up who waits for it.

The first process dies with bubblewrap because it asked the kernel to (``PR_SET_PDEATHSIG``). Whoever writes its memory
(``/proc/1/mem``) can take that back: it lived on after the time limit, bounded by nothing, and the runner waited for
ever for the end of what it prints.
"""

import os
import platform
import select
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.pipeline.training.burial import FirstProcess
from ostiary.testing.sandboxes import SMALL, Trial, Tried, as_user, taking_over

module: Any = pytest.importorskip("ostiary.pipeline.training.sandbox")
STAY = """
    "b89d000000" "bf01000000" "31f6" "0f05"  # prctl(PR_SET_PDEATHSIG, 0)
    "b822000000" "0f05" "ebf7"  # pause, for ever
"""
SAY = """print("taken over", flush=True)
if sys.argv[1] == "stay":
    time.sleep(60)
"""
TAKE_OVER = taking_over(STAY, SAY)


class Life(msgspec.Struct):
    """What became of a run, and whether its first process lived after it."""

    tried: Tried
    lived: bool


@pytest.fixture(autouse=True)
def _bubblewrap():
    tried = Trial().run("print('hello')") if Path("/usr/bin/bwrap").exists() else None
    if tried is None or tried.refused == "training_sandbox_died":
        words = "no sandbox runs here: tools/system.sh installs bubblewrap"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(words)


def live(then: str) -> Life:
    handles: list[int] = []

    class Kept(FirstProcess):
        def __init__(self, child: int) -> None:
            super().__init__(child)
            handles.append(os.dup(self._handle))

    real, module.FirstProcess = module.FirstProcess, Kept
    try:
        tried = Trial(limits=msgspec.structs.replace(SMALL, wall_s=1)).run(TAKE_OVER, then)
    finally:
        module.FirstProcess = real
    handle = handles[0]
    lived = not select.select([handle], [], [], 0)[0]
    if lived:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    os.close(handle)
    return Life(tried, lived)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="its machine code is x86_64's")
@pytest.mark.parametrize("then", ["stay", "go"])
@pytest.mark.parametrize("mode", ["root", "user"])
def test_who_takes_the_first_process_over_still_dies_with_his_run(mode, then):
    if os.getuid() and mode == "root":
        pytest.skip("needs root")
    life = as_user(lambda: live(then), Life) if mode == "user" else live(then)
    assert life.tried.said.startswith("taken over"), (life.tried.said, life.tried.message)
    assert life.tried.timed_out
    assert not life.lived
