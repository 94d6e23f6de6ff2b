"""What an attack is: a name, a technique of MITRE ATLAS, and how often it succeeds with its defence and without.

Rules:

- An attack is one file of ``redteam/attacks`` with an ``ATTACK``; it is found by looking into the folder.
- It attacks the product's own code, never a copy. ``without`` is the same product with that one defence taken away.
- Everything random comes from ``World.rng``: the same seed and the same product give the same figures.
- A rate is successes over tries, each try told what it was about in ``Tally.found`` so that a person can look.

>>> Tally(tries=4, successes=1).rate
0.25
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.redteam.world import World


class Tally(msgspec.Struct, frozen=True):
    """How often something succeeded.

    Attributes:
        tries, successes: how many.
        found: what succeeded, the first few, in words.
    """

    tries: int
    successes: int
    found: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Successes over tries; nothing tried is no success."""
        return self.successes / self.tries if self.tries else 0.0


class Outcome(msgspec.Struct, frozen=True):
    """What came of one attack.

    Attributes:
        without, guarded: without the defence and with it.
        bound: the highest rate with the defence that still passes.
        notes: further figures, plain values, for the report.
    """

    without: Tally
    guarded: Tally
    bound: float = 0.0
    notes: dict[str, Any] = {}

    @property
    def passed(self) -> bool:
        """Whether the defence holds: something was tried, and no more succeeded than the bound allows."""
        return self.guarded.tries > 0 and self.guarded.rate <= self.bound


class Attack(msgspec.Struct, frozen=True):
    """One attack.

    Attributes:
        name: stable, such as ``padding-greedy``.
        atlas: technique of MITRE ATLAS, such as ``AML.T0015``.
        describe: one sentence: what the attacker does, and what stands against it.
        run: does it.
        needs: extras or files without which it cannot run, such as ``model``.
    """

    name: str
    atlas: str
    describe: str
    run: Callable[[World], Outcome]
    needs: frozenset[str] = frozenset()

    def check(self) -> "Attack":
        """Return itself.

        Raises:
            FaultyInputError: ``attack_invalid``.
        """
        if not self.name or not self.atlas.startswith("AML.T") or not self.describe:
            raise FaultyInputError("attack_invalid", f"`{self.name[:80]}` has no name, technique or description")
        return self
