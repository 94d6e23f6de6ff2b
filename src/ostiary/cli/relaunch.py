"""Starting this very command again with what the policy engine and the C library want in its environment.

Go reads ``GOGC`` and ``GOMAXPROCS`` only from the environment that a process was started with (ADR-0002), and so does
the C library with how it keeps memory (ADR-0087): setting them later changes nothing. The process keeps its id, its
files and its arguments.
"""

import os
import sys

from ostiary.policy.opa_library import launch_environment
from ostiary.server.tuning import ALLOCATOR


def with_engine_environment() -> None:
    """Return at once when the environment has what both want; else start the command again with it."""
    wanted = {**launch_environment(), **ALLOCATOR}
    missing = {name: value for name, value in wanted.items() if name not in os.environ}
    if missing:
        sys.stdout.flush()
        sys.stderr.flush()
        command = [sys.executable, "-m", "ostiary.cli", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **missing})  # noqa: S606 - our own command
