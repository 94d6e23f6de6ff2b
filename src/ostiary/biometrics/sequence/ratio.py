"""How much likelier one person makes a window than everybody else: steps and tokens, in closed form.

    q(w)        everybody's share of a token
    p(w | c)    everybody's share of it after its context; rare contexts lean on ``q``
    own(w)      the person's share of it; little seen leans on ``q``
    own(w | c)  the person's share of it after its context; a context that the person was never seen in leans on
                ``p(w | c)``, so that what follows from a new beginning by anybody's habit is held against nobody

    steps   sum over transitions of  root of the count · ln own(w | c) / p(w | c)
    tokens  sum over tokens of  count · ln (own + least) / (everybody's + least), shares: naive Bayes

The evidence is ``steps + naive · tokens``. Each errs where the other does not: a loop of the person's own commands in a
new order looks strange to the steps alone, a compiler's passes in a new project to the tokens alone. All functions
broadcast: one window or many.

>>> import numpy as np
>>> one = np.ones(1)
>>> others = Counts(pair=40 * one, context=80 * one, word=50 * one, total=1000 * one)
>>> always = Counts(pair=30 * one, context=30 * one, word=30 * one, total=300 * one)
>>> never = Counts(pair=0 * one, context=30 * one, word=0 * one, total=300 * one)
>>> elsewhere = Counts(pair=0 * one, context=0 * one, word=30 * one, total=300 * one)
>>> rule = Smoothing()
>>> [round(float(evidence(own, others, one, 100, rule)[0]), 1) for own in (always, never, elsewhere)]
[0.9, -3.5, 0.1]
"""

import msgspec
import numpy as np

from ostiary.biometrics.window import Floats


class Smoothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far what was seen is trusted; weights are in (damped) observations.

    Attributes:
        flat: of every token in everybody's share.
        population: of everybody's tokens behind what follows a context.
        person: of everybody's tokens behind a person's.
        context: of the base behind what a person does after a context.
        shared: how much of that base is everybody's habit after the context; the rest is the person's own tokens.
        naive: how much the tokens alone tell, beside the steps.
        least: of every token, on both sides, where tokens alone are compared.
    """

    flat: float = 0.3
    population: float = 20.0
    person: float = 3.0
    context: float = 5.0
    shared: float = 0.9
    naive: float = 0.2
    least: float = 0.01


class Counts(msgspec.Struct, frozen=True):
    """Damped counts at some steps: of the step, its context, its token, and of all; arrays that broadcast."""

    pair: Floats
    context: Floats
    word: Floats
    total: Floats


def evidence(own: Counts, others: Counts, weights: Floats, size: int, rule: Smoothing) -> Floats:
    """Return nats for the person, one a step.

    Args:
        own: what the person did.
        others: what everybody else did.
        weights: the root of how often each step came; 0 tells nothing.
        size: how many tokens there can be.
        rule: how far counts are trusted.
    """
    nats: Floats = weights * _step(own, others, size, rule) + rule.naive * weights**2 * _token(own, others, size, rule)
    return nats


def _step(own: Counts, others: Counts, size: int, rule: Smoothing) -> Floats:
    q = (others.word + rule.flat) / (others.total + rule.flat * size)
    habit = (others.pair + rule.population * q) / (others.context + rule.population)
    word = (own.word + rule.person * q) / (own.total + rule.person)
    base = rule.shared * habit + (1.0 - rule.shared) * word
    nats: Floats = np.log((own.pair + rule.context * base) / (own.context + rule.context) / habit)
    return nats


def _token(own: Counts, others: Counts, size: int, rule: Smoothing) -> Floats:
    mine = (own.word + rule.least) / (own.total + rule.least * size)
    theirs = (others.word + rule.least) / (others.total + rule.least * size)
    nats: Floats = np.log(mine / theirs)
    return nats
