"""The story ``poison``: somebody writes into the history that models learn from."""

from typing import Final

from ostiary.cli.demo.attacked import perform_attacks
from ostiary.cli.demo.scene import Scene

NAME: Final = "poison"
LEARNED: Final = False
SENTENCE: Final = "somebody writes into the history that models learn from"
OPENING: Final = (
    "A model learns from what happened. Whoever can write into that history, or owns a few of its sources, can teach "
    "it that his way of attacking is what honest people do, and then attack."
)


def perform(scene: Scene) -> bool:
    """Play it; return whether every attack succeeds without its defence, and the defence holds."""
    return perform_attacks(scene, ("poison",), OPENING)
