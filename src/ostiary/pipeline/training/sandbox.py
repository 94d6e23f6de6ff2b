"""A sandbox from its start to its end. It is tried from within before the command gets control.

The start, step by step; whatever fails ends it, and no command has run:

1. as root, a user id of the run's own is taken, so that nobody in it is root outside;
2. baits are put out, control groups made, bubblewrap started without environment and with four descriptors;
3. the first process inside opens the proxy's sockets there and hands them out, with the folder of outputs;
4. it and bubblewrap's own first process are put under the limits, and the proxy begins to answer;
5. it tries to break out: every attempt must be refused as expected, no bait may have been touched, and what is mounted
   must be what was measured (``sealing``);
6. it becomes the command, which starts with standard streams only.

The thread that starts a sandbox must live as long as it: bubblewrap dies with the thread that made it, and takes
everything with it.
"""

import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.pipeline.training.bubblewrap import (
    PROXY_PORT,
    PROXY_SOCKET,
    WORKSPACE,
    Plan,
    find_bubblewrap,
)
from ostiary.pipeline.training.burial import FirstProcess
from ostiary.pipeline.training.canaries import Canaries
from ostiary.pipeline.training.cgroups import ControlGroups, make_groups
from ostiary.pipeline.training.limits import OUTPUTS
from ostiary.pipeline.training.line import Line, Probe
from ostiary.pipeline.training.proxy import EgressProxy
from ostiary.pipeline.training.saying import Said
from ostiary.pipeline.training.spawning import proxy_variables, spawn
from ostiary.pipeline.training.syscalls import CEILING, NUMBERS, machine_of, number

# Above every range that systemd gives to services, containers and homes (systemd.io/UIDS-GIDS), below 2**31.
_FIRST_USER: Final = 0x7000_0000
_USERS: Final = 0x0800_0000
HELD: Final = "held"


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """How a start went.

    Attributes:
        user: the user id outside.
        limits: what holds each kind of limit.
        probes: every attempt to break out.
        enter_ms: from the call until our first line inside ran; the interpreter's own start is in it.
        probes_ms: how long the attempts took.
        total_ms: from the call until the command began.
    """

    user: int
    limits: dict[str, str]
    probes: tuple[Probe, ...]
    enter_ms: float
    probes_ms: float
    total_ms: float


class Ended(msgspec.Struct, frozen=True):
    """How a command ended: its exit status (negative: a signal), whether it was ended for its time, what it used."""

    status: int
    timed_out: bool
    wall_s: float
    peak_memory: int


