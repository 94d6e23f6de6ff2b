"""Where people lie and how far apart, feature by feature: the most likely variances, held near what the features share.

Few people type every pair often; a feature's own variances are drawn from those of its kind (holds, or pairs of keys),
as strongly as two people's logs would draw them.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ostiary.biometrics.window import Floats

Whole = npt.NDArray[np.int64]
_GRID: Final = np.exp(np.linspace(np.log(0.1), np.log(10.0), 13))
_HOLD: Final = 2.0
_BETWEEN: Final = 0.6
_DAYS: Final = 0.15
_FAR: Final = 3.0
_ENOUGH: Final = 10
_NORMAL_IQR: Final = 1.349
_QUARTILE: Final = 2.4  # variance of a quartile of n values is about so many variances of a value, by n, in heavy tails
_LEAST: Final = 1e-4


def noise_of(values: Floats, counts: Floats, holds: npt.NDArray[np.bool_]) -> Floats:
    """Return the variance that one value brings to a quartile, ``[f]``, from quartiles ``[2, n, f]``.

    Args:
        values: quick and slow quartiles of logs.
        counts: ``[n, f]``.
        holds: ``[f]``, which features are holds.
    """
    spread = ((values[1] - values[0]) / _NORMAL_IQR) ** 2
    spread[counts < _ENOUGH] = np.nan
    found = np.full(spread.shape[1], np.nan)
    some = (counts >= _ENOUGH).any(axis=0)
    found[some] = np.nanmedian(spread[:, some], axis=0)
    for kind in (holds, ~holds):
        usual = float(np.nanmedian(found[kind])) if np.isfinite(found[kind]).any() else 0.1
        found[kind] = np.where(np.isfinite(found[kind]), found[kind], usual)
    return np.maximum(_QUARTILE * found, _LEAST)


def variances(
    values: Floats, counts: Floats, people: Whole, noise: Floats, holds: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Return means, variances between people, and between a person's logs, ``[f]`` each.

    Args:
        values: one quartile of logs ``[n, f]``.
        counts: ``[n, f]``; 0 where there is no value.
        people: ``[n]``, whose log, from 0.
        noise: ``[f]``, see ``noise_of``.
        holds: ``[f]``, which features are holds.
    """
    usual = np.full(values.shape[1], np.nan)
    for place in range(values.shape[1]):
        seen = values[counts[:, place] > 0, place]
        usual[place] = seen.var() if len(seen) > 1 else np.nan
    for kind in (holds, ~holds):
        known = usual[kind][np.isfinite(usual[kind])]
        usual[kind] = max(float(np.median(known)), _LEAST) if len(known) else 0.1
    each = [
        _likeliest(values[there, place], counts[there, place], people[there], noise[place], usual[place])
        for place, there in enumerate((counts > 0).T)
    ]
    mean, person, day = np.array(each).T
    return mean, person, day


def _likeliest(values: Floats, counts: Floats, people: Whole, noise: float, usual: float) -> tuple[float, float, float]:
    person, day = _BETWEEN * usual, _DAYS * usual
    if not len(values):
        return 0.0, person, day
    weight = 1 / (noise / counts + day + person)
    middle, far = float(np.median(values)), _FAR * np.sqrt(person + 0.01)
    mean = float(np.average(np.clip(values, middle - far, middle + far), weights=weight))
    away, count = values - mean, int(people.max()) + 1
    precision = 1 / (noise / counts[None] + _GRID[:, None] * day)
    summed = np.stack([np.bincount(people, row, count) for row in precision])
    pulled = np.stack([np.bincount(people, row * away, count) for row in precision])
    alone = (np.log(precision) - precision * away**2).sum(axis=1)
    between = (_GRID * person)[None, :, None]
    shared = np.log1p(between * summed[:, None]) - pulled[:, None] ** 2 * between / (1 + between * summed[:, None])
    drawn = _HOLD * (np.log(_GRID)[:, None] ** 2 + np.log(_GRID)[None] ** 2)
    best = np.unravel_index(np.argmax(alone[:, None] - shared.sum(axis=2) - drawn), (len(_GRID), len(_GRID)))
    return mean, float(_GRID[best[1]] * person), float(_GRID[best[0]] * day)
