"""Replay: the same record under the same bundle and model gives the same decision; under others, an honest diff.

Policy sees the very bytes that the record keeps, the model the very features. Nothing is read from now: no clock,
no profile, no session.
"""

from typing import Final

import msgspec

from ostiary.decision.combine import BreakGlass, combine
from ostiary.decision.document import guardrails_member
from ostiary.decision.held import with_session
from ostiary.decision.numbers import unpack
from ostiary.decision.phases import PhaseTable
from ostiary.decision.ports import PolicyEngine
from ostiary.decision.resting import Seen, proposed, scored
from ostiary.decision.suppressing import withheld
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.effects import Control, Effect
from ostiary.vocabulary.scoring import RiskScore, Scorer
from ostiary.vocabulary.verdicts import AdaptiveVerdict, DecisionRecord, GuardrailVerdict, Outcome


class Replayed(msgspec.Struct, frozen=True):
    """What a record would have come to; ``changed`` compares effects and reasons with what it did come to."""

    decision_id: str
    before: Effect
    after: Effect
    reasons_before: tuple[str, ...]
    reasons_after: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether effect or reasons differ."""
        return self.before != self.after or self.reasons_before != self.reasons_after


class Again(msgspec.Struct, frozen=True):
    """A record decided again: the sum, what the models proposed in it, and the score that they saw."""

    outcome: Outcome
    adaptive: AdaptiveVerdict
    risk: RiskScore


class Said(msgspec.Struct, frozen=True):
    """What the rules to be applied are known to have said of a record: then they need not be asked again.

    Attributes:
        guardrails: their verdict.
        adaptive: what the adaptive rules proposed; it counts where they would be told what they were told then.
    """

    guardrails: GuardrailVerdict | None = None
    adaptive: AdaptiveVerdict | None = None


NOTHING_SAID: Final = Said()


class _Critical(msgspec.Struct):
    critical: bool = False


class _Document(msgspec.Struct):
    resource: _Critical


def replay(
    record: DecisionRecord,
    engine: PolicyEngine,
    scorer: Scorer | None = None,
    phases: PhaseTable | None = None,
    *,
    said: Said = NOTHING_SAID,
) -> Replayed:
    """Decide a recorded evaluation again.

    Args:
        record: an evaluation's record.
        engine: the policy to apply.
        scorer: a model to score with, or ``None`` to keep the recorded score.
        phases: the phases to apply, or ``None`` to keep the recorded ones.
        said: what these very rules are known to have said of the record.

    Returns:
        Both effects with their reasons; a refusal that never reached policy replays as itself.

    Raises:
        FaultyInputError: ``record_not_replayable`` for a search.
    """
    if record.kind != "evaluation":
        raise FaultyInputError("record_not_replayable", f"`{record.receipt.decision_id}` is a {record.kind}")
    after = record.outcome if record.refusal else decide_again(record, engine, scorer, phases, said).outcome
    return Replayed(
        record.receipt.decision_id, record.outcome.effect, after.effect, record.outcome.reasons, after.reasons
    )


def decide_again(
    record: DecisionRecord,
    engine: PolicyEngine,
    scorer: Scorer | None = None,
    phases: PhaseTable | None = None,
    said: Said = NOTHING_SAID,
) -> Again:
    """Decide a record that reached policy again, and keep the parts of the sum; arguments as for ``replay``.

    Raises:
        FaultyInputError: ``record_not_replayable`` when there is no score to be had.
    """
    document, (risk, plain) = bytes(record.input), _risk(record, scorer)
    guardrails = said.guardrails or with_session(engine.guardrails(document), document)
    if said.adaptive is not None and scorer is None and _told_alike(guardrails, record.guardrails):
        adaptive = said.adaptive
    else:
        adaptive = proposed(engine, document, guardrails, Seen(risk, plain, record.session_risk, record.biometrics))
    table = phases or PhaseTable({Control(name): phase for name, phase in record.phases.items()})
    critical = msgspec.json.decode(document, type=_Document).resource.critical
    replaced = frozenset(record.outcome.replaced_by_break_glass)
    glass = BreakGlass(record.outcome.break_glass, replaced) if replaced else None
    hidden = withheld(adaptive.hits, record.suppressions, risk)
    outcome = combine(guardrails, adaptive, table, critical=critical, break_glass=glass, withheld=hidden)
    return Again(outcome, adaptive, risk)


def _risk(record: DecisionRecord, scorer: Scorer | None) -> tuple[RiskScore, RiskScore | None]:
    if scorer is not None and record.event is not None:
        return scored(scorer.score, record.event, unpack(record.features))
    if record.risk is None:
        raise FaultyInputError("record_not_replayable", f"`{record.receipt.decision_id}` has no score to replay")
    return record.risk, record.plain_risk


def _told_alike(now: GuardrailVerdict, then: GuardrailVerdict | None) -> bool:
    """Return whether the adaptive rules would be told the same of both verdicts."""
    return then is not None and guardrails_member(now) == guardrails_member(then)
