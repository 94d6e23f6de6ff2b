"""What somebody who holds an account can do to each number: the declared attacker's box that certificates are about.

- ``FIXED``: facts of the account, the organisation and what is attacked, and what he came to do: not his to change.
- ``RISES``: signs of risk. He may add to them, for all we care; he takes none away.
- ``TRUST``: signs of familiarity: up to ``TRUST_BY`` more than they are (a day or so of waiting, one more habit).
- ``FREE``: everything else: up to ``FREE_BY`` standard deviations either way.

What an event does not tell stays untold: what a deployment collects is not the caller's choice, and flags of their own
say what is missing. Without a direction in the catalogue nothing is a sign of risk or of trust.

>>> from ostiary.signals.features import FEATURES, INDEX
>>> [reach(FEATURES[INDEX[name]]).name for name in ("resource_surprise", "resource_age", "tenure", "amount")]
['RISES', 'TRUST', 'FIXED', 'FREE']
"""

from enum import Enum
from typing import Final

from ostiary.signals.families import Family
from ostiary.signals.signal import FeatureSpec

TRUST_BY: Final = 1.0
FREE_BY: Final = 3.0

_FIXED_FAMILIES: Final = frozenset({Family.ACCOUNT, Family.DEED, Family.QUALITY})
_FIXED_SIGNALS: Final = frozenset({"circle", "resource_crowd", "neighbours", "deed", "move"})


class Reach(Enum):
    """How far an attacker may move a number."""

    FIXED = "fixed"
    FREE = "free"
    RISES = "rises"
    TRUST = "trust"


def reach(spec: FeatureSpec) -> Reach:
    """Return how far an attacker may move the feature of ``spec``."""
    if spec.monotone > 0:
        return Reach.RISES
    if spec.family in _FIXED_FAMILIES or (spec.signal in _FIXED_SIGNALS and not spec.monotone):
        return Reach.FIXED
    return Reach.TRUST if spec.monotone < 0 else Reach.FREE


def is_movable(spec: FeatureSpec) -> bool:
    """Return whether an attacker can move a feature to where it makes him look more harmless.

    A model that looks at no such feature, and is monotone in the others, gives the least of the whole box at the attack
    itself: whatever it catches is certified.
    """
    return reach(spec) in {Reach.FREE, Reach.TRUST}


def box_of(spec: FeatureSpec, value: float, deviation: float) -> tuple[float, float]:
    """Return lowest and highest value that an attacker may give a feature that has ``value``; NaN stays as it is.

    Args:
        spec: the feature.
        value: what it is in the attack.
        deviation: its standard deviation in life.
    """
    match reach(spec):
        case Reach.RISES:
            return value, float("inf")
        case Reach.TRUST:
            return value, value + TRUST_BY
        case Reach.FREE:
            return value - FREE_BY * deviation, value + FREE_BY * deviation
        case Reach.FIXED:
            return value, value
