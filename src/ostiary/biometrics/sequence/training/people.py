"""The training people as transitions; each window is read once."""

from collections.abc import Sequence

import msgspec
import numpy as np

from ostiary.biometrics.sequence.habits import Habits
from ostiary.biometrics.sequence.tokens import Ids, Vocabulary
from ostiary.biometrics.sequence.transitions import transitions
from ostiary.biometrics.window import Floats, Modality, Window


class Person(msgspec.Struct, frozen=True):
    """One person's windows in order.

    Attributes:
        windows: as they were told.
        steps: the transitions of each, codes and weights.
    """

    windows: tuple[Window, ...]
    steps: tuple[tuple[Ids, Floats], ...]

    def habits(self, base: int, some: slice = slice(None)) -> Habits:
        """Return what the windows make, or some of them."""
        steps = self.steps[some]
        codes = np.concatenate([codes for codes, _ in steps])
        return Habits.of(codes, np.concatenate([weights for _, weights in steps]), base)


def people_of(told: Sequence[Sequence[tuple[str, ...]]], vocabulary: Vocabulary) -> list[Person]:
    """Return the people who have windows with tokens."""
    people = []
    for windows in told:
        some = [tokens for tokens in windows if tokens]
        if some:
            steps = tuple(transitions(vocabulary.ids(tokens), vocabulary.size + 1) for tokens in some)
            people.append(Person(tuple(Window(Modality.SEQUENCE, tokens) for tokens in some), steps))
    return people
