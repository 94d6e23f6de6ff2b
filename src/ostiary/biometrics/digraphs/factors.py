"""One quartile of every feature as a sum of independent Gaussian parts, and the exact ratio that follows.

    value = mean + V · person + own + U · day + day's own + noise / number of values

``V`` and ``U`` say what moves together (a quick typist is quick on all pairs); the parts of their own, what does not.
The ratio compares one person behind both sides with two. What lacks on a side takes no part (its precision is 0).
"""

from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.window import Floats

FARTHEST: Final = 3.0
_FEW: Final = 8  # rows for which one product each is sooner done than all products of columns at once


class Factors(msgspec.Struct, frozen=True):
    """What was learned of one quartile of ``f`` features.

    Attributes:
        mean: ``[f]``.
        person, day, noise: ``[f]``, variances between people, between a person's logs, of one value.
        people: ``[f, r]``, what moves together between people.
        days: ``[f, q]``, what moves together between a person's logs.
    """

    mean: Floats
    person: Floats
    day: Floats
    noise: Floats
    people: Floats
    days: Floats


class Side(msgspec.Struct, frozen=True):
    """One side of comparisons.

    Attributes:
        values: ``[n, f]``, less the mean, held to ``FARTHEST`` deviations; 0 where they lack.
        precision: ``[n, f]``, 0 where they lack.
        share: ``[n]``, what of a day's common part is left in the mean over the logs: 1 of one log.
    """

    values: Floats
    precision: Floats
    share: Floats


def side_of(factors: Factors, values: Floats, counts: Floats, logs: Floats) -> Side:
    """Return a side from quartiles, numbers of values and of logs ``[n, f]``."""
    there = counts > 0
    far = FARTHEST * np.sqrt(factors.person + factors.day)
    held = np.where(there, np.clip(values - factors.mean, -far, far), 0.0)
    precision = there / (factors.noise / np.maximum(counts, 1) + factors.day / np.maximum(logs, 1))
    return Side(held, precision, 1.0 / np.sqrt(np.maximum(logs.max(axis=1, initial=1.0), 1.0)))


def alone(factors: Factors, side: Side) -> Floats:
    """Return the log density of each row as somebody's, up to what cancels in a ratio."""
    weight = side.precision / (1 + factors.person * side.precision)
    scaled = weight * side.values
    common = np.concatenate([factors.people, factors.days], axis=1)
    count, size = len(side.values), common.shape[1]
    shares = np.ones((count, size))
    shares[:, factors.people.shape[1] :] = side.share[:, None]
    curve = _shaped(weight, common, common) * shares[:, :, None] * shares[:, None, :]
    volume = np.log1p(factors.person * side.precision).sum(axis=1)
    return _density(volume, (side.values * scaled).sum(axis=1), curve, (scaled @ common) * shares)


def together(factors: Factors, one: Side, many: Side) -> Floats:
    """Return the log density of each row of ``many`` beside the only row of ``one``, as one person's."""
    both = one.precision + many.precision
    eased = factors.person / (1 + factors.person * both)
    summed = eased * (one.precision * one.values + many.precision * many.values)
    left, right = one.precision * (one.values - summed), many.precision * (many.values - summed)
    people, days = factors.people, factors.days
    ours, theirs = one.share[0], many.share[:, None]
    pull = np.concatenate([(left + right) @ people, ours * (left @ days), theirs * (right @ days)], axis=1)
    distance = (one.values * left + many.values * right).sum(axis=1)
    volume = np.log1p(factors.person * both).sum(axis=1)
    return _density(volume, distance, _curve(factors, one, many, eased), pull)


def _curve(factors: Factors, one: Side, many: Side, eased: Floats) -> Floats:
    """Return what the data say of how sure the common parts are: of the person, of one's day, of the other's."""
    people, days = factors.people, factors.days
    first, second = people.shape[1], people.shape[1] + days.shape[1]
    count, size = len(many.values), second + days.shape[1]
    curve = np.zeros((count, size, size))
    kept = 1 - eased * (one.precision + many.precision)
    curve[:, :first, :first] = _shaped((one.precision + many.precision) * kept, people, people)
    share = np.full(count, one.share[0])[:, None, None], many.share[:, None, None]
    spans = slice(first, second), slice(second, size)
    for side, span, part in zip((one, many), spans, share, strict=True):
        cross = part * _shaped(side.precision * kept, people, days)
        curve[:, :first, span], curve[:, span, :first] = cross, cross.transpose(0, 2, 1)
        own = side.precision - eased * side.precision**2
        curve[:, span, span] = part**2 * _shaped(own, days, days)
    across = share[0] * share[1] * _shaped(-eased * one.precision * many.precision, days, days)
    curve[:, spans[0], spans[1]], curve[:, spans[1], spans[0]] = across, across.transpose(0, 2, 1)
    return curve


def _shaped(weights: Floats, left: Floats, right: Floats) -> Floats:
    """Return ``left' · weights · right`` of each row of weights, ``[n, a, b]``."""
    if len(weights) <= _FEW:
        return np.stack([(left * row[:, None]).T @ right for row in weights])
    products = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
    return (weights @ products).reshape(len(weights), left.shape[1], right.shape[1])


def _density(volume: Floats, distance: Floats, curve: Floats, pull: Floats) -> Floats:
    whole = curve + np.eye(curve.shape[1])
    won = (pull * np.linalg.solve(whole, pull[:, :, None])[:, :, 0]).sum(axis=1)
    density: Floats = -0.5 * (volume + np.linalg.slogdet(whole)[1] + distance - won)
    return density


def ratios(factors: Factors, one: Side, many: Side) -> Floats:
    """Return ln p(one person) / p(two people) of each row of ``many`` beside the only row of ``one``."""
    ratio: Floats = together(factors, one, many) - alone(factors, one) - alone(factors, many)
    return ratio
