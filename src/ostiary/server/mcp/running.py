"""Runs an MCP server as a child whose pipes lead through the wrapper, and ends with it."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, Any, Final

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.server.mcp.judging import Judges
from ostiary.server.mcp.lines import lines_of, write_line
from ostiary.server.mcp.wrapping import Wrapper

_LEAVES_S: Final = 5.0
_LOOK_S: Final = 0.02


def run(
    command: Sequence[str], judge: Judges, warn: Callable[[str], None], *, client_in: int = 0, client_out: int = 1
) -> int:
    """Run ``command`` until it ends or its client leaves; return its exit code.

    Raises:
        FaultyInputError: ``command_unknown``: it cannot be run.
    """
    try:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603 - the user's own
    except OSError as fault:
        raise FaultyInputError("command_unknown", f"`{command[0]}` cannot be run: {fault.strerror}") from fault
    with child, open(client_out, "wb", buffering=0, closefd=False) as answers:
        into, out = child.stdin, child.stdout
        if into is None or out is None:
            raise FaultyInputError("command_unknown", f"`{command[0]}` has no pipes")
        wrapper = Wrapper(judge, partial(write_line, answers), partial(_to_server, into, warn), warn)
        leave = partial(_leave, child, wrapper)
        threading.Thread(target=_pump, args=(client_in, wrapper.from_client, warn, leave), daemon=True).start()
        _pump(out.fileno(), wrapper.from_server, warn, child.terminate)
        return _ended(child)


def _to_server(into: IO[bytes], warn: Callable[[str], None], line: Any) -> None:
    """Write to the server; once its client has left nobody answers what it still asks, and its last words go on."""
    try:
        write_line(into, line)
    except (ValueError, BrokenPipeError) as fault:
        warn(f"the server hears nothing any more: {type(fault).__name__}")


def _leave(child: "subprocess.Popen[bytes]", wrapper: Wrapper) -> None:
    """Tell the server that its client has left, once it has answered what is open, and wait a moment."""
    for _ in range(int(_LEAVES_S / _LOOK_S)):
        if not wrapper.open or child.poll() is not None:
            break
        time.sleep(_LOOK_S)
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(_LEAVES_S)
    except subprocess.TimeoutExpired:
        child.terminate()


def _pump(source: int, take: Callable[[bytes], None], warn: Callable[[str], None], end: Callable[[], None]) -> None:
    """Take line after line; whatever goes wrong, this direction is over and the other side learns it."""
    try:
        for line in lines_of(source):
            take(line)
    except OstiaryError as fault:
        warn(fault.message)
    except (OSError, ValueError) as fault:  # the other side is gone
        warn(f"the connection is over: {type(fault).__name__}")
    finally:
        end()


def _ended(child: "subprocess.Popen[bytes]") -> int:
    try:
        return child.wait(_LEAVES_S)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
