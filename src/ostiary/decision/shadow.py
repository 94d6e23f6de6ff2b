"""Shadow: what a candidate would have said to a decision that was answered already. Pure, and it changes nothing.

- The enforced answer is read from its record and never asked for again; the candidate is asked by ``replay``'s rules:
  the very bytes and features of the record, no clock, no profile.
- ``would`` is what an answer comes to when every control is live, so that two models differ even where none may act.
- ``reach`` tells for each control alone whether the models would have acted through it, above what policy asks for
  anyway. It is how a deployment without any candidate measures its own model before it is let act (HOUSE.md §1 law 1).
- Counts are kept in ``Cell``s: an hour, the controls, both effects, the subject's groups and the resource's class.

>>> from ostiary.vocabulary.verdicts import RuleHit
>>> [control.value for control in reach((RuleHit("odd", Effect.STEP_UP),), Effect.ALLOW, Effect.TERMINATE)]
['reduce', 'session_lifetime', 'step_up']
>>> reach((RuleHit("odd", Effect.STEP_UP),), Effect.DENY, Effect.TERMINATE)
()
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.decision.combine import control_of
from ostiary.decision.phases import PhaseTable
from ostiary.decision.ports import PolicyEngine
from ostiary.decision.replay import decide_again
from ostiary.decision.suppressing import withheld
from ostiary.vocabulary.effects import Control, Effect, Phase
from ostiary.vocabulary.scoring import RiskScore, Scorer
from ostiary.vocabulary.verdicts import DecisionRecord, Outcome, RuleHit

HOUR_NS: Final = 3_600 * 10**9
MAX_GROUPS: Final = 4
MAX_NAME: Final = 64
_ALONE: Final = {control: PhaseTable({control: Phase.HIGH_IMPACT}) for control in Control}


class Flip(StrEnum):
    """How a candidate's answer stands to the enforced one, the gravest that holds."""

    LOOSER = "looser"
    STRICTER = "stricter"
    PROPOSAL = "proposal"
    REASONS = "reasons"
    MATCH = "match"


class Candidate(msgspec.Struct, frozen=True):
    """What is asked beside the live one; what is ``None`` stays as the record has it.

    Attributes:
        engine: the policy: the candidate's, or the live one when only the model is another.
        scorer: a candidate model.
        phases: other phases.
    """

    engine: PolicyEngine
    scorer: Scorer | None = None
    phases: PhaseTable | None = None


class Side(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the two answers.

    Attributes:
        effect: what it came to.
        would: what it would come to with every control live.
        floor, proposal: the parts of that sum.
        reach: controls through which the models would act, each alone.
        reasons: reason codes.
        score, level: of the model, when it had one.
    """

    effect: Effect
    would: Effect
    floor: Effect
    proposal: Effect
    reach: tuple[Control, ...] = ()
    reasons: tuple[str, ...] = ()
    score: float | None = None
    level: str = "unknown"


class Compared(msgspec.Struct, frozen=True):
    """Both answers to one decision."""

    decision_id: str
    before: Side
    after: Side

    @property
    def flip(self) -> Flip:
        """How they differ; reasons count last."""
        before, after = self.before, self.after
        if after.effect != before.effect:
            return Flip.LOOSER if after.effect < before.effect else Flip.STRICTER
        if (after.would, after.reach) != (before.would, before.reach):
            return Flip.PROPOSAL
        return Flip.MATCH if after.reasons == before.reasons else Flip.REASONS


class Cell(msgspec.Struct, frozen=True, order=True):
    """What one count is of.

    Attributes:
        hour: hours since the Unix epoch.
        controls: those that would act, joined by ``+`` in their order; empty for none.
        before, after: the enforced effect, and what would have been.
        groups: of the subject, sorted and joined by ``+``.
        resource_class: type of the resource.
    """

    hour: int
    controls: str = ""
    before: int = 0
    after: int = 0
    groups: str = ""
    resource_class: str = ""


def comparable(record: DecisionRecord) -> bool:
    """Return whether a record is an evaluation that reached policy."""
    return record.kind == "evaluation" and not record.refusal and record.event is not None


def compare(record: DecisionRecord, candidate: Candidate) -> Compared:
    """Return the enforced answer beside the candidate's.

    Args:
        record: an evaluation that reached policy (``comparable``).
        candidate: what is asked; it may be anything, nothing of it comes near the enforced answer.

    Raises:
        FaultyInputError: ``record_not_replayable``.
    """
    again = decide_again(record, candidate.engine, candidate.scorer, candidate.phases)
    hidden = withheld(again.adaptive.hits, record.suppressions, again.risk)
    after = side_of(again.outcome, again.adaptive.hits, again.risk, hidden)
    return Compared(record.receipt.decision_id, enforced(record), after)


def enforced(record: DecisionRecord) -> Side:
    """Return the answer that was given."""
    hits = record.adaptive.hits if record.adaptive else ()
    return side_of(record.outcome, hits, record.risk, withheld(hits, record.suppressions, record.risk))


def side_of(
    outcome: Outcome, hits: Sequence[RuleHit], risk: RiskScore | None, hidden: frozenset[str] = frozenset()
) -> Side:
    """Return one answer; ``hidden`` rules were silenced by people, and would not act in any phase."""
    acting = [hit for hit in hits if hit.rule not in hidden] if outcome.proposal > Effect.ALLOW else []
    wanted = max((hit.effect for hit in acting), default=Effect.ALLOW)
    return Side(
        effect=outcome.effect,
        would=max(outcome.floor, outcome.effect, min(wanted, outcome.ceiling)),
        floor=outcome.floor,
        proposal=outcome.proposal,
        reach=reach(acting, outcome.floor, outcome.ceiling),
        reasons=outcome.reasons,
        score=risk.score if risk else None,
        level=risk.level if risk else "unknown",
    )


def reach(hits: Sequence[RuleHit], floor: Effect, ceiling: Effect) -> tuple[Control, ...]:
    """Return the controls through which the models' proposals would act if that control alone were live."""
    found = [(hit.effect, control_of(hit)) for hit in hits]
    return tuple(
        control
        for control, table in _ALONE.items()
        if max((table.fall(effect, own, ceiling) for effect, own in found), default=Effect.ALLOW) > floor
    )


def cell_of(record: DecisionRecord, before: Effect, side: Side) -> Cell:
    """Return where a comparison is counted."""
    event = record.event
    groups = sorted(event.groups)[:MAX_GROUPS] if event else []
    return Cell(
        hour=record.receipt.received_ns // HOUR_NS,
        controls="+".join(control.value for control in side.reach),
        before=int(before),
        after=int(side.would),
        groups="+".join(name[:MAX_NAME].replace("+", " ") for name in groups),
        resource_class=event.resource_type[:MAX_NAME] if event else "",
    )
