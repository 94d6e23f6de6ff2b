"""From a model's margin to a probability at the deployment's own base rate: a strictly rising table.

- The table holds knots (margin, log-odds); between them lines, beyond them lines of the platt slope.
- Strictly rising: two margins never share a probability by calibration, so the order of scores is the model's own.
- The training mix has far more impostors than life has. The log-odds are moved from the mix's base rate to ``prior``.

>>> table = Calibration(margins=[-1.0, 1.0], logits=[-3.0, 1.0], slope_low=1.0, slope_high=1.0)
>>> round(table.logit(0.0), 6), round(table.logit(3.0), 6)
(-1.0, 3.0)
"""

import math
from bisect import bisect_right
from itertools import pairwise
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError

MAX_KNOTS: Final = 512


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table.

    Attributes:
        margins: where the knots are, rising.
        logits: log-odds at the knots, rising, at base rate ``prior``.
        slope_low: log-odds gained per margin below the first knot.
        slope_high: the same above the last knot.
        prior: share of accesses that are not the subject's own, as the deployment expects it.
    """

    margins: list[float]
    logits: list[float]
    slope_low: float = 1.0
    slope_high: float = 1.0
    prior: float = 0.001

    def logit(self, margin: float) -> float:
        """Return the calibrated log-odds of ``margin``."""
        margins, logits = self.margins, self.logits
        place = bisect_right(margins, margin)
        if place == 0:
            return logits[0] + (margin - margins[0]) * self.slope_low
        if place == len(margins):
            return logits[-1] + (margin - margins[-1]) * self.slope_high
        share = (margin - margins[place - 1]) / (margins[place] - margins[place - 1])
        return logits[place - 1] + share * (logits[place] - logits[place - 1])

    def inverse(self) -> "Calibration":
        """Return the table that leads back: log-odds to margins."""
        return Calibration(self.logits, self.margins, 1.0 / self.slope_low, 1.0 / self.slope_high, self.prior)

    def probability(self, margin: float) -> float:
        """Return the calibrated probability of ``margin``."""
        return sigmoid(self.logit(margin))


def sigmoid(logit: float) -> float:
    """Return the probability of log-odds, without overflow at either end."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    odds = math.exp(max(logit, -700.0))
    return odds / (1.0 + odds)


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability strictly between 0 and 1."""
    return math.log(probability) - math.log1p(-probability)


def check_calibration(table: Calibration) -> Calibration:
    """Return ``table`` when it is finite and strictly rising.

    Raises:
        FaultyInputError: ``calibration_malformed``.
    """
    numbers = [*table.margins, *table.logits, table.slope_low, table.slope_high]
    sound = (
        1 <= len(table.margins) == len(table.logits) <= MAX_KNOTS
        and all(map(math.isfinite, numbers))
        and all(low < high for low, high in pairwise(table.margins))
        and all(low < high for low, high in pairwise(table.logits))
        and min(table.slope_low, table.slope_high) > 0
        and 0 < table.prior < 1
    )
    if not sound:
        raise FaultyInputError("calibration_malformed", "the calibration table is not finite and strictly rising")
    return table
