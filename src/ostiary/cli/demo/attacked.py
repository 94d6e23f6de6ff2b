"""Tells attacks of the red team as a story: what the attacker does, what comes of it without the defence and with it.

- The attacks are those of ``ostiary redteam run``, on the simulated organisation; nothing is prerecorded.
- A story names what is taken away, what stands against the attack, and what that does not do.
- It ends as told when every attack gets through without its defence more often than with it, and every defence holds.
  A defence that falls and an attack that breaks off are endings of their own, so that a script can tell them apart.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ostiary.cli.demo.scene import Ending, Scene
from ostiary.cli.demo.teller import Teller
from ostiary.redteam.attack import Outcome, Tally
from ostiary.redteam.running import Ran, chosen, run
from ostiary.redteam.world import Scale, World

SCALE: Final = Scale(people=20, days=15, tries=100)
SEED: Final = 7
_SHOWN: Final = 3
_HUNDRED: Final = 100


class Tale(msgspec.Struct, frozen=True):
    """What a story says around the figures.

    Attributes:
        attacks: names of attacks, or how they begin.
        opening: what the attacker wants.
        bare: what is left when the defence is taken away.
        defence: what stands against the attack.
        left: what the defence does not do.
        measured: on what; empty where the attack asks a model, since then the world says which.
        notes: a sentence for a figure of the attack's notes, by its name, with ``{}`` where the figure stands.
    """

    attacks: tuple[str, ...]
    opening: str
    bare: str
    defence: str
    left: str
    measured: str = ""
    notes: Mapping[str, str] = {}


def perform_attacks(scene: Scene, tale: Tale) -> Ending:
    """Play every attack of ``tale`` and return how it ended."""
    teller = scene.teller
    teller.act("What the attacker wants")
    teller.say(tale.opening)
    ran: list[Ran] = []
    with World(SEED, SCALE, tell=teller.note) as world:
        for one in run(chosen(tale.attacks), world, lambda name, fault: teller.note(f"{name}: {fault}")):
            _tell(teller, one, tale)
            ran.append(one)
        ending = ending_of(ran)
        _close(teller, ran, tale, tale.measured or world.origin, ending)
    return ending


def ending_of(ran: Sequence[Ran]) -> Ending:
    """Return how attacks ended together: broken off before fallen, fallen before as told."""
    if not ran or any(one.outcome is None for one in ran):
        return Ending.BROKE_OFF
    if not all(one.passed for one in ran):
        return Ending.DEFENCE_FELL
    return Ending.AS_TOLD if all(_needed(one.outcome) for one in ran) else Ending.BROKE_OFF


def _needed(outcome: Outcome | None) -> bool:
    """Whether more got through without the defence: one that changes nothing shows nothing."""
    return outcome is not None and outcome.without.rate > outcome.guarded.rate


def _tell(teller: Teller, one: Ran, tale: Tale) -> None:
    teller.act(f"{one.attack.name} (MITRE ATLAS {one.attack.atlas})")
    teller.say(_sentence(one.attack.describe))
    found = one.outcome
    if found is None:
        teller.say(f"\nIt broke off, which counts as a success of the attacker: {one.fault}")
        teller.keep(one.attack.name, {**msgspec.to_builtins(one.line), "holds": False, "fault": one.fault})
        return
    teller.say(f"\nWithout the defence: {tale.bare}")
    _tally(teller, found.without)
    teller.say(f"\nWith the defence: {tale.defence}")
    _tally(teller, found.guarded)
    if found.bound:
        teller.say(f"No more than {_share(found.bound)} may: that is what the defence promises.")
    teller.say(f"\nThe defence {'held' if one.passed else 'did not hold'}.")
    for name, text in tale.notes.items():
        if name in found.notes:
            teller.say(text.format(found.notes[name]))
    kept = {"describe": one.attack.describe, "holds": one.passed, "needed": _needed(found), "bound": found.bound}
    teller.keep(one.attack.name, {**msgspec.to_builtins(one.line), **kept, "notes": found.notes})


def _tally(teller: Teller, tally: Tally) -> None:
    teller.say(f"{tally.successes} of {tally.tries} tries succeed ({_share(tally.rate)}).")
    for text in tally.found[:_SHOWN]:
        teller.say(f"  - {text}")


def _close(teller: Teller, ran: Sequence[Ran], tale: Tale, origin: str, ending: Ending) -> None:
    teller.act("What to remember")
    teller.say(f"{sum(one.passed for one in ran)} of {len(ran)} defences held. Measured on: {origin}.")
    teller.say(f"What the defence does not do: {tale.left}")
    if ending is Ending.BROKE_OFF:
        teller.say("Not as told: an attack broke off, or was no worse without its defence.")
    teller.say("\nThe same against your own model and history, with a signed report:")
    teller.say("$ ostiary redteam run " + " ".join(tale.attacks))
    atlas = sorted({one.attack.atlas for one in ran})
    teller.keep("story", {"ending": ending.name.lower(), "atlas": atlas, "seed": SEED, "origin": origin})


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _share(rate: float) -> str:
    return f"{rate * _HUNDRED:.1f} %"
