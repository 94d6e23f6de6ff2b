"""The inspector of prompts: rules, then the linear model, then the encoder where neither is sure.

- The operator's text passes untouched. A user's text and data each have their own rules, model and scale.
- Every reading of a text is judged (``readings``), the worst counts: to encode an attack never helps it.
- A reading that is no language, where there are others, is judged by its words alone: a model that cannot read a text
  takes it for an attack, and a benign text written oddly is judged by what it says.
- All speak in log-odds on the channel's one scale. ``score`` is 0.5 exactly at the threshold: ``verdict == block`` says
  the same as ``score >= 0.5``, and any other threshold on ``score`` is an operating point too.
- The encoder, the dearest, is asked of ``MAX_ASKED`` pieces of all readings together: no text buys more of it.
- Rules and models only raise. A model that is missing leaves the rules, and says so: ``available``.
- What is thought of data depends on the text and on ``version`` alone: who indexes keeps it by the text's digest, and
  requests pay nothing. The cascade itself remembers only where it is told to (``opening``).
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from math import exp, log1p
from typing import TYPE_CHECKING, Final

from ostiary.inspection.learned.thresholds import PLAIN, ChannelNumbers
from ostiary.inspection.prompt.readings import Reading, readings
from ostiary.inspection.prompt.remembered import Remembered
from ostiary.inspection.prompt.rules import DIRECT, HINT, INDIRECT, INJECTION_RISK, OBFUSCATION, SURE, look
from ostiary.inspection.text import Normalised, normalise
from ostiary.inspection.unwrapping import plain_words
from ostiary.vocabulary.inspecting import Finding, Inspected, Verdict
from ostiary.vocabulary.labels import Channel

if TYPE_CHECKING:
    from ostiary.inspection.learned.judging import Detector, Judged

RULES_VERSION: Final = "1"
MAX_FINDINGS: Final = 16
MAX_ASKED: Final = 24
_NOTHING: Final = -8.0  # log-odds below the threshold of what nobody has anything to say of
_ECHO: Final = 0.1  # how much of a second voice is heard beside a louder one
_LEAST_HIDDEN: Final = 6
_DRESSED: Final[Mapping[str, int]] = {
    "bidi": 4,
    "zero_width": 8,
    "combining": 12,
    "confusable": 3,
    "emoji_in_word": 4,
    "lookalike": 6,
}


class Cascade:
    """Looks into prompts; safe for several threads."""

    def __init__(
        self, detectors: Mapping[str, "Detector"], *, digest: str = "", missing: str = "", remembered: int = 0
    ) -> None:
        """Keep what judges.

        Args:
            detectors: by channel, ``user`` and ``data``; empty when there are none.
            digest: of the manifest of their weights.
            missing: why there are none.
            remembered: how many texts of data it may remember.
        """
        self._detectors, self._digest, self._missing = detectors, digest, missing
        self._known = Remembered[Inspected](remembered)

    @property
    def missing(self) -> str:
        """Why a learned detector does not take part, empty when all do; policy is told."""
        return self._missing or next((one.missing for one in self._detectors.values() if one.missing), "")

    @property
    def version(self) -> str:
        """What a remembered verdict belongs to: another version may say something else."""
        return sha256(f"{RULES_VERSION} {self._digest}".encode()).hexdigest()[:16]

    def inspect(self, text: str, channel: Channel) -> Inspected:
        """Return what is to be thought of ``text``; a text of the operator always passes.

        Raises:
            FaultyInputError: ``text_too_long``.
        """
        digest = digest_of(text)
        if channel is Channel.OPERATOR:
            return Inspected(Verdict.PASS, digest=digest)
        if channel is Channel.USER:
            return self._judge(text, channel, digest)
        known = self._known.get(digest)
        if known is None:
            known = self._judge(text, channel, digest)
            self._known.put(digest, known)
        return known

    def _judge(self, text: str, channel: Channel, digest: str) -> Inspected:
        detector = self._detectors.get("user" if channel is Channel.USER else "data")
        numbers = detector.numbers if detector else PLAIN
        plain = normalise(text)
        found: list[Finding] = []
        z, left = numbers.threshold + _NOTHING, MAX_ASKED
        every = list(readings(plain))
        for place, reading in enumerate(every):
            voice = _Voice(reading, channel, numbers, self._digest, alone=len(every) == 1)
            odds = voice.hear(detector, plain if not place else None, left)
            left -= voice.asked
            if odds is not None:
                z = _louder(z, odds) if place == 0 else max(z, odds)
            found += voice.findings
        score = numbers.score(z)
        verdict = Verdict.BLOCK if z >= numbers.threshold else Verdict.FLAG if z >= numbers.flag else Verdict.PASS
        return Inspected(verdict, score, _distinct(found), digest, available=not self.missing)


class _Voice:
    """What is said of one reading of a text."""

    def __init__(
        self, reading: Reading, channel: Channel, numbers: ChannelNumbers, digest: str, *, alone: bool
    ) -> None:
        self._alone = alone
        self._reading, self._channel, self._numbers, self._digest = reading, channel, numbers, digest
        self.findings: list[Finding] = []
        self.asked = 0

    def hear(self, detector: "Detector | None", plain: Normalised | None, left: int) -> float | None:
        """Return the log-odds of the reading, ``None`` when there is nothing to say."""
        heard = [*self._rules(), *self._disguise(plain)]
        judged = self._model(detector, left) if detector else None
        if judged is not None:
            self.asked = judged.asked
            heard.append(judged.z)
        if not heard:
            return None
        total = heard[0]
        for other in heard[1:]:
            total = _louder(total, other)
        if self._reading.kinds and total >= self._numbers.flag:
            self._tell_encoding(total)
        return total

    def _strength(self, strength: float) -> float:
        return self._numbers.threshold + strength if strength > HINT else self._numbers.flag

    def _rules(self) -> Iterator[float]:
        for hit in look(self._reading.text.lower(), self._channel):
            start, end = self._reading.span(hit.start, hit.end)
            self.findings.append(Finding(hit.rule.name, start, end, atlas=hit.rule.atlas, owasp=hit.rule.owasp))
            yield self._strength(hit.strength)

    def _disguise(self, plain: Normalised | None) -> Iterator[float]:
        """Yield what hiding itself is worth: a text that is not to be seen is an attack, odd letters are a hint."""
        if self._reading.hidden and sum(map(str.isalpha, self._reading.text)) >= _LEAST_HIDDEN:
            yield self._strength(SURE)
        for mark, count in (plain.marks if plain else {}).items():
            if count >= _DRESSED.get(mark, count + 1):
                self.findings.append(
                    Finding(f"obfuscation.{mark}", 0, 0, self._score(self._strength(HINT)), OBFUSCATION, INJECTION_RISK)
                )
                yield self._strength(HINT)

    def _model(self, detector: "Detector", left: int) -> "Judged | None":
        """Return what the model thinks; of a text that is no language, beside others, it reads the words alone."""
        words = None if self._alone else plain_words(self._reading.text)
        judged = detector.judge(self._reading.text if words is None else words, left)
        if judged is not None:
            self._tell(judged, whole=words is not None)
        return judged

    def _tell(self, judged: "Judged", *, whole: bool) -> None:
        name = "user" if self._channel is Channel.USER else "data"
        atlas = DIRECT if self._channel is Channel.USER else INDIRECT
        for start, end, odds in judged.pieces:
            if odds >= self._numbers.flag:
                span = self._reading.span(*((0, len(self._reading.text)) if whole else (start, end)))
                score = self._score(odds)
                self.findings.append(
                    Finding(f"injection.{name}_model", *span, score, atlas, INJECTION_RISK, self._digest)
                )

    def _tell_encoding(self, odds: float) -> None:
        kind = "hidden" if self._reading.hidden else "obfuscation"
        for name in self._reading.kinds:
            self.findings.append(
                Finding(f"{kind}.{name}", *self._reading.place, self._score(odds), OBFUSCATION, INJECTION_RISK)
            )

    def _score(self, odds: float) -> float:
        return self._numbers.score(odds)


def _louder(one: float, other: float) -> float:
    """Return the louder of two voices and a little of the other: strictly rising in both, so that there are no ties."""
    return max(one, other) + _ECHO * log1p(exp(-abs(one - other)))


def _distinct(found: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings, worst first, each rule and place once."""
    worst: dict[tuple[str, int, int], Finding] = {}
    for one in sorted(found, key=lambda one: -one.score):
        worst.setdefault((one.rule, one.start, one.end), one)
    return tuple(worst.values())[:MAX_FINDINGS]


def digest_of(text: str) -> str:
    """Return the digest of a text, lone surrogates and all."""
    return f"sha256:{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
