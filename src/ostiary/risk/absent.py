"""The scorer of a deployment without a model: it says so, and policy reads it.

>>> from ostiary.vocabulary.events import AccessEvent
>>> print(NoModel().score(AccessEvent("e", "default", 0, "ann", "read", "db", "orders"), []).reason)
risk_no_model
"""

from collections.abc import Sequence

from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.scoring import RiskScore, unavailable


class NoModel:
    """Always unavailable, with the reason ``risk_no_model``."""

    @property
    def digest(self) -> str:
        """Empty: there is no artefact."""
        return ""

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:  # noqa: ARG002 - nothing to look at
        """Return that there is no score."""
        return unavailable(Reason.RISK_NO_MODEL)
