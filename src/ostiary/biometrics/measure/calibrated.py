"""Whether log-likelihood ratios say what they mean: Cllr (Brümmer & du Preez 2006).

- Mean cost in bits of believing the ratios at even odds; 0 is perfect, 1 is what knowing nothing costs, more is harm.

>>> import numpy as np
>>> round(cllr(np.array([0.0]), np.array([0.0])), 6), round(cllr(np.array([9.0]), np.array([-9.0])), 3)
(1.0, 0.0)
"""

import numpy as np

from ostiary.biometrics.window import Floats


def cllr(genuine: Floats, impostor: Floats) -> float:
    """Return Cllr of ratios in nats, of trials of the same and of other people; NaN of none of either."""
    genuine, impostor = genuine[np.isfinite(genuine)], impostor[np.isfinite(impostor)]
    if not len(genuine) or not len(impostor):
        return float("nan")
    cost = np.logaddexp(0.0, -genuine).mean() + np.logaddexp(0.0, impostor).mean()
    return float(cost / (2 * np.log(2)))
