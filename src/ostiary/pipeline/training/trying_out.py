"""A sandbox for nothing but its own probes."""

from pathlib import Path

from ostiary.pipeline.training.accounts import Budget, ConnectionLog, EgressLimits
from ostiary.pipeline.training.bubblewrap import Plan
from ostiary.pipeline.training.environment import system
from ostiary.pipeline.training.limits import SandboxLimits
from ostiary.pipeline.training.pinning import Pins
from ostiary.pipeline.training.proxy import EgressProxy
from ostiary.pipeline.training.sandbox import Sandbox, Start
from ostiary.vocabulary.clock import SystemClock


def try_out(limits: SandboxLimits, cgroup: Path | None = None, bubblewrap: str = "") -> Start:
    """Start a sandbox whose command does nothing, and return how that went.

    Raises:
        RefusedError: ``training_sandbox_leaks``.
        UnavailableError: no sandbox can be had here.
    """
    egress = EgressLimits()
    log = ConnectionLog(egress)
    proxy = EgressProxy(Pins(()), Budget(0), log, egress, SystemClock(), lambda _reason, _fault: None)
    plan = Plan(system(), limits)
    with Sandbox(plan, proxy, cgroup=cgroup, bubblewrap=bubblewrap) as sandbox:
        start = sandbox.start(["/usr/bin/true"], {})
        sandbox.wait()
        return start
