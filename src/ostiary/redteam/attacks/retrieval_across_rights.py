"""Questions to a retrieval index whose rights change under the asker: does a passage come that he may not read?

Without the defence the same index is searched first and nobody filters: what an index without rights in its query
gives to whoever asks.
"""

from typing import Final

from ostiary.redteam.attack import Attack, Outcome, Tally
from ostiary.redteam.world import World
from ostiary.testing.retrieval_world import World as Rights

_CHECKS: Final = 10


def _run(world: World) -> Outcome:
    rights = Rights(world.seed)
    found = rights.run(world.scale.tries * _CHECKS)
    bare = rights.unguarded(world.scale.tries)
    return Outcome(
        Tally(bare.passages, bare.forbidden), Tally(found.passages, found.forbidden), notes={"searches": found.checks}
    )


ATTACK: Final = Attack(
    "retrieval-across-rights",
    "AML.T0085.000",
    "questions while rights change, against rights that are part of the query",
    _run,
)
