"""PostgreSQL and Valkey that crash, fail over, stand still, forget everything or cannot be reached."""

import signal
import time
from collections.abc import Callable
from random import Random

from benchmarks.faults.backing import Backing
from benchmarks.faults.field import Field, Injection


class Backings:
    """One way to treat what a large deployment stands on."""

    harms_at_once = False

    def __init__(self, name: str, harm: Callable[[Backing, Random], str]) -> None:
        """Call it ``name``."""
        self.name = name
        self._harm = harm

    def lacks(self, field: Field) -> str:
        """A large deployment."""
        return "" if field.backing is not None else "of large deployments alone"

    def inject(self, field: Field, chance: Random) -> str:
        """Do it."""
        return self._harm(field.backing, chance) if field.backing is not None else self.lacks(field)


def _restart_postgres(backing: Backing, chance: Random) -> str:
    away_s = chance.uniform(0.0, 2.0)
    backing.postgres.stop("immediate")
    time.sleep(away_s)
    backing.postgres.start()
    return f"crashed, and away for {away_s:.1f} s"


def _fail_over(backing: Backing, chance: Random) -> str:
    del chance
    backing.fail_over()
    return "crashed for good; a restored copy that held every commit took its place"


def _stop_postgres(backing: Backing, chance: Random) -> str:
    hold_s = chance.uniform(0.3, 3.0)
    count = backing.signal_postgres(signal.SIGSTOP)
    try:
        time.sleep(hold_s)
    finally:
        backing.signal_postgres(signal.SIGCONT)
    return f"{count} processes stood still for {hold_s:.1f} s"


def _crash_valkey(backing: Backing, chance: Random) -> str:
    away_s = chance.uniform(0.0, 2.0)
    backing.valkey.stop()
    time.sleep(away_s)
    backing.valkey.start()
    return f"crashed with everything it knew, and away for {away_s:.1f} s"


def _flush_valkey(backing: Backing, chance: Random) -> str:
    del chance
    backing.flush_valkey()
    return "forgot everything"


def _cut(backing: Backing, chance: Random, what: str) -> str:
    link = backing.postgres_link if what == "PostgreSQL" else backing.valkey_link
    hold_s = chance.uniform(0.3, 3.0)
    way = chance.choice(["refused", "silent", "slow"])
    link.behave(refusing=way == "refused", held=way == "silent", delay_s=0.05 if way == "slow" else 0.0)
    if way == "refused":
        link.cut()
    time.sleep(hold_s)
    link.behave()
    if way == "silent":
        link.cut()
    return f"the link to {what} was {way} for {hold_s:.1f} s"


KINDS: list[Injection] = [
    Backings("postgres_restart", _restart_postgres),
    Backings("postgres_failover", _fail_over),
    Backings("postgres_stopped", _stop_postgres),
    Backings("postgres_cut_off", lambda backing, chance: _cut(backing, chance, "PostgreSQL")),
    Backings("valkey_crash", _crash_valkey),
    Backings("valkey_flushed", _flush_valkey),
    Backings("valkey_cut_off", lambda backing, chance: _cut(backing, chance, "Valkey")),
]
