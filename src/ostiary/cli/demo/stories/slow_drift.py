"""The story ``slow-drift``: somebody moves his habits by a little every day, until taking everything looks usual."""

from typing import Final

from ostiary.cli.demo.attacked import perform_attacks
from ostiary.cli.demo.scene import Scene

NAME: Final = "slow-drift"
LEARNED: Final = False
SENTENCE: Final = "somebody moves his habits by a little every day, until taking everything looks usual"
OPENING: Final = (
    "An insider, or whoever has his account, wants the whole customer list. All at once would be noticed. So each day "
    "he takes a little more than the day before, and lets the profile that watches him learn that this is what he does."
)


def perform(scene: Scene) -> bool:
    """Play it; return whether every attack succeeds without its defence, and the defence holds."""
    return perform_attacks(scene, ("drift",), OPENING)
