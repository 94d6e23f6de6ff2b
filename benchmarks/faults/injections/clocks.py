"""Clocks that jump, and keys and tokens that are over."""

import signal
import time
from random import Random

from benchmarks.faults.broken import BrokenInvariantError
from benchmarks.faults.deployment import wait_until
from benchmarks.faults.field import Field, Injection

START_S = 60.0
HOUR_S = 3600
DAY_S = 86_400


class ClockJump:
    """The wall clock jumps and jumps back; the log must go on, and nothing that ended may come back."""

    harms_at_once = False

    def __init__(self, name: str, sign: int) -> None:
        """Jump ahead (1) or back (-1) first."""
        self.name = name
        self._sign = sign

    def lacks(self, field: Field) -> str:
        """The shim."""
        return "" if field.shim is not None else "there is no C compiler for the shim"

    def inject(self, field: Field, chance: Random) -> str:
        """Jump and, after a while, back."""
        if field.shim is None:
            return self.lacks(field)
        by_s = self._sign * chance.choice([5, 90, HOUR_S, DAY_S, 10 * DAY_S, 400 * DAY_S])
        field.shim.clock_s = by_s
        time.sleep(chance.uniform(0.5, 2.0))
        field.shim.clock_s = 0
        return f"{by_s:+d} s"


class IssuerKeysGone:
    """An issuer's keys are replaced by others and come back: tokens count again only then."""

    name = "issuer_keys_gone"
    harms_at_once = False

    def lacks(self, field: Field) -> str:
        """Nothing is needed."""
        del field
        return ""

    def inject(self, field: Field, chance: Random) -> str:
        """Take the keys away, let a worker start without them, ask, and put them back."""
        tenant = chance.choice(list(field.keys))
        path = field.scene.key_set(tenant)
        good = path.read_text()
        path.write_text('{"keys": []}')
        try:
            worker = field.deployment.signal_worker(signal.SIGKILL)
            if not wait_until(lambda: field.deployment.worker not in {0, worker} and field.ready(), START_S):
                raise BrokenInvariantError("not_recovered", "no worker started while an issuer had no keys")
            if field.allows(tenant):
                raise BrokenInvariantError("loosened", "a token was believed whose issuer has no keys")
        finally:
            path.write_text(good)
        return f"key set of tenant {tenant} was empty"


KINDS: list[Injection] = [ClockJump("clock_ahead", 1), ClockJump("clock_back", -1), IssuerKeysGone()]
