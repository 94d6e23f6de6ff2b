"""A person's logs in one number a feature, so that ten thousand templates stay small.

A number holds both quartiles in steps of 1/2048, the count and the number of logs: 14, 14, 16 and 8 bits, exact in a
float64. 0 means that the person has no values of the feature.
"""

from typing import Final

import numpy as np

from ostiary.biometrics.digraphs.summary import Logs
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

_STEP: Final = 2_048.0
_VALUE: Final = 1 << 14
_COUNT: Final = 1 << 16
_LOGS: Final = 1 << 8


def packed(some: Logs) -> Floats:
    """Return templates ``[n, f]``."""
    quick, slow = np.clip(np.round(some.values * _STEP), 1, _VALUE - 1)
    counts = np.clip(np.round(some.counts), 0, _COUNT - 1)
    logs = np.clip(np.round(some.logs), 0, _LOGS - 1)
    whole: Floats = np.where(counts * logs > 0, ((quick * _VALUE + slow) * _COUNT + counts) * _LOGS + logs, 0.0)
    return whole


def unpacked(numbers: Floats, features: int) -> Logs:
    """Return the logs in templates ``[n, f]``.

    Raises:
        FaultyInputError: ``template_malformed``.
    """
    fine = numbers.ndim == 2 and numbers.shape[1] == features and np.isfinite(numbers).all()  # noqa: PLR2004 - a table
    if not fine or (numbers < 0).any() or (numbers >= float(_VALUE * _VALUE * _COUNT * _LOGS)).any():
        raise FaultyInputError("template_malformed", "the template holds no typing of the model's features")
    rest, logs = np.divmod(np.floor(numbers), _LOGS)
    rest, counts = np.divmod(rest, _COUNT)
    quick, slow = np.divmod(rest, _VALUE)
    there = (counts > 0) & (logs > 0)
    values = np.where(there, np.stack([quick, slow]) / _STEP, 0.0)
    return Logs(values, np.where(there, counts, 0.0), np.where(there, logs, 0.0))
