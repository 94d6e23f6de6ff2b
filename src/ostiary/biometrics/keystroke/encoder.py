"""The network in ONNX: channels of pieces in, one embedding a piece out; one thread, a bounded batch at a time."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ostiary.biometrics.graph import malformed, opened
from ostiary.biometrics.keystroke.tensor import INPUTS, PIECE, Tensor, batch
from ostiary.biometrics.window import Floats

INPUT: Final = "keys"
OUTPUT: Final = "embedding"
_BATCH: Final = 64


class Encoder:
    """An opened network; safe for several threads."""

    def __init__(self, graph: bytes) -> None:
        """Open it.

        Raises:
            FaultyInputError: ``biometrics_model_malformed``.
            UnavailableError: ``biometrics_extra_missing``.
        """
        self._session = opened(graph)
        given, made = self._session.get_inputs(), self._session.get_outputs()
        if [one.name for one in given] != [INPUT] or list(given[0].shape[1:]) != [INPUTS, PIECE]:
            raise malformed("reads another input")
        if [one.name for one in made] != [OUTPUT] or len(made[0].shape) != 2 or not isinstance(made[0].shape[1], int):  # noqa: PLR2004 - pieces by numbers
            raise malformed("gives another output")
        self.size = int(made[0].shape[1])

    def embeddings(self, tables: Sequence[Tensor]) -> Floats:
        """Return one embedding a piece, ``[n, size]``."""
        parts = [self._some(tables[at : at + _BATCH]) for at in range(0, len(tables), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.size))

    def _some(self, tables: Sequence[Tensor]) -> Floats:
        found: Floats = self._session.run([OUTPUT], {INPUT: batch(tables)})[0].astype(np.float64)
        return found
