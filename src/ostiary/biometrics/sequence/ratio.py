"""How much likelier one person makes a step than everybody else: hierarchical smoothing, in closed form.

    q(w)        everybody's share of a token
    p(w | c)    everybody's share of it after its context; rare contexts lean on ``q``
    own(w)      the person's share of it; little seen leans on ``q``
    own(w | c)  the person's share of it after its context; a context that the person was never seen in leans on
                ``p(w | c)``, so that what follows from a new beginning by anybody's habit is held against nobody

    evidence of a step = ln own(w | c) / p(w | c)  +  ``words`` · ln own(w) / q(w)

All functions broadcast: one person or a cohort, one window or many.

>>> import numpy as np
>>> one = np.ones(1)
>>> others = Counts(pair=40 * one, context=80 * one, word=50 * one, total=1000 * one)
>>> always = Counts(pair=30 * one, context=30 * one, word=30 * one, total=300 * one)
>>> never = Counts(pair=0 * one, context=30 * one, word=0 * one, total=300 * one)
>>> elsewhere = Counts(pair=0 * one, context=0 * one, word=30 * one, total=300 * one)
>>> rule = Smoothing()
>>> [round(float(evidence(own, others, 100, rule)[0]), 1) for own in (always, never, elsewhere)]
[0.9, -2.6, -0.1]
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
        words: how much the tokens alone tell, beside the steps.
        likest: how much of the evidence for the most alike of the cohort is taken off.
    """

    flat: float = 0.3
    population: float = 20.0
    person: float = 10.0
    context: float = 5.0
    shared: float = 0.75
    words: float = 0.1
    likest: float = 0.4


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
    word = (own.word + rule.person * q) / (own.total + rule.person)
    base = rule.shared * habit + (1.0 - rule.shared) * word
    step = (own.pair + rule.context * base) / (own.context + rule.context)
    nats: Floats = np.log(step / habit) + rule.words * np.log(word / q)
    return nats
