"""A training sandbox for tests: runs a script in it, as root or as an ordinary user, and tells what came of it.

``as_user`` forks: an interpreter that only root may read cannot be started again by another user.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.pipeline.training.accounts import Budget, Connection, ConnectionLog, EgressLimits
from ostiary.pipeline.training.bubblewrap import WORKSPACE, Plan
from ostiary.pipeline.training.egress import EgressRule
from ostiary.pipeline.training.environment import Mount, system
from ostiary.pipeline.training.limits import MIB, SandboxLimits
from ostiary.pipeline.training.outputs import OutputFile, collect
from ostiary.pipeline.training.pinning import Pins, Resolve, ask_system
from ostiary.pipeline.training.proxy import EgressProxy
from ostiary.pipeline.training.sandbox import Sandbox
from ostiary.pipeline.training.saying import Said
from ostiary.vocabulary.clock import SystemClock

NOBODY: Final = 65_534
SMALL: Final = SandboxLimits(
    memory_bytes=512 * MIB,
    processes=64,
    wall_s=60,
    tmp_bytes=8 * MIB,
    shared_bytes=4 * MIB,
    outputs_bytes=4 * MIB,
    output_files=10,
    start_s=60,
)


class Tried(msgspec.Struct):
    """What came of one run: its status, what it said, what it called, what it left; or the code of its refusal.

    ``owner`` is the user who owns the sandbox's files as the host sees it.
    """

    status: int = -1
    said: str = ""
    timed_out: bool = False
    connections: tuple[Connection, ...] = ()
    outputs: list[OutputFile] = []
    refused: str = ""
    message: str = ""
    probes: dict[str, str] = {}
    limits: dict[str, str] = {}
    user: int = -1
    owner: int = -1
    total_ms: float = 0.0


class Trial(msgspec.Struct):
    """How a script is run.

    Attributes:
        rules: whom it may call.
        limits: of the sandbox.
        egress: limits of the proxy.
        resolve: how names are resolved.
        keep_user: whether root stays root outside.
        collecting: whether outputs are collected.
        faults: takes what went wrong in the proxy.
    """

    rules: Sequence[EgressRule] = ()
    limits: SandboxLimits = SMALL
    egress: EgressLimits = EgressLimits(head_s=3.0, connect_s=3.0, idle_s=5.0)
    resolve: Resolve = ask_system
    keep_user: bool = False
    collecting: bool = True
    faults: list[Any] = []

    def run(self, script: str, *arguments: str, files: dict[str, str] | None = None) -> Tried:
        """Run a Python script inside, and return what came of it."""
        with tempfile.TemporaryDirectory(prefix="ostiary-trial-") as folder:
            Path(folder).chmod(0o755)
            for name, text in {"main.py": script, **(files or {})}.items():
                Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, name).write_text(text)
            return self._run(["python3", "-B", "main.py", *arguments], Path(folder))

    def _run(self, command: Sequence[str], code: Path) -> Tried:
        tried = Tried()
        log = ConnectionLog(self.egress)
        pins = Pins(self.rules, self.resolve)
        faults = self.faults
        proxy = EgressProxy(
            pins, Budget(self.egress.bytes_up), log, self.egress, SystemClock(), lambda *told: faults.append(told)
        )
        said = Said(MIB)
        plan = Plan(system(), self.limits, (Mount(str(code), WORKSPACE),))
        try:
            with Sandbox(plan, proxy, said=said, keep_user=self.keep_user) as sandbox:
                self._go(sandbox, command, tried, code)
        except OstiaryError as no:
            tried.refused, tried.message = no.code, no.message
        tried.said = said.kept.decode("utf-8", "replace")
        tried.connections = log.entries
        return tried

    def _go(self, sandbox: Sandbox, command: Sequence[str], tried: Tried, code: Path) -> None:
        start = sandbox.start(command, {"PYTHONDONTWRITEBYTECODE": "1"})
        tried.probes = {probe.name: probe.verdict for probe in start.probes}
        tried.limits, tried.user, tried.total_ms = start.limits, start.user, start.total_ms
        tried.owner = os.fstat(sandbox.outputs).st_uid
        ended = sandbox.wait()
        tried.status, tried.timed_out = ended.status, ended.timed_out
        if self.collecting:
            tried.outputs = collect(sandbox.outputs, code / "collected", self.limits)


def as_user(work: Callable[[], Any], kind: Any, user: int = NOBODY) -> Any:
    """Do ``work`` in a child that has become ``user``, and return what it returned, decoded as ``kind``."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        _become(work, into, user)
    os.close(into)
    with os.fdopen(out, "rb") as file:
        told = file.read()
    _, status = os.waitpid(child, 0)
    if status or not told:
        msg = f"the child ended with {status}: {told[:500]!r}"
        raise RuntimeError(msg)
    return msgspec.json.decode(told, type=kind)


def _become(work: Callable[[], Any], into: int, user: int) -> None:
    try:
        if os.getuid() == 0:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        os.write(into, msgspec.json.encode(work()))
        os._exit(0)
    except BaseException as fault:  # noqa: BLE001 - it is a child: whatever happened is told to the parent
        os.write(into, repr(fault).encode())
        os._exit(1)


def taking_over(code: str, then: str) -> str:
    """Return a script that writes machine code into the first process, wakes it, and goes on with ``then``.

    ``code`` is the inside of a ``bytes.fromhex(…)``: x86_64, put where the first process goes on when its wait ends.
    """
    return f"""
import os, sys, time
code = bytes.fromhex({code})
place = int(open("/proc/1/syscall").read().split()[-1], 16)
memory = os.open("/proc/1/mem", os.O_RDWR)
os.lseek(memory, place, os.SEEK_SET)
os.write(memory, code)
if os.fork() == 0:  # an orphan wakes it
    if os.fork() == 0:
        os._exit(0)
    os._exit(0)
os.wait()
{then}"""
