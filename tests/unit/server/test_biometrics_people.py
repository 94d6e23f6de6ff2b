"""What is remembered of a person's windows, and what is not held against it."""

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from ostiary.biometrics.book import Read
from ostiary.biometrics.liveness import seeing
from ostiary.biometrics.window import Content, Modality, Window
from ostiary.server.biometrics.kept import Kept
from ostiary.server.biometrics.people import Person

if TYPE_CHECKING:
    from ostiary.biometrics.model import Model

KEYS: Content = np.array([[120.0 * at, 120.0 * at + 60 + 7 * (at % 5), 1] for at in range(40)])


class Of:
    def __init__(self, modality: Modality) -> None:
        self.modality = modality


@pytest.mark.parametrize(
    ("modality", "content", "live"),
    [(Modality.KEYSTROKE, KEYS, False), (Modality.SEQUENCE, ("list get-/orders order",) * 50, True)],
)
def test_doings_that_come_again_are_no_replay(modality: Modality, content: Content, live: object) -> None:
    person = Person(Read(b"", 0, 1), Kept("sha256:1"), None, cast("Model", Of(modality)), [])
    window = seeing(Window(modality, content))
    person.live(window)
    assert person.live(window).live is live
