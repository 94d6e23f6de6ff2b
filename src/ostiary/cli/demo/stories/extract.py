"""The story ``extract``: somebody asks until he has a copy of the model, and then knows what it will not see."""

from typing import Final

from ostiary.cli.demo.attacked import perform_attacks
from ostiary.cli.demo.scene import Scene

NAME: Final = "extract"
LEARNED: Final = False
SENTENCE: Final = "somebody asks until he has a copy of the model, and then knows what it will not see"
OPENING: Final = (
    "Each answer tells a little of where the boundary runs. With enough answers, spread over identities and devices, a "
    "thief trains a model of his own and tries his attack on it until it passes, without anybody watching."
)


def perform(scene: Scene) -> bool:
    """Play it; return whether every attack succeeds without its defence, and the defence holds."""
    return perform_attacks(scene, ("extraction",), OPENING)
