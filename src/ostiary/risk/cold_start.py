"""The scorer of a deployment that has history but no model yet: a likelihood ratio, nothing learned, nothing signed.

How much likelier is the tenant than this subject to show all that this access shows? Each value's chance backs off from
the subject to its peers to the tenant, so that a new subject is judged by its peers and not by nothing (Freeman et al.,
NDSS 2016, use this ratio for logins).

- Off unless ``risk.cold_start`` is set; a model that loads always comes first.
- The values are not independent, so the sum of their ratios overstates: it is damped. The score ranks; how often an
  access with it is somebody else's was not measured on your accesses. A trained model knows, this does not.
- Pure, monotone in every ratio, and certain of nothing about a subject without history.

>>> from ostiary.signals.features import NAMES
>>> from ostiary.vocabulary.events import AccessEvent
>>> event, row = AccessEvent("e", "default", 0, "ann", "read", "db", "orders"), [float("nan")] * len(NAMES)
>>> LikelihoodRatio().score(event, row).available
False
"""

import math
from collections.abc import Sequence
from typing import Final

from ostiary.risk.calibration import log_odds, sigmoid
from ostiary.risk.reasons import MOST_REASONS, plain_words
from ostiary.risk.schema import Thresholds
from ostiary.risk.scorer import HALF_KNOWN_EVENTS
from ostiary.signals.features import INDEX, NAMES
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import Contribution, RiskScore, unavailable

DIGEST: Final = "builtin:likelihood-ratio-1"
PRIOR: Final = 0.001
LEVELS: Final = Thresholds(medium=0.02, high=0.1)
_DAMPED: Final = 0.5
_LEAST_REASON: Final = 0.5
_ODDS: Final = INDEX["odds"]
_DEPTH: Final = INDEX["history_depth"]
_RATIOS: Final = {
    name: INDEX[name]
    for name in ("resource_ratio", "network_ratio", "country_ratio", "device_ratio", "agent_ratio", "timezone_ratio")
}


class LikelihoodRatio:
    """A ``Scorer`` that needs no model."""

    @property
    def digest(self) -> str:
        """Name of this very rule: there is no artefact."""
        return DIGEST

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Return the damped likelihood ratio of ``features`` as a probability at a base rate of one in a thousand."""
        if len(features) != len(NAMES):
            return unavailable(Reason.RISK_ERROR)
        odds = features[_ODDS]
        if not math.isfinite(odds):
            return unavailable(Reason.RISK_NO_MODEL)
        score = sigmoid(log_odds(PRIOR) + _DAMPED * odds)
        level = LEVELS.level(score)
        known = math.expm1(features[_DEPTH]) if features[_DEPTH] > 0 else 0.0
        return RiskScore(
            available=True,
            score=score,
            level=level,
            model=DIGEST,
            uncertainty=HALF_KNOWN_EVENTS / (HALF_KNOWN_EVENTS + known),
            contributions=() if level == "low" else _reasons(event, features),
        )


def _reasons(event: AccessEvent, features: Sequence[float]) -> tuple[Contribution, ...]:
    told = [(name, features[place]) for name, place in _RATIOS.items() if features[place] >= _LEAST_REASON]
    most = sorted(told, key=lambda one: (-one[1], one[0]))[:MOST_REASONS]
    return tuple(Contribution(name, value, _DAMPED * value, plain_words(name, value, event)) for name, value in most)
