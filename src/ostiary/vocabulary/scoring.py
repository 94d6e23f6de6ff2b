"""How deterministic code sees a model: as values behind a Protocol.

A scorer that is missing, late or broken yields ``RiskScore(available=False, …)``, which policy can read.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ostiary.vocabulary.events import AccessEvent


class Contribution(msgspec.Struct, frozen=True):
    """One signal's share in a score: ``weight`` in log-odds, ``text`` in plain words."""

    signal: str
    value: float | None
    weight: float
    text: str


class RiskScore(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a scorer said of one event.

    Attributes:
        available: whether there is a score at all; when false ``score`` is ``None`` and ``reason`` says why.
        score: calibrated probability in [0, 1] that the access is not the subject's own.
        level: ``low``, ``medium`` or ``high``, by the model card's thresholds.
        model: digest of the model artefact, ``sha256:…``.
        uncertainty: 0 (much history) to 1 (none).
        contributions: largest first, only at or above the step-up threshold.
    """

    available: bool
    score: float | None = None
    level: str = "unknown"
    reason: str = ""
    model: str = ""
    uncertainty: float = 1.0
    contributions: tuple[Contribution, ...] = ()


def unavailable(reason: str) -> RiskScore:
    """Return the score of a scorer that has none to give; ``reason`` is a reason code."""
    return RiskScore(available=False, reason=reason)


class Scorer(Protocol):
    """Scores one access event from its features. Pure, and never raises for odd values."""

    @property
    def digest(self) -> str:
        """Digest of the model artefact, ``sha256:…``."""
        ...

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        """Score ``features`` (one float per catalogue feature, NaN when missing)."""
        ...


class SessionScorer(Protocol):
    """Judges a session anew at each access in it. Bounded memory; never raises for odd values."""

    @property
    def digest(self) -> str:
        """Digest of the model artefact, ``sha256:…``."""
        ...

    def observe(self, event: AccessEvent, history: object, features: Sequence[float], access: RiskScore) -> RiskScore:
        """Return the risk of the event's session with this access in it, and remember the access.

        Args:
            event: the access, enriched; its ``session_id`` names the session.
            history: what the signals knew before it, opaque to deterministic code.
            features: its feature row.
            access: the score of the access alone.
        """
        ...

    def forget(self, subject: str) -> None:
        """Drop what is remembered of ``type:id``."""
        ...


class LearningGate(Protocol):
    """Says whether profiles may learn from an event (``defence`` fills it; poisoned events are held back)."""

    def may_learn(self, event: AccessEvent) -> bool:
        """Return whether ``event`` may change profiles."""
        ...
