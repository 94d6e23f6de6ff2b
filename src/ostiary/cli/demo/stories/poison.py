"""The story ``poison``: somebody writes into the history that models learn from."""

from typing import Final

from ostiary.cli.demo.attacked import Tale, perform_attacks
from ostiary.cli.demo.scene import Ending, Scene

NAME: Final = "poison"
LEARNED: Final = False
SERVED: Final = False
SENTENCE: Final = "somebody writes into the history that models learn from"
TALE: Final = Tale(
    attacks=("poison",),
    opening=(
        "A model learns from what happened. Whoever can write into that history can teach it that his way of attacking "
        "is what honest people do, and then attack. He tries ten ways to slip one access in: unsigned, under a forged "
        "key, replayed, with a gap or a fork in the chain, spliced, changed on the way, after his key was revoked, and "
        "edited into or copied within the file."
    ),
    bare="a history is a file, and what is appended to it trains.",
    defence=(
        "only batches that a registered producer signed may train, each one after the last. What does not fit goes "
        "into quarantine, and a history that was edited is refused whole."
    ),
    left=(
        "a producer whose own key is stolen still signs. Against that sources vote (`ostiary risk train "
        "--partitions`): docs/explanation/poisoning.md says what is proven and what is only measured."
    ),
    measured="simulated batches, the true intake",
)


def perform(scene: Scene) -> Ending:
    """Play it; return whether every attack succeeds without its defence, and the defence holds."""
    return perform_attacks(scene, TALE)
