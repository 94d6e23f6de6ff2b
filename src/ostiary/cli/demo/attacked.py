"""Tells attacks of the red team as a story: what the attacker does, what comes of it without the defence and with it.

The attacks are those of ``ostiary redteam run``, on the simulated organisation; nothing is prerecorded.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ostiary.cli.demo.scene import Scene
from ostiary.redteam.attack import Outcome
from ostiary.redteam.running import Ran, chosen, run
from ostiary.redteam.world import Scale, World

SCALE: Final = Scale(people=30, days=20, tries=30)
SEED: Final = 7
_HUNDRED: Final = 100


def perform_attacks(scene: Scene, beginnings: Sequence[str], opening: str) -> bool:
    """Play every attack whose name begins as one of ``beginnings``; return whether each defence is needed and holds."""
    teller = scene.teller
    teller.act("What the attacker wants")
    teller.say(opening)
    faults: list[str] = []
    with World(SEED, SCALE, tell=teller.note) as world:
        ran = []
        for one in run(chosen(beginnings), world, lambda name, fault: faults.append(f"{name}: {fault}")):
            _tell(scene, one)
            ran.append(one)
        teller.act("What to remember")
        teller.say(f"{sum(one.passed for one in ran)} of {len(ran)} defences held. Measured on: {world.origin}.")
        teller.say("$ ostiary redteam run " + " ".join(beginnings) + " --json")
    for fault in faults:
        teller.say(fault)
    return bool(ran) and all(one.passed and _needed(one.outcome) for one in ran)


def _needed(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.without.rate > outcome.guarded.rate


def _tell(scene: Scene, one: Ran) -> None:
    teller, found = scene.teller, one.outcome
    teller.act(f"{one.attack.name} ({one.attack.atlas})")
    teller.say(one.attack.describe[:1].upper() + one.attack.describe[1:] + ".")
    if found is None:
        teller.say(f"It broke off: {one.fault}")
        return
    teller.say(f"Without the defence it succeeds in {_share(found.without.rate)} of {found.without.tries} tries.")
    for text in found.without.found[:3]:
        teller.say(f"  - {text}")
    teller.say(f"With it, in {_share(found.guarded.rate)} of {found.guarded.tries}.")
    for text in found.guarded.found[:3]:
        teller.say(f"  - {text}")
    for name, value in found.notes.items():
        teller.say(f"{name}: {value if isinstance(value, str | int | float) else msgspec.json.encode(value).decode()}")
    teller.keep(one.attack.name, {**msgspec.to_builtins(one.line), "holds": one.passed, "notes": found.notes})


def _share(rate: float) -> str:
    return f"{rate * _HUNDRED:.1f} %"
