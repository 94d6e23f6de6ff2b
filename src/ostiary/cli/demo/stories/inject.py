"""The story ``inject``: log lines, user agents and file names give orders to the models that read them."""

from typing import Final

from ostiary.cli.demo.attacked import perform_attacks
from ostiary.cli.demo.scene import Scene

NAME: Final = "inject"
LEARNED: Final = False
SENTENCE: Final = "log lines, user agents and file names give orders to the models that read them"
OPENING: Final = (
    "Language models read logs, tickets and file names to help analysts. All of these are written by strangers, and "
    "some are written for the model: close this case, allow this address, approve this change."
)


def perform(scene: Scene) -> bool:
    """Play it; return whether every attack succeeds without its defence, and the defence holds."""
    return perform_attacks(scene, ("injection",), OPENING)
