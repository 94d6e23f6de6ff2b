"""Processes that are killed, stopped, or told to go in the middle of everything."""

import signal
import time
from collections.abc import Callable
from random import Random

from benchmarks.faults.broken import BrokenInvariantError
from benchmarks.faults.deployment import wait_until
from benchmarks.faults.field import Field, Injection

END_S = 60.0


class Processes:
    """One way to treat the processes of a deployment; ``harm`` does it."""

    def __init__(self, name: str, harm: Callable[[Field, Random], str], *, at_once: bool = True) -> None:
        """Call it ``name``."""
        self.name = name
        self.harms_at_once = at_once
        self._harm = harm

    def lacks(self, field: Field) -> str:
        """Nothing is needed."""
        del field
        return ""

    def inject(self, field: Field, chance: Random) -> str:
        """Do it."""
        return self._harm(field, chance)


def _kill_worker(field: Field, chance: Random) -> str:
    del chance
    return f"kill -9 of worker {field.deployment.signal_worker(signal.SIGKILL)}"


def _kill_parent(field: Field, chance: Random) -> str:
    del chance
    starts = field.deployment.starts
    field.deployment.signal_parent(signal.SIGKILL)
    _wait_started(field, starts)
    return "kill -9 of the supervisor"


def _kill_both(field: Field, chance: Random) -> str:
    starts = field.deployment.starts
    field.deployment.signal_parent(signal.SIGKILL)
    time.sleep(chance.uniform(0.0, 0.05))
    field.deployment.signal_worker(signal.SIGKILL)
    _wait_started(field, starts)
    return "kill -9 of both"


def _kill_twice(field: Field, chance: Random) -> str:
    first = field.deployment.signal_worker(signal.SIGKILL)
    time.sleep(chance.uniform(0.2, 2.0))
    field.deployment.signal_worker(signal.SIGKILL)
    return f"kill -9 of worker {first} and, while it starts, of its successor"


def _stop_worker(field: Field, chance: Random) -> str:
    hold_s = chance.uniform(0.3, 3.0)
    worker = field.deployment.signal_worker(signal.SIGSTOP)
    time.sleep(hold_s)
    field.deployment.signal_worker(signal.SIGCONT)
    return f"worker {worker} stood still for {hold_s:.1f} s"


def _stop_parent(field: Field, chance: Random) -> str:
    hold_s = chance.uniform(0.3, 2.0)
    field.deployment.signal_parent(signal.SIGSTOP)
    field.deployment.signal_worker(signal.SIGKILL)
    time.sleep(hold_s)
    field.deployment.signal_parent(signal.SIGCONT)
    return f"the supervisor stood still for {hold_s:.1f} s, its worker was killed meanwhile"


def _renew(field: Field, chance: Random) -> str:
    del chance
    worker = field.deployment.worker
    field.deployment.signal_parent(signal.SIGHUP)
    _wait_replaced(field, worker)
    return "told to replace its worker"


def _renew_and_kill(field: Field, chance: Random) -> str:
    field.deployment.signal_parent(signal.SIGHUP)
    time.sleep(chance.uniform(0.5, 2.5))
    field.deployment.signal_worker(signal.SIGKILL)
    return "told to replace its worker, and one killed in between"


def _terminate(field: Field, chance: Random) -> str:
    del chance
    ended = field.deployment.served
    field.deployment.signal_parent(signal.SIGTERM)
    code = ended.wait(END_S)
    if code != 0:
        raise BrokenInvariantError("not_recovered", f"told to end it ended with {code}")
    return "told to end"


def _wait_started(field: Field, starts: int) -> None:
    if not wait_until(lambda: field.deployment.starts > starts and field.deployment.served.url, END_S):
        raise BrokenInvariantError("not_recovered", f"no supervisor started in {END_S} s")


def _wait_replaced(field: Field, worker: int) -> None:
    served = field.deployment.served
    if not wait_until(lambda: field.deployment.worker and not served.is_alive(worker), END_S):
        raise BrokenInvariantError("not_recovered", f"worker {worker} was not replaced in {END_S} s")


KINDS: list[Injection] = [
    Processes("kill_worker", _kill_worker),
    Processes("kill_supervisor", _kill_parent),
    Processes("kill_both", _kill_both),
    Processes("kill_worker_twice", _kill_twice),
    Processes("stop_worker", _stop_worker, at_once=False),
    Processes("stop_supervisor", _stop_parent, at_once=False),
    Processes("replace_worker", _renew),
    Processes("replace_and_kill", _renew_and_kill),
    Processes("terminate", _terminate),
]
