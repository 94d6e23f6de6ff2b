"""The course of the first process inside: order, limits, sockets out, probes, the parent's word, the command.

The line to the parent is a local socket of whole messages, and closes by itself when the command begins: an end
without a word says that it began, a word says why it could not.
"""

from __future__ import annotations

import errno
import marshal
import os
import resource
import time
from _signal import SIG_DFL, SIGPIPE, SIGXFSZ, signal  # type: ignore[import-not-found] # without its enums
from _socket import AF_INET, AF_UNIX, SCM_RIGHTS, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from sys import byteorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ostiary.pipeline.training.inside.trying import Order

MAX_ORDER = 1 << 18
BACKLOG = 128
_PLAIN = {9: " ", 10: " "}


def main(number: int) -> None:
    """Run to the end; never returns."""
    line = socket(fileno=number)
    os.set_inheritable(line.fileno(), False)
    order = marshal.loads(line.recv(MAX_ORDER))  # noqa: S302 - the parent wrote it
    try:
        _prepare(line, order)
        go = line.recv(16)
        if go != b"go":
            os._exit(125)
        _become(order)
    except BaseException as fault:
        line.send(f"fault\t{type(fault).__name__}: {fault}"[:500].encode())
    os._exit(125)


def _prepare(line: socket, order: Order) -> None:
    begun = time.monotonic_ns()
    for who in (os.getppid(), 0):  # the first process too: it is of our user, who may write its memory
        for name, value in order["rlimits"].items():
            resource.prlimit(who, getattr(resource, name), (value, value))
    tcp, local = _listen(order)
    outputs = os.open(order["outputs"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    handed = b"".join(one.to_bytes(4, byteorder) for one in (tcp.fileno(), local.fileno(), outputs))
    line.sendmsg([f"hello\t{begun}".encode()], [(SOL_SOCKET, SCM_RIGHTS, handed)])
    tcp.close()
    local.close()
    os.close(outputs)
    if line.recv(16) != b"probe":
        return
    listened = time.monotonic_ns()
    order["descriptors"] = [line.fileno()]
    found = _probe(order) if order["probes"] else []
    rows = ["\t".join(word.translate(_PLAIN) for word in row) for row in found]
    line.send("\n".join([f"report\t{listened}\t{time.monotonic_ns()}", *rows]).encode("utf-8", "replace"))


def _listen(order: Order) -> tuple[socket, socket]:
    tcp = socket(AF_INET, SOCK_STREAM)
    tcp.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    tcp.bind(("127.0.0.1", order["proxy_port"]))
    tcp.listen(BACKLOG)
    local = socket(AF_UNIX, SOCK_STREAM)
    local.bind(order["proxy_path"])
    local.listen(BACKLOG)
    return tcp, local


def _probe(order: Order) -> list[list[str]]:
    from ostiary.pipeline.training.inside import files, kernel, network
    from ostiary.pipeline.training.inside.trying import try_all

    return try_all([*files.PROBES, *network.PROBES, *kernel.PROBES], order)


def _become(order: Order) -> None:
    for number in (SIGPIPE, SIGXFSZ):
        signal(number, SIG_DFL)
    os.chdir(order["directory"])
    os.umask(0o077)
    _close_others()
    command = order["command"]
    try:
        os.execvpe(command[0], command, order["environment"])
    except OSError as fault:
        words = errno.errorcode.get(fault.errno or 0, "")
        raise RuntimeError(f"the command cannot be started: {words}") from fault


def _close_others() -> None:
    # The line itself closes with the start of the command.
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:
                continue
