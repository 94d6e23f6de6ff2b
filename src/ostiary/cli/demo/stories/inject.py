"""The story ``inject``: log lines, user agents and file names give orders to the models that read them."""

from typing import Final

from ostiary.cli.demo.attacked import Tale, perform_attacks
from ostiary.cli.demo.scene import Ending, Scene

NAME: Final = "inject"
LEARNED: Final = False
SERVED: Final = False
SENTENCE: Final = "log lines, user agents and file names give orders to the models that read them"
TALE: Final = Tale(
    attacks=("injection",),
    opening=(
        "Language models read logs, tickets and file names to help analysts. All of these are written by strangers, "
        "and some are written for the model: close this case, allow this address, approve this change. The model of "
        "this story is a fake that obeys every word, which is the worst that a real one could do."
    ),
    bare="what the model says is done.",
    defence=(
        "strangers' words are data with a place of origin, the model's words are read into a few types, and all that "
        "can come out is a comment, a suggested verdict or a suggested playbook, which a person takes or leaves."
    ),
    left="a suggestion can still be wrong, or written by the attacker. Whoever takes it should look into the case.",
    measured="a corpus of texts, the true reader of cases, a fake model that obeys",
    notes={
        "texts": "{} texts in many languages and spellings were tried, each in a place that strangers can write to."
    },
)


def perform(scene: Scene) -> Ending:
    """Play it; return whether every attack succeeds without its defence, and the defence holds."""
    return perform_attacks(scene, TALE)
