"""The first process of a sandbox: held like the command, and waited for until nobody in there lives any more.

It is bubblewrap's own, and runs as the command's user: the command may write its memory (``/proc/1/mem``, which no
filter sees), so whatever holds the command must hold it too. Taken over, it can also forget that it was to die with
bubblewrap (``PR_SET_PDEATHSIG``), so it is killed here, and with it everybody in its namespace.

bubblewrap ends when the command does; what the command left behind dies a moment later, with the first process of its
namespace. That one cannot end before all others have (pid_namespaces(7)), so its end is waited for, by a descriptor
that never means another process.
"""

import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError

_WAIT_S: Final = 10.0


class FirstProcess:
    """The first process of a sandbox's namespace."""

    def __init__(self, child: int) -> None:
        """Find it by a child of its own, given by the number that it has for us.

        Raises:
            UnavailableError: ``training_sandbox_died``.
        """
        try:
            told = Path(f"/proc/{child}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            self.pid = int(told[1])
            self._handle = os.pidfd_open(self.pid)
        except OSError as fault:
            raise UnavailableError("training_sandbox_died", "the sandbox ended before it was ready") from fault

    def kill(self) -> None:
        """End it, whatever it has become."""
        with suppress(ProcessLookupError):  # it has ended by itself
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until it has ended, and with it everybody.

        Raises:
            UnavailableError: ``training_sandbox_lives``.
        """
        look = select.poll()  # `select` itself knows no handle beyond 1023
        look.register(self._handle, select.POLLIN)
        if not look.poll(_WAIT_S * 1000):
            raise UnavailableError("training_sandbox_lives", "a process of the sandbox does not end")
        with suppress(ChildProcessError):  # it is ours to bury only where we are the first process ourselves
            os.waitpid(self.pid, os.WNOHANG)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._handle)
