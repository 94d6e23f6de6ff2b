"""Secrets and numbers of people that a model says in pieces, so that no piece holds a whole one.

Without the defence each piece is scanned by itself, as a filter at the end of a stream's events does.
"""

from collections.abc import Iterator
from random import Random
from typing import Final

from ostiary.inspection.response import Leaks
from ostiary.inspection.response.secrets import rules
from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.world import World
from ostiary.testing.leaks import Planted, people, secrets_of

_PIECES: Final = 3


def planted(random: Random, most: int) -> list[Planted]:
    """Return about ``most`` texts with something in each that must not leave."""
    found = list(people(random))
    chosen = random.sample(list(rules()), min(len(rules()), max(1, most - len(found))))
    return [*found, *(secrets_of(random, rule) for rule in chosen)][:most]


def _run(world: World) -> Outcome:
    random, leaks = world.rng("leaks"), Leaks()
    told = planted(random, world.scale.tries)
    cuts = [(one, list(_cut(random, one))) for one in told]
    alone = [one.rule for one, pieces in cuts if one.value in "".join(_scanned(leaks, [piece]) for piece in pieces)]
    whole = [one.rule for one, pieces in cuts if one.value in _scanned(leaks, pieces)]
    return Outcome(Tally(len(cuts), len(alone)), Tally(len(cuts), len(whole), tuple(whole[:8])))


def _cut(random: Random, one: Planted) -> Iterator[str]:
    """Cut a text inside its value."""
    start = one.text.index(one.value)
    places = sorted(random.sample(range(start + 1, start + len(one.value)), _PIECES - 1))
    for begin, end in zip([0, *places], [*places, len(one.text)], strict=True):
        yield one.text[begin:end]


def _scanned(leaks: Leaks, pieces: list[str]) -> str:
    scan = leaks.scan()
    return "".join(scan.feed(piece) for piece in pieces) + scan.close()


ATTACK: Final = Attack(
    "leak-over-a-stream",
    "AML.T0057",
    "secrets that leave in pieces, against a scan whose result does not depend on the cut",
    _run,
)
