"""One program over one file in a sandbox that may call nobody: how a quarantined file is converted.

It fills ``artifacts.conversion``'s Protocol ``ConversionSandbox``: the probes run here as at any start, and what comes
out is one file of bounded size, or nothing.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.training.accounts import Budget, ConnectionLog, EgressLimits
from ostiary.pipeline.training.bubblewrap import WORKSPACE, Plan
from ostiary.pipeline.training.environment import Mount, system
from ostiary.pipeline.training.limits import MIB, OUTPUTS, SandboxLimits
from ostiary.pipeline.training.outputs import collect
from ostiary.pipeline.training.pinning import Pins
from ostiary.pipeline.training.proxy import EgressProxy
from ostiary.pipeline.training.sandbox import Sandbox
from ostiary.pipeline.training.saying import Said
from ostiary.pipeline.training.staging import hand_over, staging
from ostiary.vocabulary.clock import Clock

FAILED: Final = "training_program_failed"
LIMITS: Final = SandboxLimits(memory_bytes=2048 * MIB, processes=64, wall_s=120.0, output_files=1, said_bytes=4096)


class ProgramSandbox:
    """Runs Python programs of the standard library, each over one file."""

    def __init__(
        self,
        clock: Clock,
        on_fault: Callable[[str, BaseException], None] = lambda _reason, _fault: None,
        limits: SandboxLimits = LIMITS,
        *,
        base: Path | None = None,
        bubblewrap: str = "",
    ) -> None:
        """Hold each program to ``limits``; ``base`` is where its files are written for its time."""
        self._clock = clock
        self._on_fault = on_fault
        self._limits = limits
        self._base = base
        self._bubblewrap = bubblewrap

    def run(self, program: bytes, source: bytes, target: str, max_bytes: int) -> bytes:
        """Run ``program`` with the paths of ``source`` and ``target``, and return what it wrote to the second.

        Raises:
            RefusedError: ``training_program_failed``, ``training_output_refused``, ``training_sandbox_leaks``.
            UnavailableError: no sandbox can be had here.
            FaultyInputError: ``training_command_malformed``: ``target`` is no plain name.
        """
        if not target or "/" in target or "\0" in target or target.startswith((".", "-")):
            raise FaultyInputError("training_command_malformed", f"`{target[:80]}` is no name of a file")
        limits = msgspec.structs.replace(self._limits, outputs_bytes=max(max_bytes, 1))
        command = ["python3", "-I", "-B", f"{WORKSPACE}/program.py", f"{WORKSPACE}/source", f"{OUTPUTS}/{target}"]
        with staging(self._base) as folder:
            code = folder / "code"
            code.mkdir()
            (code / "program.py").write_bytes(program)
            (code / "source").write_bytes(source)
            return self._run(command, limits, folder, target)

    def _run(self, command: list[str], limits: SandboxLimits, folder: Path, target: str) -> bytes:
        egress = EgressLimits(bytes_up=0)
        proxy = EgressProxy(Pins(()), Budget(0), ConnectionLog(egress), egress, self._clock, self._on_fault)
        said = Said(limits.said_bytes)
        plan = Plan(system(), limits, (Mount(str(folder / "code"), WORKSPACE),))
        with Sandbox(plan, proxy, said=said, bubblewrap=self._bubblewrap) as sandbox, staging(self._base) as taken:
            hand_over(folder, sandbox.user)
            sandbox.start(command, {})
            ended = sandbox.wait()
            if ended.status or ended.timed_out:
                raise RefusedError(FAILED, f"the program {_why(said.kept, timed_out=ended.timed_out)}")
            outputs = collect(sandbox.outputs, taken / "outputs", limits)
            if [one.name for one in outputs] != [target]:
                raise RefusedError(FAILED, "the program did not write the one file that it should")
            return (taken / "outputs" / target).read_bytes()


def _why(said: bytes, *, timed_out: bool) -> str:
    if timed_out:
        return "took too long"
    words = said.decode("utf-8", "replace").strip().splitlines()[-1:]
    told = "".join(one if one.isprintable() else " " for one in "".join(words))[:200]
    return f"failed: {told}" if told else "failed"
