"""Padding, the "good word" attack: harmless accesses of the victim's own habits, added before and among the attack.

Defence: a model that looks at nothing that added accesses can lower (``signals.padding``), with habits that have
settled (``signals.settled``). Bound: not one access that is caught without padding passes with it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.padding_models import attacked, sides_of
from ostiary.redteam.padding_search import Found
from ostiary.redteam.world import World

_SHOWN: Final = 5


def _run(world: World, *, greedy: bool) -> Outcome:
    name = "padding-greedy" if greedy else "padding-random"
    told = [attacked(world, name, side, greedy=greedy) for side in sides_of(world)]
    notes = {
        "attacks": len(told[1]),
        "attacks_evaded": sum(one.evaded for one in told[1]),
        "attacks_evaded_without": sum(one.evaded for one in told[0]),
    }
    return Outcome(without=_tally(told[0]), guarded=_tally(told[1]), notes=notes)


def _tally(some: Sequence[Found]) -> Tally:
    """Count caught accesses, and those that one padding took below the threshold."""
    words = tuple(
        f"{one.lowered} of {one.caught} accesses; worst {one.worst_before:.2f} to {one.worst_after:.2f}"
        for one in some
        if one.lowered
    )
    return Tally(sum(one.caught for one in some), sum(one.lowered for one in some), words[:_SHOWN])


def _attack(name: str, how: str, run: Callable[[World], Outcome]) -> Attack:
    text = f"Adds accesses that look like the victim's own, {how}, until the attack looks harmless."
    return Attack(name, "AML.T0015", text, run, frozenset({"model"}))


ATTACKS: Final = (
    _attack("padding-greedy", "a handful at a time where they help most", partial(_run, greedy=True)),
    _attack("padding-random", "any number anywhere", partial(_run, greedy=False)),
)
