"""What the behavioural biometrics say of a session, as a decision reads it: a finished value, never a window.

- Where there is nothing to say there is no value at all: absent is not bad, not good, and not zero.
- ``llr`` is turned as risk is turned: more is worse.
"""

import msgspec

from ostiary.vocabulary.facts import BehaviourFacts

PROVISIONAL = "provisional"
ENROLLED = "enrolled"


class BiometricsVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """The evidence of one session at one moment, with what a record needs to tell where it came from.

    Attributes:
        stage: ``provisional`` or ``enrolled``.
        llr: ln p(windows | another) / p(windows | subject), averaged and capped, in nats; more is worse.
        confidence: how far it may be believed, 0 to 1.
        liveness: 0 replayed to 1 live.
        drift: distance of the adaptive template from its anchor, in deviations; ``None`` where there is no anchor.
        alarm: whether the template was being taught somebody else.
        modalities: what was seen: ``keystroke``, ``pointer``, ``sequence``.
        models: digests of the models that judged, in the order of the modalities.
        inputs: digest over the windows' ids and embeddings, ``sha256:…``: a person can prove which ones these were.
        windows: how many.
        at_ns: when the last one came.
        reasons: in words, the weightiest first.
    """

    stage: str
    llr: float
    confidence: float
    liveness: float
    drift: float | None = None
    alarm: bool = False
    modalities: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    inputs: str = ""
    windows: int = 0
    at_ns: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def facts(self) -> BehaviourFacts:
        """The same as signals read it."""
        return BehaviourFacts(llr=self.llr, confidence=self.confidence, drift=self.drift, liveness=self.liveness)
