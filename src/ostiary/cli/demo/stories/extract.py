"""The story ``extract``: somebody asks until he has a copy of the model, and then knows what it will not see."""

from typing import Final

from ostiary.cli.demo.attacked import Tale, perform_attacks
from ostiary.cli.demo.scene import Ending, Scene

NAME: Final = "extract"
LEARNED: Final = False
SERVED: Final = False
SENTENCE: Final = "somebody asks until he has a copy of the model, and then knows what it will not see"
TALE: Final = Tale(
    attacks=("extraction",),
    opening=(
        "Each answer tells a little of where the boundary runs. With enough answers, spread over names and devices, a "
        "thief trains a model of his own and tries his attack on it until it passes, without anybody watching. A try "
        "is one question halfway between two answers; it succeeds when it is answered."
    ),
    bare="every question is answered, as often as he likes.",
    defence=(
        "he hears what is to be done and never a score, and questions that map have budgets by name, key, network and "
        "tenant. (The story's budgets are small, as its organisation is.)"
    ),
    left=(
        "it holds the number of questions that map. Plain questions stay free, since accounts are for asking, and his "
        "copy learns from those as much or more: beside the bound it need not agree less. Names that are easy to get "
        "buy more questions. docs/explanation/extraction.md has figures on real behaviour."
    ),
    notes={
        "questions": "Each copy was trained on {} answers: whoever is refused asks something plain instead.",
        "near_without": "Beside the bound, where guessing agrees on 0.5, the copy agrees on {} without the defence",
        "near_with": "and on {} with it.",
    },
)


def perform(scene: Scene) -> Ending:
    """Play it; return whether every attack succeeds without its defence, and the defence holds."""
    return perform_attacks(scene, TALE)
