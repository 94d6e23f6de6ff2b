"""Links that are cut, silent, slow or broken in the middle of an answer."""

import time
from random import Random

from benchmarks.faults.field import Field, Injection


class BadLink:
    """The link of some callers misbehaves for a while."""

    harms_at_once = False

    def __init__(self, name: str) -> None:
        """Misbehave as ``name`` says."""
        self.name = name

    def lacks(self, field: Field) -> str:
        """Nothing is needed."""
        del field
        return ""

    def inject(self, field: Field, chance: Random) -> str:
        """Misbehave, then be good again."""
        link, hold_s = field.link, chance.uniform(0.3, 1.5)
        if self.name == "network_cut":
            link.behave(refusing=True)
            words = f"{link.cut()} connections broken, new ones refused"
        elif self.name == "network_silent":
            link.behave(held=True)
            words = "nothing is passed on"
        elif self.name == "network_slow":
            delay_s = chance.choice([0.05, 0.2, 0.5])
            link.behave(delay_s=delay_s)
            words = f"{delay_s} s a piece"
        else:
            budget = chance.randrange(1, 20_000)
            link.behave(budget=budget)
            words = f"broken after {budget} bytes, in the middle of whatever they were"
        time.sleep(hold_s)
        link.behave()
        if self.name != "network_slow":
            link.cut()
        return f"{words}, for {hold_s:.1f} s"


KINDS: list[Injection] = [BadLink(name) for name in ("network_cut", "network_silent", "network_slow", "network_lossy")]
