"""A fence around any scorer: whatever it throws, the decision sees "unavailable" and goes on.

A broken scorer never becomes a refusal to answer, and never an ALLOW: policy sees ``risk.available = false`` with
``risk_error`` and steps up where the resource is sensitive (HOUSE.md §1 law 1).
"""

import math
from collections.abc import Callable, Sequence

from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import RiskScore, Scorer, unavailable


class GuardedScorer:
    """Passes on sound scores of ``inner``; errors and numbers outside [0, 1] become ``risk_error``."""

    def __init__(self, inner: Scorer, on_error: Callable[[Exception], None] | None = None) -> None:
        """Fence in ``inner``; ``on_error`` is told of each exception, for logs and metrics."""
        self._inner = inner
        self._on_error = on_error

    @property
    def inner(self) -> Scorer:
        """The scorer behind the fence."""
        return self._inner

    @property
    def digest(self) -> str:
        """Digest of the model behind the fence."""
        return self._inner.digest

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Score, or say that there is no score."""
        try:
            answer = self._inner.score(event, features)
            if not answer.available or _is_probability(answer.score):
                return answer
        except Exception as fault:  # noqa: BLE001 - the fence is for every error, the unknown ones above all
            if self._on_error is not None:
                self._on_error(fault)
        return unavailable(Reason.RISK_ERROR)


def _is_probability(score: object) -> bool:
    return isinstance(score, float) and math.isfinite(score) and 0.0 <= score <= 1.0
