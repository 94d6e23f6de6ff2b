"""How a repetition compares with a person: what the trees look at, and what is said without them.

``compared`` is for the phrase that the model knows: sums over the phrase, Gaussian ratios against the population, and
every timing's own deviation. ``nearness`` is for any other: deviations are the person's own, so that another device or
another phrase changes nothing.
"""

from typing import Final

import numpy as np

from ostiary.biometrics.phrase.person import MEMORIES, MIDDLE, Person, effective
from ostiary.biometrics.phrase.population import Population
from ostiary.biometrics.window import Floats

_OWN: Final = 8.0  # so many repetitions weigh as much as what others' deviations say
_FURTHEST: Final = 5.0
_NEAR: Final = 4.0
_NEAREST: Final = 3
_POOLED: Final = 0.6
_TAIL: Final = 6.0
_RIDGE: Final = 1e-4
_LEAST: Final = 1e-3


def compared(person: Person, people: Population, times: Floats) -> Floats:
    """Return what the trees look at, ``[n, columns]``, of repetitions ``[n, d]``."""
    keys, columns = person.keys, []
    for memory, mean, deviation in zip(MEMORIES, person.means, person.deviations, strict=True):
        worth = min(float(person.count), 2 * memory)
        away = np.abs(times - mean) / _eased(deviation, people.deviation, worth)
        near = np.minimum(away, _FURTHEST)
        columns += [near[:, :keys].mean(axis=1), near[:, keys:].mean(axis=1), np.log1p(away * away / 4).mean(axis=1)]
    worth = effective(person.count, MEMORIES[MIDDLE])
    eased = _eased(person.deviations[MIDDLE], people.deviation, worth)
    signed = (times - person.means[MIDDLE]) / eased
    held = np.clip(signed, -8, 8)
    columns += [held[:, :keys].mean(axis=1), held[:, keys:].mean(axis=1)]
    columns += _ratios(person, people, times, worth)
    spread = np.log(np.maximum(person.deviations[MIDDLE], _LEAST) / people.deviation)
    whole = np.array([np.log(worth), np.log(person.count), spread[:keys].mean(), spread[keys:].mean()])
    late = np.abs(times - person.means[0]) / eased
    place = (times - people.mean) / np.sqrt(np.diag(people.within) + np.diag(people.between))
    told = np.broadcast_to(whole, (len(times), len(whole)))
    return np.concatenate([np.stack(columns, axis=1), told, signed, np.abs(signed), late, place], axis=1)


def _eased(own: Floats, others: Floats, worth: float) -> Floats:
    eased: Floats = (worth * own + _OWN * others) / (worth + _OWN)
    return eased


def _ratios(person: Person, people: Population, times: Floats, worth: float) -> list[Floats]:
    """Return the ratio of this person's density to the people's, the same with heavy tails, and the distance."""
    size = times.shape[1]
    own = (1 - _POOLED) * person.covariance + _POOLED * people.within
    own = own * (1 + 1 / worth) + _RIDGE * np.eye(size)
    away, beyond = times - person.means[MIDDLE], times - people.mean
    near = np.einsum("ij,ij->i", away @ np.linalg.inv(own), away)
    far = np.einsum("ij,ij->i", beyond @ people.inverse, beyond)
    volume = 0.5 * (people.volume - float(np.linalg.slogdet(own)[1]))
    tails = 0.5 * (_TAIL + size) * (np.log1p(far / _TAIL) - np.log1p(near / _TAIL))
    return [(0.5 * (far - near) + volume) / size, (tails + volume) / size, near / size]


def nearness(person: Person, times: Floats) -> Floats:
    """Return how near repetitions ``[n, d]`` come to the person's median and latest; 0 nearest, -4 farthest."""
    deviation = _steadied(person)
    middle = np.minimum(np.abs(times - person.median) / deviation, _NEAR).mean(axis=1)
    away = np.abs(times[:, None] - person.latest[None]) / deviation
    each = np.sort(np.minimum(away, _NEAR).mean(axis=2), axis=1)
    near: Floats = -(middle + 2 * each[:, :_NEAREST].mean(axis=1)) / 3
    return near


def tempo(person: Person, paces: Floats) -> Floats:
    """Return how near median hold and flight ``[n, 2]`` of a phrase of another length come to theirs; 0 nearest."""
    centre, spread = person.pace[::2], np.maximum(person.pace[1::2], 0.02)
    near: Floats = -np.minimum(np.abs(paces - centre) / (1.5 * spread), _NEAR).mean(axis=1)
    return near


def _steadied(person: Person) -> Floats:
    """Return the person's deviations, drawn to the mean of their holds' and flights'."""
    own, keys = person.deviations[MIDDLE], person.keys
    mean = np.concatenate([np.full(keys, own[:keys].mean()), np.full(keys - 1, own[keys:].mean())])
    worth = effective(person.count, MEMORIES[MIDDLE])
    return np.maximum(_eased(own, mean, worth), 0.02)


def apart(one: Person, other: Person) -> float:
    """Return how far two people's ways lie apart, in deviations; in tempo alone when the phrases differ in length."""
    if one.keys != other.keys:
        return float(-tempo(one, other.pace[None, ::2])[0])
    away = (one.means[MIDDLE] - other.means[MIDDLE]) / _steadied(one)
    return float(np.sqrt((away * away).mean()))