class Sandbox:
    """One sandbox. A context manager: nothing of it is left after it."""

    def __init__(
        self,
        plan: Plan,
        proxy: EgressProxy,
        *,
        name: str = "",
        said: Said | None = None,
        cgroup: Path | None = None,
        keep_user: bool = False,
        bubblewrap: str = "",
    ) -> None:
        """Prepare a sandbox.

        Args:
            plan: what is in it.
            proxy: its way out.
            name: of the run, for its control groups.
            said: takes what the command prints.
            cgroup: a delegated control group.
            keep_user: whether root starts it as root; only tests of what holds even then do.
            bubblewrap: where it is.
        """
        self._plan = plan
        self._proxy = proxy
        self._name = name or secrets.token_hex(6)
        self._said = said or Said(plan.limits.said_bytes)
        self._cgroup = cgroup
        self._keep_user = keep_user
        self._bubblewrap = bubblewrap or find_bubblewrap()
        self._groups = ControlGroups({}, 0)
        self._process: subprocess.Popen[bytes] | None = None
        self._first: FirstProcess | None = None
        self._begun = 0.0
        self._called = 0
        self.user = os.getuid() if os.getuid() or keep_user else _FIRST_USER + secrets.randbelow(_USERS)
        self.outputs = -1

    def __enter__(self) -> Self:
        """Return the sandbox, not yet started."""
        return self

    def __exit__(self, *_fault: object) -> None:
        """End everything in it."""
        self.kill()
        self._proxy.close()
        if self._process is not None:
            self._process.wait()
            self._bury()
            self._said.close()
        if self.outputs >= 0:
            os.close(self.outputs)
            self.outputs = -1
        self._groups.remove()

    def start(
        self,
        command: Sequence[str],
        variables: dict[str, str],
        *,
        before: Callable[[Start], None] = lambda _start: None,
    ) -> Start:
        """Start ``command``; ``before`` is called when every probe held, and may still refuse by raising.

        Raises:
            RefusedError: ``training_sandbox_leaks``.
            UnavailableError: it could not be started or tried.
            FaultyInputError: ``training_command_failed``: the command itself cannot be started.
        """
        if not command:
            raise FaultyInputError("training_command_missing", "there is no command to run")
        self._called = time.monotonic_ns()
        line = Line(self._plan.limits.start_s)
        try:
            with Canaries.put_out() as canaries:
                return self._start(line, canaries, command, variables, before)
        except UnavailableError as away:
            raise self._in_its_words(away) from away
        finally:
            line.close()

    def _start(
        self,
        line: Line,
        canaries: Canaries,
        command: Sequence[str],
        variables: dict[str, str],
        before: Callable[[Start], None],
    ) -> Start:
        plan = self._plan
        self._groups = make_groups(self._name, self._plan.limits, self._cgroup)
        self._refuse_unbounded()
        memory_is_counted = "memory" in self._groups.held
        self._process = spawn(self._bubblewrap, plan, self.user, line, memory_is_counted=memory_is_counted)
        self._said.listen(self._process.stdout)
        bounding = threading.Thread(target=self._bound_bubblewrap, name="training-cgroup", daemon=True)
        bounding.start()
        line.send_order(self._order(canaries, command, variables))
        hello = line.hear_hello()
        self.outputs = hello.outputs
        self._first = FirstProcess(hello.pid)
        self._proxy.serve(hello.tcp)
        self._proxy.serve(hello.local)
        bounding.join()
        self._groups.add(hello.pid)
        self._groups.add(self._first.pid)  # whoever takes it over by its memory shall have won nothing
        line.say(b"probe")
        report = line.hear_report()
        self._judge(report.probes, canaries)
        start = Start(
            user=self.user,
            limits=self._limits(),
            probes=report.probes,
            enter_ms=_ms(hello.begun_ns - self._called),
            probes_ms=_ms(report.ended_ns - report.begun_ns),
            total_ms=_ms(time.monotonic_ns() - self._called),
        )
        if plan.seal is not None:
            plan.seal.hold(hello.pid)
        before(start)
        self._proxy.log.probing = False
        held_up = time.monotonic_ns()
        line.say(b"go")
        fault = line.hear_end()
        if fault:
            raise FaultyInputError("training_command_failed", f"`{command[0][:80]}` was not started: {fault[:200]}")
        self._begun = time.monotonic()
        return msgspec.structs.replace(start, total_ms=start.total_ms + _ms(time.monotonic_ns() - held_up))

    def _refuse_unbounded(self) -> None:
        # The kernel does not count root's processes against RLIMIT_NPROC (kernel/fork.c): a group must.
        if self.user == 0 and "pids" not in self._groups.held:
            raise UnavailableError("training_unbounded", "nothing would bound the processes of a sandbox of root")

    def _in_its_words(self, away: UnavailableError) -> UnavailableError:
        """Return the fault with what bubblewrap or our own first process said of it."""
        if self._process is None:
            return away
        self.kill()
        self._process.wait()
        self._said.close()
        told = "".join(one if one.isprintable() else " " for one in self._said.kept[-300:].decode("utf-8", "replace"))
        return UnavailableError(away.code, f"{away.message}{': ' if told.strip() else ''}{told.strip()}")

    def _bound_bubblewrap(self) -> None:
        # The kernel lets the first move into a group wait for all processors (10 to 20 ms), the next one not: this one
        # is made while the interpreter starts.
        if self._process is not None:
            self._groups.try_to_add(self._process.pid)

    def _order(self, canaries: Canaries, command: Sequence[str], variables: dict[str, str]) -> dict[str, Any]:
        plan, machine = self._plan, machine_of(os.uname().machine)
        memory_is_counted = "memory" in self._groups.held
        return {
            **canaries.told(),
            "command": list(command),
            "environment": {**plan.environment.variables, **proxy_variables(), **variables},
            "directory": WORKSPACE,
            "outputs": OUTPUTS,
            "proxy_port": PROXY_PORT,
            "proxy_path": PROXY_SOCKET,
            "root": plan.root,
            "sizes": plan.limits.folders,
            "rlimits": plan.limits.for_each_process(memory_is_counted=memory_is_counted),
            "numbers": {name: number(name, machine) for name in NUMBERS},
            "ceiling": CEILING,
            "probes": True,
        }

    def _judge(self, probes: Sequence[Probe], canaries: Canaries) -> None:
        wrong = [f"{probe.name} {probe.verdict} ({probe.words})" for probe in probes if probe.verdict != HELD]
        wrong += [f"the bait `{name}` was reached" for name in canaries.visited()]
        if not probes:
            wrong.append("nothing was tried")
        if wrong:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""  # noqa: PLR2004 - a line's worth
            raise RefusedError("training_sandbox_leaks", f"the sandbox does not hold: {'; '.join(wrong[:3])}{more}")

    def _limits(self) -> dict[str, str]:
        usual = {"memory": "rlimit, each process", "pids": "rlimit", "cpu": "none", "folders": "size of each"}
        usual |= {"files": "rlimit, each process"}
        return {**usual, **self._groups.held}

    def wait(self) -> Ended:
        """Wait for the command; it is ended when its time is over.

        Raises:
            RefusedError: ``training_environment_changed`` while it ran.
        """
        process = self._process
        if process is None:
            raise UnavailableError("training_sandbox_died", "the sandbox was not started")
        late = False
        try:
            process.wait(self._plan.limits.wall_s)
        except subprocess.TimeoutExpired:
            late = True
            self.kill()
            process.wait()
        # INVARIANT: nobody who could still write an output lives after this.
        self._bury()
        # Before what it printed is read to its end: the command may have sent its standard output along on a connection
        # to the proxy (SCM_RIGHTS), where it stays open for as long as nobody reads on.
        self._proxy.close()
        self._said.close()
        if self._plan.seal is not None:
            self._plan.seal.check()
        wall_s = time.monotonic() - self._begun
        return Ended(process.returncode, late, round(wall_s, 3), self._groups.peak_memory())

    def _bury(self) -> None:
        if self._first is not None:
            first, self._first = self._first, None
            try:
                first.kill()
                first.wait()
            finally:
                first.close()

    def kill(self) -> None:
        """End every process in it."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()  # the kernel ends all of its namespace with it (--die-with-parent)
        if self._first is not None:
            self._first.kill()  # unless the command took it over


def _ms(ns: int) -> float:
    return round(ns / 1_000_000, 2)
