"""The learned function in ONNX: rows of numbers in, one row of numbers out each; one thread, a bounded batch at a time.

- The encoder reads ``[n, 11, 128]`` and gives ``[n, 64]``; the forest reads actions ``[n, 55]`` and gives one raw score
  for each person of the training, ``[n, people]``.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.graph import malformed, opened
from ostiary.biometrics.window import Floats

INPUT: Final = "pointer"
OUTPUT: Final = "told"
_BATCH: Final = 256


class Network:
    """An opened graph; safe for several threads."""

    def __init__(self, graph: bytes, shape: tuple[int, ...]) -> None:
        """Open a graph that reads rows of ``shape``.

        Raises:
            FaultyInputError: ``biometrics_model_malformed``.
            UnavailableError: ``biometrics_extra_missing``.
        """
        self._session = opened(graph)
        given, made = self._session.get_inputs(), self._session.get_outputs()
        if [one.name for one in given] != [INPUT] or tuple(given[0].shape[1:]) != shape:
            raise malformed("reads another input")
        if [one.name for one in made] != [OUTPUT] or len(made[0].shape) != 2:  # noqa: PLR2004 - rows of numbers
            raise malformed("gives another output")
        self.size = int(self._run(np.zeros((1, *shape), dtype=np.float32)).shape[1])

    def told(self, rows: npt.NDArray[np.float32]) -> Floats:
        """Return what the graph says of each row, ``[n, size]``."""
        parts = [self._run(rows[at : at + _BATCH]) for at in range(0, len(rows), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.size))

    def _run(self, rows: npt.NDArray[np.float32]) -> Floats:
        try:
            found: Floats = self._session.run([OUTPUT], {INPUT: rows})[0].astype(np.float64)
        except Exception as fault:  # types of its own, without a common root
            raise malformed("cannot be run") from fault
        return found
