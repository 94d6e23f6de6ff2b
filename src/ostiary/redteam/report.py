"""The report of a run: what was attacked, by what, how it went. The same run gives the same bytes.

It holds no clock: whoever keeps it signs it with the time (``server/reports.py``).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary import __version__
from ostiary.redteam.running import Line, Ran
from ostiary.redteam.world import World

VERSION: Final = 1
KIND: Final = "redteam"


class Entry(msgspec.Struct, frozen=True):
    """One attack in the report."""

    line: Line
    describe: str
    passed: bool
    bound: float
    found: tuple[str, ...]
    notes: dict[str, Any]
    fault: str = ""


class RedTeamReport(msgspec.Struct, frozen=True):
    """Everything that a gate or a person wants to know of a run.

    Attributes:
        v: of this form.
        version: of Ostiary.
        origin: where model and history came from.
        about: digest of the model that was attacked, empty for none that was given.
        seed, tries, people, days: how it was run.
        passed: whether every attack's defence held.
        attacks: each of them.
    """

    v: int
    version: str
    origin: str
    about: str
    seed: int
    tries: int
    people: int
    days: int
    passed: bool
    attacks: tuple[Entry, ...]


def report_of(world: World, ran: Sequence[Ran], about: str = "") -> RedTeamReport:
    """Return the report of what was run; nothing run is nothing passed."""
    entries = tuple(_entry(one) for one in ran)
    scale = world.scale
    passed = bool(entries) and all(one.passed for one in entries)
    return RedTeamReport(
        VERSION, __version__, world.origin, about, world.seed, scale.tries, scale.people, scale.days, passed, entries
    )


def encode(report: RedTeamReport) -> bytes:
    """Return the report's bytes."""
    return msgspec.json.encode(report, order="sorted")


def _entry(ran: Ran) -> Entry:
    found = ran.outcome
    if found is None:
        return Entry(ran.line, ran.attack.describe, passed=False, bound=0.0, found=(), notes={}, fault=ran.fault)
    return Entry(ran.line, ran.attack.describe, found.passed, found.bound, found.guarded.found, found.notes)
