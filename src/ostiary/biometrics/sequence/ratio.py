"""How much likelier one person makes a step than everybody else, seen two ways, in closed form.

    q(w)        everybody's share of a token
    p(w | c)    everybody's share of it after its context; rare contexts lean on ``q``
    own(w)      the person's share of it; little seen leans on ``q``
    own(w | c)  the person's share of it after its context; a context that the person was never seen in leans on
                ``p(w | c)``, so that what follows from a new beginning by anybody's habit is held against nobody

    smooth    ln own(w | c) / p(w | c)                          strong with few windows enrolled
    surprise  ln (seen + floor) / (expected + floor)            expected: how often the person would have done it by
                                                                everybody's habit; new *and* rare says nothing

Their mixture is the evidence of a step; the same of its token alone is added with the weight ``words``. All functions
broadcast: one window or many.

>>> import numpy as np
>>> one = np.ones(1)
>>> others = Counts(pair=40 * one, context=80 * one, word=50 * one, total=1000 * one)
>>> always = Counts(pair=30 * one, context=30 * one, word=30 * one, total=300 * one)
>>> never = Counts(pair=0 * one, context=30 * one, word=0 * one, total=300 * one)
>>> elsewhere = Counts(pair=0 * one, context=0 * one, word=30 * one, total=300 * one)
>>> rule = Smoothing()
>>> [round(float(evidence(own, others, 100, rule)[0]), 1) for own in (always, never, elsewhere)]
[1.1, -5.3, 0.2]
"""

from typing import Final

import msgspec
import numpy as np

from ostiary.biometrics.window import Floats

_LEAST: Final = 1e-6


class Smoothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far what was seen is trusted; weights are in (damped) observations.

    Attributes:
        flat: of every token in everybody's share.
        population: of everybody's tokens behind what follows a context.
        person: of everybody's tokens behind a person's.
        context: of the base behind what a person does after a context.
        shared: how much of that base is everybody's habit after the context; the rest is the person's own tokens.
        words: how much the tokens alone tell, beside the steps.
        surprise: share of the second way of seeing a step.
        floor: seen and expected counts below it tell nothing.
        against: the power of a step's repetitions (their root, as rows hold it) by which it speaks against the person;
            0 counts a step once, however often it came: a loop that runs all day is one new thing.
    """

    flat: float = 0.3
    population: float = 20.0
    person: float = 3.0
    context: float = 5.0
    shared: float = 0.9
    words: float = 0.3
    surprise: float = 0.5
    floor: float = 0.05
    against: float = 0.7


class Counts(msgspec.Struct, frozen=True):
    """Damped counts at some steps: of the step, its context, its token, and of all; arrays that broadcast."""

    pair: Floats
    context: Floats
    word: Floats
    total: Floats


def evidence(own: Counts, others: Counts, size: int, rule: Smoothing) -> Floats:
    """Return nats for the person, one a step; ``size`` tokens there can be."""
    q = (others.word + rule.flat) / (others.total + rule.flat * size)
    habit = (others.pair + rule.population * q) / (others.context + rule.population)
    nats: Floats = (1.0 - rule.surprise) * _smooth(own, q, habit, rule) + rule.surprise * _surprise(own, q, habit, rule)
    return nats


def _smooth(own: Counts, q: Floats, habit: Floats, rule: Smoothing) -> Floats:
    word = (own.word + rule.person * q) / (own.total + rule.person)
    base = rule.shared * habit + (1.0 - rule.shared) * word
    step = (own.pair + rule.context * base) / (own.context + rule.context)
    nats: Floats = np.log(step / habit) + rule.words * np.log(word / q)
    return nats


def _surprise(own: Counts, q: Floats, habit: Floats, rule: Smoothing) -> Floats:
    step = (own.pair + rule.floor) / (own.context * habit + rule.floor)
    word = (own.word + rule.floor) / (own.total * q + rule.floor)
    nats: Floats = np.log(step) + rule.words * np.log(word)
    return nats


def weighed(nats: Floats, weights: Floats, rule: Smoothing) -> Floats:
    """Return what steps tell, each by how often it came; nothing where a weight is 0."""
    against = np.where(weights > 0, np.power(np.maximum(weights, _LEAST), rule.against), 0.0)
    told: Floats = np.where(nats > 0, nats * weights, nats * against)
    return told
