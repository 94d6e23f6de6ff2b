"""The outside of a candidate's process: started with one order, asked with a deadline, killed when late.

- Started anew (never forked), with a bare environment, in a session of its own, so that its children die with it.
- Whatever goes wrong ends the process: a late answer would otherwise be taken for the next one's.
- The processor time of a process that was killed is charged as the wall's time that it was waited for.
"""

import os
import signal
import subprocess
import sys
import time
from typing import Final, TypeVar

import msgspec

from ostiary.errors import OstiaryError, UnavailableError, VerificationError
from ostiary.policy.opa_library import launch_environment
from ostiary.server.shadow.orders import Answer, GoneError, LateError, Order, Ready, Wire
from ostiary.vocabulary.unreadable import UNREADABLE

T = TypeVar("T", Answer, Ready)
START_S: Final = 60.0
_KEPT: Final = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "SYSTEMROOT")


class Runner:
    """One running candidate; used by one thread."""

    def __init__(self, order: Order, deadline_s: float, start_s: float = START_S) -> None:
        """Start its process and wait until it can be asked.

        Raises:
            VerificationError: ``candidate_changed``: what is on disk is not what was started.
            UnavailableError: ``candidate_not_started``, with the code of why.
        """
        self._deadline_s = deadline_s
        self._charged = 0
        self._process = _process()
        reading, writing = self._process.stdout, self._process.stdin
        assert reading is not None  # noqa: S101 - both are pipes, as `_process` asks
        assert writing is not None  # noqa: S101
        self._wire = Wire(reading.fileno(), writing.fileno())
        self.cpu_ns = 0
        try:
            ready = self._asked(order, Ready, start_s)
        except (LateError, GoneError) as fault:
            self.close()
            why = "late" if isinstance(fault, LateError) else "crashed"
            raise UnavailableError("candidate_not_started", f"the candidate does not start: {why}") from fault
        if ready.fault:
            self.close()
            raise _why_not(ready.fault)
        self.cpu_ns += self._news(ready.cpu_ns)

    def ask(self, record: bytes) -> Answer:
        """Return the candidate's answer to one encoded record.

        Raises:
            LateError, GoneError: it did not answer; the process is gone.
        """
        began = time.monotonic_ns()
        try:
            answer = self._asked(record, Answer, self._deadline_s)
        except (LateError, GoneError):
            self.close()
            self.cpu_ns += time.monotonic_ns() - began
            raise
        self.cpu_ns += self._news(answer.cpu_ns)
        return answer

    def kill(self) -> None:
        """End the process and its children at once; its pipes stay, for another thread may be reading them."""
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def close(self) -> None:
        """End the process, and give its pipes back."""
        self.kill()
        with self._process:
            return

    def _asked(self, value: object, kind: type[T], within_s: float) -> T:
        late = time.monotonic() + within_s
        self._wire.send(value, within_s)
        body = self._wire.receive(max(0.0, late - time.monotonic()))
        try:
            return msgspec.msgpack.decode(body, type=kind)
        except UNREADABLE as fault:
            raise GoneError from fault

    def _news(self, cpu_ns: int) -> int:
        """Return what was used since the last answer; a clock that goes back is not believed."""
        used, self._charged = max(0, cpu_ns - self._charged), max(cpu_ns, self._charged)
        return used


def _process() -> "subprocess.Popen[bytes]":
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | launch_environment()
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "ostiary.server.shadow.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as fault:
        text = f"no process can be started: {fault.strerror}"
        raise UnavailableError("candidate_not_started", text) from fault


def _why_not(code: str) -> OstiaryError:
    changed = {"artifact_not_pinned", "artifact_modified", "candidate_changed"}
    if code in changed or code.startswith("artifact_"):
        return VerificationError("candidate_changed", f"the candidate is not what was started: {code}")
    return UnavailableError("candidate_not_started", f"the candidate cannot be loaded: {code}")
