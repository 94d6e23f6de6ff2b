"""Runs attacks one after the other and tells what came of each.

- All attacks that are found are run, in the order of their names; or those whose name begins as one was asked for.
- An attack that breaks off is a finding of its own (``fault``): it counts as not passed and the others go on.

>>> "padding" in {name.partition("-")[0] for name in [one.name for one in all_attacks()]} or not all_attacks()
True
"""

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.redteam import attacks
from ostiary.redteam.attack import Attack, Outcome
from ostiary.redteam.world import World

_PLACES: Final = 6


class Line(msgspec.Struct, frozen=True):
    """What ``ostiary redteam run --json`` prints for each attack; the names of its members are a public contract.

    Attributes:
        attack, atlas: name and technique.
        without, guarded: success rates, 0 to 1; the second is called ``with`` in JSON.
        n: how many tries the rate with the defence rests on.
    """

    attack: str
    atlas: str
    without: float
    guarded: float = msgspec.field(name="with")
    n: int = 0


class Ran(msgspec.Struct, frozen=True):
    """One attack that was run; ``outcome`` is ``None`` when it broke off, and ``fault`` says by what."""

    attack: Attack
    outcome: Outcome | None
    fault: str = ""

    @property
    def passed(self) -> bool:
        """Whether the defence holds."""
        return self.outcome is not None and self.outcome.passed

    @property
    def line(self) -> Line:
        """Return its line; one that broke off counts as always successful."""
        found = self.outcome
        if found is None:
            return Line(self.attack.name, self.attack.atlas, 1.0, 1.0, 0)
        rates = round(found.without.rate, _PLACES), round(found.guarded.rate, _PLACES)
        return Line(self.attack.name, self.attack.atlas, *rates, found.guarded.tries)


def all_attacks() -> list[Attack]:
    """Return every attack of the folder, in the order of names."""
    found: list[Attack] = []
    for info in pkgutil.iter_modules(attacks.__path__):
        module = import_module(f"{attacks.__name__}.{info.name}")
        one: Attack | None = getattr(module, "ATTACK", None)
        several: Sequence[Attack] = getattr(module, "ATTACKS", ())
        found += [attack.check() for attack in (*([one] if one else []), *several)]
    return sorted(found, key=lambda attack: attack.name)


def chosen(names: Iterable[str]) -> list[Attack]:
    """Return the attacks whose names begin with one of ``names``; all of them without any.

    Raises:
        FaultyInputError: ``attack_unknown``.
    """
    known, wanted = all_attacks(), tuple(names)
    for name in wanted:
        if not any(attack.name.startswith(name) for attack in known):
            raise FaultyInputError("attack_unknown", f"`{name[:80]}` is no attack: `ostiary redteam list` names them")
    return [attack for attack in known if not wanted or attack.name.startswith(wanted)]


def run(
    attacks_to_run: Iterable[Attack], world: World, on_fault: Callable[[str, BaseException], None]
) -> Iterator[Ran]:
    """Yield what came of each attack, as soon as it is known."""
    for attack in attacks_to_run:
        world.tell(f"{attack.name}: {attack.describe}")
        try:
            yield Ran(attack, attack.run(world))
        except Exception as fault:  # noqa: BLE001 - told, counted as not passed, and the others go on
            on_fault(attack.name, fault)
            yield Ran(attack, None, f"{type(fault).__name__}: {fault}"[:500])
