"""Starting this very command again with what the policy engine wants in its environment.

Go reads ``GOGC`` and ``GOMAXPROCS`` only from the environment that a process was started with (ADR-0002): setting
them later changes nothing. The process keeps its id, its files and its arguments.
"""

import os
import sys

from ostiary.policy.opa_library import launch_environment


def with_engine_environment() -> None:
    """Return at once when the environment has what the engine wants; else start the command again with it."""
    missing = {name: value for name, value in launch_environment().items() if name not in os.environ}
    if missing:
        sys.stdout.flush()
        sys.stderr.flush()
        command = [sys.executable, "-m", "ostiary.cli", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **missing})  # noqa: S606 - our own command
