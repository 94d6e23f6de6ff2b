"""What a session's windows say together: is it still the same person, how sure is that, and why (ADR-0051).

- A window's log-likelihood ratio is capped; a modality's windows are *averaged*, never summed. The average forgets: it
  is over the last half dozen windows or so, so that an honest morning does not vouch for somebody else's afternoon.
- Windows of one session are alike for reasons of their own. Believing the average grows with their number ``n`` as
  ``rho n / (1 + (n - 1) rho)``: one window counts ``rho`` of its ratio, many come near the whole of it.
- With idle time a modality's windows fade, by half every ``half_life``; what has faded is as if it had never been.
- Modalities are averaged, weighed by what each is worth, its stage and how much of it is left. One that is missing has
  no weight: it neither speaks for nor against.
- How well somebody is known has stages: *none* says nothing; *provisional* (a few windows) may ask for a step-up, no
  more; *enrolled* (ten windows of typing in two sessions, twenty blocks of pointing) counts in full.
- Everything is a value: no clock, no I/O. A caller that has no person to compare with never has evidence to give.

>>> session = SessionEvidence()
>>> for minute in range(6):
...     session = session.seen(Modality.KEYSTROKE, llr=-3.0, at_ns=minute * 60 * 10**9, stage=Stage.ENROLLED)
>>> told = session.verdict(at_ns=5 * 60 * 10**9)
>>> told.stage.value, -3.0 < told.llr < -2.0, told.confidence > 0.7
('enrolled', True, True)
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.biometrics.window import Modality
from ostiary.vocabulary.facts import BehaviourFacts

_NS: Final = 1_000_000_000


class Stage(StrEnum):
    """How well a person is known in one modality."""

    NONE = "none"
    PROVISIONAL = "provisional"
    ENROLLED = "enrolled"


class Enrolled(msgspec.Struct, frozen=True):
    """From how many windows and sessions on somebody is enrolled."""

    windows: int
    sessions: int


_ENROLLED: Final = {
    Modality.KEYSTROKE: Enrolled(10, 2),
    Modality.POINTER: Enrolled(20, 0),
    Modality.SEQUENCE: Enrolled(10, 2),
    Modality.FEATURES: Enrolled(2, 2),
}
_WORTH: Final = {
    Modality.KEYSTROKE: 1.0,
    Modality.POINTER: 0.7,
    Modality.SEQUENCE: 0.7,
    Modality.FEATURES: 0.7,
}


class EvidenceSettings(msgspec.Struct, frozen=True):
    """How windows become evidence.

    Attributes:
        cap: the most nats that one window says, either way.
        rho: how alike windows of one session are, 0 to 1; what one window alone is believed.
        remembered: over how many windows the average goes back.
        half_life_s: idle time after which half of it is left.
        provisional: from how many windows on a person is known a little.
        provisional_worth: what a little known person's evidence is worth against an enrolled one's.
        enrolled: by modality, what makes a person enrolled.
        worth: by modality, its weight beside the others.
    """

    cap: float = 4.0
    rho: float = 0.5
    remembered: float = 6.0
    half_life_s: float = 600.0
    provisional: int = 2
    provisional_worth: float = 0.4
    enrolled: Mapping[Modality, Enrolled] = msgspec.field(default_factory=lambda: _ENROLLED)
    worth: Mapping[Modality, float] = msgspec.field(default_factory=lambda: _WORTH)


DEFAULTS: Final = EvidenceSettings()


def stage_of(modality: Modality, windows: int, sessions: int, settings: EvidenceSettings = DEFAULTS) -> Stage:
    """Return how well a template of so many windows from so many sessions knows its person."""
    wanted = settings.enrolled[modality]
    if windows >= wanted.windows and sessions >= wanted.sessions:
        return Stage.ENROLLED
    return Stage.PROVISIONAL if windows >= settings.provisional else Stage.NONE


class Part(msgspec.Struct, frozen=True):
    """The evidence of one modality.

    Attributes:
        mean: average of the capped ratios, nats.
        count: how many windows that is worth, at ``at_ns``.
        at_ns: when the last window ended.
        stage: how well the person is known in it.
        reasons: what differs, in words, as of the last window.
    """

    mean: float
    count: float
    at_ns: int
    stage: Stage
    reasons: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """What a session's behaviour says.

    Attributes:
        llr: nats, ln p(same person) / p(another); below 0 speaks for another. 0 when nothing is known.
        confidence: 0 nothing is known, to 1 enrolled and well seen.
        stage: the best stage among the modalities that speak.
        modalities: which speak, in order of their names.
        reasons: in words, only where the ratio speaks for another.
    """

    llr: float
    confidence: float
    stage: Stage
    modalities: tuple[Modality, ...] = ()
    reasons: tuple[str, ...] = ()

    def facts(self, drift: float | None = None, liveness: float | None = None) -> BehaviourFacts:
        """Return it as signals have it: there, more is likelier another person."""
        if not self.modalities:
            return BehaviourFacts(None, 0.0, drift, liveness)
        return BehaviourFacts(0.0 - self.llr, self.confidence, drift, liveness)


class SessionEvidence(msgspec.Struct, frozen=True):
    """A session's evidence so far; small, and without any window in it.

    Attributes:
        parts: by modality.
    """

    parts: Mapping[Modality, Part] = {}

    def seen(
        self,
        modality: Modality,
        llr: float,
        at_ns: int,
        stage: Stage,
        reasons: Sequence[str] = (),
        settings: EvidenceSettings = DEFAULTS,
    ) -> "SessionEvidence":
        """Return the evidence with one more window; a ratio of NaN (too little to judge) changes nothing.

        A window told to have ended before the last one counts as of the last: evidence never grows by old news.
        """
        if math.isnan(llr) or stage is Stage.NONE:
            return self
        capped = min(max(llr, -settings.cap), settings.cap)
        before = self.parts.get(modality, Part(0.0, 0.0, at_ns, stage))
        now_ns = max(at_ns, before.at_ns)
        left = min(left_of(before, now_ns, settings), settings.remembered - 1)
        mean = (before.mean * left + capped) / (left + 1)
        part = Part(mean, left + 1, now_ns, stage, tuple(reasons))
        return SessionEvidence({**self.parts, modality: part})

    def wordless(self) -> "SessionEvidence":
        """Return the evidence without its reasons, which tell how somebody types."""
        return SessionEvidence({m: msgspec.structs.replace(part, reasons=()) for m, part in self.parts.items()})

    def verdict(self, at_ns: int, settings: EvidenceSettings = DEFAULTS) -> Verdict:
        """Return what the evidence says at a moment."""
        speaking = {m: self.parts[m] for m in sorted(self.parts) if self.parts[m].stage is not Stage.NONE}
        trusts = {m: _trust(left_of(part, at_ns, settings), settings.rho) for m, part in speaking.items()}
        weights = {m: settings.worth[m] * _worth(part, settings) * trusts[m] for m, part in speaking.items()}
        total = sum(weights.values())
        if total <= 0.0:
            return Verdict(0.0, 0.0, Stage.NONE)
        mean = sum(weights[m] * part.mean for m, part in speaking.items()) / total
        llr = mean * max(trusts.values())
        return Verdict(
            llr=llr,
            confidence=max(trusts[m] * _worth(part, settings) for m, part in speaking.items()),
            stage=Stage.ENROLLED if any(p.stage is Stage.ENROLLED for p in speaking.values()) else Stage.PROVISIONAL,
            modalities=tuple(speaking),
            reasons=_reasons(speaking) if llr < 0 else (),
        )


def left_of(part: Part, at_ns: int, settings: EvidenceSettings) -> float:
    """Return how many windows a part is still worth after idle time."""
    idle_s = max(0, at_ns - part.at_ns) / _NS
    left: float = part.count * 0.5 ** (idle_s / settings.half_life_s)
    return left


def _trust(count: float, rho: float) -> float:
    return rho * count / (1.0 + (count - 1.0) * rho)


def _worth(part: Part, settings: EvidenceSettings) -> float:
    return 1.0 if part.stage is Stage.ENROLLED else settings.provisional_worth


def _reasons(speaking: Mapping[Modality, Part]) -> tuple[str, ...]:
    against = sorted((part for part in speaking.values() if part.mean < 0), key=lambda part: part.mean)
    return tuple(dict.fromkeys(reason for part in against for reason in part.reasons))
