"""Learns what moves together between people and between days, by expectation and maximisation.

Each round asks, person by person, what common parts their logs tell of, then sets every feature's share in them, and
what is its own.
"""

from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.digraphs.factors import Factors, Side, side_of
from ostiary.biometrics.digraphs.variances import Whole
from ostiary.biometrics.window import Floats

_START: Final = 0.4
_RIDGE: Final = 2.0
_DRAWN: Final = 10.0
_KEPT: Final = 0.5


class _Sums(msgspec.Struct):
    """What one round adds up over people, by feature."""

    curve: Floats
    pull: Floats
    person: Floats
    people: Floats
    day: Floats
    logs: Floats


class _Told(msgspec.Struct, frozen=True):
    """What a person's logs ``[l, f]`` tell of the common parts: expectation and second moments by log's own places."""

    mean: Floats
    moments: Floats
    places: list[Whole]


def begun(mean: Floats, person: Floats, day: Floats, noise: Floats, sizes: tuple[int, int], seed: int) -> Factors:
    """Return factors whose common parts are still luck."""
    luck = np.random.default_rng(seed)
    people, days = (
        luck.normal(size=(len(mean), size)) * _START * np.sqrt(variance / size)[:, None]
        for size, variance in zip(sizes, (person, day), strict=True)
    )
    return Factors(mean, person, day, noise, people, days)


def learned(start: Factors, values: Floats, counts: Floats, people: Whole, rounds: int) -> Factors:
    """Return the factors after so many rounds over logs ``[n, f]`` of people ``[n]``."""
    factors = start
    for _ in range(rounds):
        size = factors.people.shape[1] + factors.days.shape[1]
        features = len(factors.mean)
        zero = np.zeros(features)
        sums = _Sums(
            np.zeros((features, size, size)), np.zeros((features, size)), zero, zero.copy(), zero.copy(), zero.copy()
        )
        side = side_of(factors, values, counts, (counts > 0).astype(np.float64))
        for one in np.unique(people):
            own = people == one
            _add(sums, factors, Side(side.values[own], side.precision[own], side.share[own]))
        factors = _renewed(start, factors, sums)
    return factors


def _renewed(start: Factors, factors: Factors, sums: _Sums) -> Factors:
    size = sums.curve.shape[1]
    ridge = _RIDGE * np.eye(size) / np.maximum(start.person + start.day, 1e-6)[:, None, None]
    both: Floats = np.linalg.solve(sums.curve + ridge, sums.pull[:, :, None])[:, :, 0].astype(np.float64)
    split = factors.people.shape[1]
    return Factors(
        mean=start.mean,
        person=(sums.person + _DRAWN * _KEPT * start.person) / (sums.people + _DRAWN),
        day=(sums.day + _DRAWN * _KEPT * start.day) / (sums.logs + _DRAWN),
        noise=start.noise,
        people=both[:, :split],
        days=both[:, split:],
    )


def _add(sums: _Sums, factors: Factors, side: Side) -> None:
    precision = side.precision
    whole = precision.sum(axis=0)
    eased = factors.person / (1 + factors.person * whole)
    scaled = precision * (side.values - eased * (precision * side.values).sum(axis=0))
    told = _told(factors, precision, eased, scaled)
    common = np.concatenate([factors.people, factors.days], axis=1)
    rest = side.values.copy()
    for log, own in enumerate(told.places):
        sums.pull += scaled[log][:, None] * told.mean[own]
        rest[log] -= common @ told.mean[own]
        for other, theirs in enumerate(told.places):
            weight = (precision[log] if log == other else 0.0) - eased * precision[log] * precision[other]
            sums.curve += weight[:, None, None] * told.moments[np.ix_(own, theirs)]
    persons = eased * (precision * rest).sum(axis=0)
    sums.person += np.where(whole > 0, persons**2 + eased, 0.0)
    sums.people += whole > 0
    there = precision > 0
    kept = factors.day * precision
    days = (kept * (rest - persons)) ** 2 + factors.day * (1 - kept) + kept**2 * eased
    sums.day += np.where(there, days, 0.0).sum(axis=0)
    sums.logs += there.sum(axis=0)


def _told(factors: Factors, precision: Floats, eased: Floats, scaled: Floats) -> _Told:
    first, each = factors.people.shape[1], factors.days.shape[1]
    logs = len(precision)
    common = np.concatenate([factors.people, factors.days], axis=1)
    size = first + logs * each
    places = [np.concatenate([np.arange(first), np.arange(each) + first + log * each]) for log in range(logs)]
    curve, pull = np.eye(size), np.zeros(size)
    for log, own in enumerate(places):
        pull[own] += scaled[log] @ common
        for other, theirs in enumerate(places):
            weight = (precision[log] if log == other else 0.0) - eased * precision[log] * precision[other]
            curve[np.ix_(own, theirs)] += (common * weight[:, None]).T @ common
    spread: Floats = np.linalg.inv(curve).astype(np.float64)
    mean: Floats = spread @ pull
    return _Told(mean, spread + np.outer(mean, mean), places)
