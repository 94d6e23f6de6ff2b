"""Starting bubblewrap: by its full path, without environment, as the run's own user, with the descriptors it needs.

- Filter, files and arguments are memory that bubblewrap reads and closes; the line to the parent is all that goes on.
- The user is changed by ``setpriv``, a program of its own: where Python itself does it, it copies its whole address
  space first, which takes longer than all of the rest.
"""

import os
import subprocess
from functools import lru_cache
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.pipeline.training.bpf import assemble
from ostiary.pipeline.training.bubblewrap import BOOT, PROXY_PORT, PROXY_SOCKET, Plan, arguments, files_of
from ostiary.pipeline.training.limits import OUTPUTS
from ostiary.pipeline.training.line import Line
from ostiary.pipeline.training.seccomp import filter_of
from ostiary.pipeline.training.syscalls import machine_of

SETPRIV: Final = "/usr/bin/setpriv"


def spawn(bubblewrap: str, plan: Plan, user: int, line: Line, *, memory_is_counted: bool) -> subprocess.Popen[bytes]:
    """Start bubblewrap with our first process in it.

    Raises:
        UnavailableError: ``training_sandbox_died``, ``training_setpriv_missing``, ``training_machine_unknown``.
    """
    program = _filter(os.uname().machine, memory_is_counted=memory_is_counted)
    before = _as_user(user)
    files = [(file, _in_memory(file.data)) for file in files_of(plan)]
    seccomp = _in_memory(program)
    words = "\0".join(arguments(plan, files, seccomp))
    told = _in_memory(words.encode("utf-8", "surrogateescape"))
    given = [*(number for _, number in files), seccomp, told]
    inner = [plan.environment.python, "-I", "-S", "-B", "-c", BOOT, str(line.theirs)]
    try:
        return subprocess.Popen(  # noqa: S603 - programs by their full paths, our own arguments
            [*before, bubblewrap, "--args", str(told), "--", *inner],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={},
            cwd="/",
            pass_fds=[*given, line.theirs],
            start_new_session=True,
        )
    except OSError as fault:
        raise UnavailableError("training_sandbox_died", f"bubblewrap does not start: {fault.strerror}") from fault
    finally:
        line.handed_down()
        for one in given:
            os.close(one)


@lru_cache(maxsize=4)
def _filter(machine: str, *, memory_is_counted: bool) -> bytes:
    return assemble(filter_of(machine_of(machine), memory_is_counted=memory_is_counted))


def _as_user(user: int) -> list[str]:
    """Return the words that start a program as another user."""
    if user == os.getuid():
        return []
    if not os.access(SETPRIV, os.X_OK):
        raise UnavailableError("training_setpriv_missing", f"`{SETPRIV}` (util-linux) is missing")
    return [SETPRIV, "--reuid", str(user), "--regid", str(user), "--clear-groups", "--"]


def proxy_variables() -> dict[str, str]:
    """Return the variables by which programs find the proxy."""
    url = f"http://127.0.0.1:{PROXY_PORT}"
    own = "localhost,127.0.0.1,::1"
    names = ("http_proxy", "https_proxy", "all_proxy")
    variables = dict.fromkeys((*names, *(name.upper() for name in names)), url)
    return {
        **variables,
        "no_proxy": own,
        "NO_PROXY": own,
        "HOME": "/tmp",  # noqa: S108 - the sandbox's own
        "TMPDIR": "/tmp",  # noqa: S108
        "OSTIARY_EGRESS_SOCKET": PROXY_SOCKET,
        "OSTIARY_OUTPUTS": OUTPUTS,
    }


def _in_memory(data: bytes) -> int:
    """Return a descriptor from which ``data`` can be read."""
    number = os.memfd_create("ostiary")
    with os.fdopen(os.dup(number), "wb") as file:
        file.write(data)
    os.lseek(number, 0, os.SEEK_SET)
    return number
