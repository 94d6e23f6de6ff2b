"""What every model of a person's behaviour can do, whatever it is made of.

- ``embed`` once a window; ``enrol`` once a person; ``scores`` is then a small matrix product.
- A template sees the windows of its own person and what the model learned of others; never other enrolled people.
- Everything is pure and deterministic; odd windows give rows of NaN, which judge nothing, and never raise.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ostiary.biometrics.window import Floats, Modality, Window


class Template(msgspec.Struct, frozen=True):
    """What is kept of a person: numbers that the model alone can read.

    Attributes:
        centre: float64 ``[r, d]``, the model's own form (a mean direction, counts, means and spreads).
        windows: from how many windows it was made.
        sessions: from how many sessions these came; 0 where nobody said.
    """

    centre: Floats
    windows: int
    sessions: int = 0


class Model(Protocol):
    """A loaded, verified model of one modality."""

    @property
    def modality(self) -> Modality:
        """Which windows it reads."""
        ...

    @property
    def digest(self) -> str:
        """Digest of the model artefact, ``sha256:…``."""
        ...

    def embed(self, windows: Sequence[Window]) -> Floats:
        """Return one row a window, ``[n, d]``; NaN where there is too little to judge. Long ones are cut and pooled."""
        ...

    def enrol(self, rows: Floats, sessions: int = 0) -> Template:
        """Return the template of the person whose windows these are; rows of NaN are left out.

        Raises:
            FaultyInputError: ``enrolment_empty``, when no row can be used.
        """
        ...

    def scores(self, template: Template, rows: Floats) -> Floats:
        """Return one score a row, ``[n]``, normalised against the model's own cohort: more is likelier the same person.

        NaN where a row is NaN. Scores of different templates can be compared: one threshold serves everybody.
        """
        ...

    def llr(self, score: float, enrolled: int, windows: int) -> float:
        """Return ln p(same) / p(other), capped, of a mean score over ``windows`` against a template of ``enrolled``."""
        ...

    def moved(self, template: Template, row: Floats, share: float) -> Template:
        """Return the template moved towards ``row`` by ``share`` of the way (0 to 1)."""
        ...

    def apart(self, one: Template, other: Template) -> float:
        """Return how far two templates lie apart, in deviations of a person's own windows; 0 when equal."""
        ...
