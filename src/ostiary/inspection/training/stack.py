"""How the two models of a channel become one score, and where the line is drawn; written as ``thresholds.json``.

- The mix of linear margin and encoder is a logistic regression on pieces of sources that neither saw (out of fold).
- The line is drawn where one clean text in a hundred lies above, on sources that never teach, and a little higher.
- What long texts and other languages score higher than short English ones is taken off again, by bucket.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.inspection.training.extras import need

Floats = npt.NDArray[np.float64]


class Mix(msgspec.Struct, frozen=True):
    """``alone``: log-odds of a margin by itself, slope and base; ``stacked``: of margin and encoder, two slopes and base."""

    alone: tuple[float, float]
    stacked: tuple[float, float, float]


class Seen(msgspec.Struct, frozen=True):
    """What both models say of the pieces of one text."""

    margins: Floats
    encoded: Floats


def learn_mix(margins: Floats, encoded: Floats, labels: Floats) -> Mix:
    """Return the mix of out-of-fold pieces; both classes weigh the same."""
    model = need("sklearn.linear_model").LogisticRegression(C=100.0, class_weight="balanced")
    single = model.fit(margins[:, None], labels)
    alone = (float(single.coef_[0][0]), float(single.intercept_[0]))
    double = model.fit(np.stack([margins, encoded], 1), labels)
    return Mix(alone, (float(double.coef_[0][0]), float(double.coef_[0][1]), float(double.intercept_[0])))


MOST_ASKED: Final = 12


def text_odds(seen: Sequence[Seen], mix: Mix, *, many: float, grey: tuple[float, float]) -> Floats:
    """Return the log-odds of every text, as the detector at run time does: only grey pieces ask the encoder."""
    found = np.empty(len(seen))
    for at, one in enumerate(seen):
        odds = mix.alone[0] * one.margins + mix.alone[1]
        if odds.max() < grey[1]:
            asked = np.argsort(-odds, kind="stable")[:MOST_ASKED]
            asked = asked[odds[asked] > grey[0]]
            slope, other, base = mix.stacked
            odds[asked] = slope * one.margins[asked] + other * one.encoded[asked] + base
        found[at] = odds.max() - many * np.log(len(odds))
    return found


def raised(by_bucket: Mapping[str, Floats], line: float, share: float) -> dict[str, float]:
    """Return by how much each bucket's clean texts must be lowered so that ``share`` of them lie above ``line``."""
    return {
        name: max(0.0, float(np.quantile(scores, 1 - share)) - line) if len(scores) else 0.0
        for name, scores in by_bucket.items()
    }
