"""S-norm and AS-norm: a score in deviations of what a fixed cohort of other people gets.

- The *template side* asks how alike strangers' windows are to this template; the *probe side*, how alike this window is
  to strangers' templates. S-norm is the mean of both; AS-norm looks at the most alike of the cohort only.
- The cohort is part of the model. Nothing of other enrolled people is ever looked at.
- More is likelier the same person, before and after.

>>> import numpy as np
>>> s_norm(np.array([2.0]), np.array([0.0, 1.0, -1.0]), np.array([[0.0, 1.0, -1.0]])).round(3).tolist()
[2.449]
"""

from typing import Final

import numpy as np

from ostiary.biometrics.window import Floats

FLOOR: Final = 1e-3


def s_norm(raw: Floats, of_template: Floats, of_probes: Floats, top: int = 0) -> Floats:
    """Return the normalised scores ``[n]``; NaN where ``raw`` is.

    Args:
        raw: scores ``[n]`` of one template against ``n`` windows.
        of_template: scores ``[k]`` of the template against the cohort.
        of_probes: scores ``[n, k]`` of the windows against the cohort.
        top: how many of the highest cohort scores count on each side (AS-norm); 0 for all of them (S-norm).
    """
    low, wide = spread(of_template[None, :], top)
    lows, wides = spread(of_probes, top)
    return by_spreads(raw, (low[0], wide[0]), (lows, wides))


def by_spreads(raw: Floats, of_template: tuple[float, float], of_probes: tuple[Floats, Floats]) -> Floats:
    """Return the normalised scores from spreads that were worked out before (``spread``)."""
    normal: Floats = 0.5 * ((raw - of_template[0]) / of_template[1] + (raw - of_probes[0]) / of_probes[1])
    return normal


def spread(scores: Floats, top: int = 0) -> tuple[Floats, Floats]:
    """Return mean and deviation of each row's ``top`` highest scores, all of them without ``top``.

    A deviation is at least ``FLOOR``: a cohort that agrees to the last digit does not make every score endless.
    """
    count = scores.shape[1]
    chosen = scores if not 0 < top < count else np.partition(scores, count - top, axis=1)[:, count - top :]
    return chosen.mean(axis=1), np.maximum(chosen.std(axis=1), FLOOR)
