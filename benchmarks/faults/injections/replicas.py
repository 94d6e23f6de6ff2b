"""One of two replicas dies, stands still or is cut off, with or without the lease on the log; the other goes on."""

import signal
import time
from collections.abc import Callable
from random import Random

from benchmarks.faults.backing import Backing
from benchmarks.faults.broken import BrokenInvariantError
from benchmarks.faults.deployment import Deployment, wait_until
from benchmarks.faults.field import PROBE_S, Field, Injection
from benchmarks.faults.scene import TENANTS

LONGEST_S = 6.0  # twice the lease
Harm = Callable[[Field, Deployment, Backing, Random], str]


class Replicas:
    """One way to treat the second replica."""

    harms_at_once = False

    def __init__(self, name: str, harm: Harm) -> None:
        """Call it ``name``."""
        self.name = name
        self._harm = harm

    def lacks(self, field: Field) -> str:
        """A second one."""
        return "" if field.sibling is not None else "of large deployments alone"

    def inject(self, field: Field, chance: Random) -> str:
        """Do it.

        Raises:
            BrokenInvariantError: ``not_recovered``, the first replica did not go on alone.
        """
        if field.sibling is None or field.backing is None:
            return self.lacks(field)
        return self._harm(field, field.sibling, field.backing, chance)


def _kill(field: Field, sibling: Deployment, backing: Backing, chance: Random) -> str:
    del backing, chance
    sibling.signal_parent(signal.SIGKILL)
    return f"kill -9; {_goes_on(field)}"


def _stop(field: Field, sibling: Deployment, backing: Backing, chance: Random) -> str:
    del backing
    hold_s = chance.uniform(0.5, LONGEST_S)
    sibling.signal_parent(signal.SIGSTOP)
    try:
        time.sleep(hold_s)
        went_on = _goes_on(field)
    finally:
        sibling.signal_parent(signal.SIGCONT)
    return f"stood still for {hold_s:.1f} s; {went_on}"


def _cut_off(field: Field, sibling: Deployment, backing: Backing, chance: Random) -> str:
    del sibling
    hold_s, silent = chance.uniform(0.5, LONGEST_S), chance.random() < 0.5  # noqa: PLR2004 - as often as not
    link = backing.siblings_link
    link.behave(held=silent, refusing=not silent)
    if not silent:
        link.cut()
    try:
        time.sleep(hold_s)
        went_on = _goes_on(field)
    finally:
        link.behave()
        link.cut()
    return f"cut off from PostgreSQL ({'silently' if silent else 'refused'}) for {hold_s:.1f} s; {went_on}"


def _goes_on(field: Field) -> str:
    """Wait until the first replica allows what it may while the second cannot help."""
    begin = time.monotonic()
    if not wait_until(lambda: all(field.allows(tenant) for tenant in TENANTS), PROBE_S):
        raise BrokenInvariantError("not_recovered", f"one replica alone does not serve within {PROBE_S} s")
    return f"the other served {time.monotonic() - begin:.1f} s later"


KINDS: list[Injection] = [
    Replicas("replica_killed", _kill),
    Replicas("replica_stopped", _stop),
    Replicas("replica_cut_off", _cut_off),
]
