"""A wire between two network namespaces that loses packets, or is pulled."""

import time
from random import Random

from benchmarks.faults.field import Field, Injection


class BadWire:
    """What crosses the wire does not all arrive, for a while. Nobody is told: TCP sends again, or waits."""

    harms_at_once = False

    def __init__(self, name: str) -> None:
        """Do as ``name`` says."""
        self.name = name

    def lacks(self, field: Field) -> str:
        """Another namespace."""
        return "" if field.wire is not None else "needs root, `ip` and `nft`"

    def inject(self, field: Field, chance: Random) -> str:
        """Do harm, then mend the wire."""
        if field.wire is None:
            return self.lacks(field)
        hold_s = chance.uniform(0.5, 3.0)
        if self.name == "wire_pulled":
            field.wire.pull()
            words = "pulled"
        else:
            ways = {"the callers": field.far_port, **(field.backing.far_ports if field.backing is not None else {})}
            whose, percent = chance.choice(sorted(ways)), chance.choice([5, 20, 40])
            field.wire.lose(ways[whose], percent)
            words = f"{percent} % of the packets of {whose} were lost"
        try:
            time.sleep(hold_s)
        finally:
            field.wire.mend()
        return f"{words}, for {hold_s:.1f} s"


KINDS: list[Injection] = [BadWire(name) for name in ("packets_lost", "wire_pulled")]
