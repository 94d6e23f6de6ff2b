"""The learned function in ONNX: rows of numbers in, one row of numbers out each; one thread, a bounded batch at a time.

- The encoder reads ``[n, 11, 128]`` and gives ``[n, 64]``; the forest reads actions ``[n, 55]`` and gives one raw score
  for each person of the training, ``[n, people]``.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError, UnavailableError

INPUT: Final = "pointer"
OUTPUT: Final = "told"
MOST_BYTES: Final = 1 << 20
_BATCH: Final = 256
_FATAL: Final = 4


class Network:
    """An opened graph; safe for several threads."""

    def __init__(self, graph: bytes, shape: tuple[int, ...]) -> None:
        """Open a graph that reads rows of ``shape``.

        Raises:
            FaultyInputError: ``biometrics_model_malformed``.
            UnavailableError: ``biometrics_extra_missing``.
        """
        self._session = _opened(graph)
        given, made = self._session.get_inputs(), self._session.get_outputs()
        if [one.name for one in given] != [INPUT] or tuple(given[0].shape[1:]) != shape:
            raise _malformed("reads another input")
        if [one.name for one in made] != [OUTPUT] or len(made[0].shape) != 2:  # noqa: PLR2004 - rows of numbers
            raise _malformed("gives another output")
        self.size = int(self._run(np.zeros((1, *shape), dtype=np.float32)).shape[1])

    def told(self, rows: npt.NDArray[np.float32]) -> Floats:
        """Return what the graph says of each row, ``[n, size]``."""
        parts = [self._run(rows[at : at + _BATCH]) for at in range(0, len(rows), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.size))

    def _run(self, rows: npt.NDArray[np.float32]) -> Floats:
        try:
            found: Floats = self._session.run([OUTPUT], {INPUT: rows})[0].astype(np.float64)
        except Exception as fault:  # types of its own, without a common root
            raise _malformed("cannot be run") from fault
        return found


def _opened(graph: bytes) -> Any:
    if len(graph) > MOST_BYTES:
        raise _malformed(f"is larger than {MOST_BYTES:,} bytes")
    try:
        import onnxruntime  # noqa: PLC0415 - the extra `biometrics`
    except ImportError as fault:
        text = "pointer models need the biometrics extra: pip install 'ostiary[biometrics]'"
        raise UnavailableError("biometrics_extra_missing", text) from fault
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # types of its own, without a common root
        raise _malformed("cannot be opened") from fault


def _malformed(text: str) -> FaultyInputError:
    return FaultyInputError("biometrics_model_malformed", f"the model's network {text}")
