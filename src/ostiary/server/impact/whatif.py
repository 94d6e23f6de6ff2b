"""One hypothetical request, decided as it would be now and as it would be under a draft, side by side.

- The same code as a real decision: ``Decider`` with its own parts, what is supposed put in front (``supposed.py``).
- No decision comes of it: nothing is recorded as one, no session moves, no profile learns, no token is spent. That
  somebody asked is on record, before he is answered.
- Both policies are asked in processes of their own, so that a draft can break nothing; a draft is linted first.
- Tokens and proofs in the context are dropped unread: a hypothesis proves nothing. For administrators only.
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from ostiary.decision.decide import Decider
from ostiary.decision.parts import Call
from ostiary.decision.phases import PhaseTable
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.extract import strip_presented
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.policy.apart import ApartEngine
from ostiary.policy.bundle import Bundle
from ostiary.policy.limits import BundleLimits, SandboxLimits
from ostiary.policy.sandbox import try_out
from ostiary.policy.unmet import RuleTold, told_of
from ostiary.server.deeds import record_about
from ostiary.server.drafts.loading import load_bundle
from ostiary.server.impact.supposed import Facts, check, phases_of, supposed
from ostiary.server.requests import read_evaluation
from ostiary.server.wiring import House
from ostiary.vocabulary.entities import EvaluationRequest, Receipt
from ostiary.vocabulary.rollout import Where
from ostiary.vocabulary.scoring import Scorer
from ostiary.vocabulary.verdicts import DecisionRecord

PEP: Final = "whatif"
_MOST_BYTES: Final = 1 << 20


class Draft(msgspec.Struct, frozen=True):
    """What would be in force instead: a bundle, a model's scorer, phases. What is ``None`` is as it is now."""

    bundle: Bundle | None = None
    scorer: Scorer | None = None
    phases: dict[str, str] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be otherwise."""
        return self.bundle is None and self.scorer is None and not self.phases


class Side(msgspec.Struct, frozen=True):
    """One decision of the two, with its parts kept apart; ``rules`` tells every rule, applied ones first."""

    effect: str
    decision: bool
    floor: str
    proposal: str
    applied_proposal: str
    ceiling: str
    reasons: tuple[str, ...]
    rules: list[RuleTold]
    unmet: list[dict[str, str]]
    obligations: list[dict[str, Any]]
    score: float | None
    level: str
    bundle: str
    phases: dict[str, str]
    fault: str = ""


class WhatIf(msgspec.Struct, frozen=True):
    """Both decisions; ``projected`` is ``None`` where no draft was given."""

    request: dict[str, Any]
    at_ns: int
    current: Side
    projected: Side | None
    changed: bool


def draft_of(files: dict[str, str] | None, phases: dict[str, str], scorer: Scorer | None = None) -> Draft:
    """Return a draft of a bundle's texts by path.

    Raises:
        FaultyInputError: ``bundle_…``.
    """
    if files is None:
        return Draft(None, scorer, phases)
    limits = BundleLimits()
    if len(files) > limits.max_files or sum(len(text) for text in files.values()) > _MOST_BYTES:
        raise FaultyInputError("bundle_too_large", "the draft bundle is too large")
    bad = [
        path for path in files if path.startswith("/") or ".." in path.split("/") or len(path) > limits.max_path_chars
    ]
    if bad:
        raise FaultyInputError("bundle_malformed", f"`{bad[0][:80]}` is no path in a bundle")
    return Draft(Bundle.of(files), scorer, phases)


def what_if(
    house: House, who: str, tenant: str, body: dict[str, Any], facts: Facts | None = None, draft: Draft | None = None
) -> WhatIf:
    """Decide one hypothetical request twice.

    Args:
        house: where the decision would be made.
        who: who asks, for the record.
        tenant: whose decision it would be.
        body: an AuthZEN access evaluation request.
        facts: what is supposed.
        draft: what would be in force instead.

    Raises:
        FaultyInputError: ``request_invalid``, ``fact_invalid``, ``bundle_…``.
        RefusedError: ``policy_refused``: lint finds errors in the draft.
    """
    facts, draft = facts or Facts(), draft or Draft()
    request = read_evaluation(body)
    request = msgspec.structs.replace(request, context=strip_presented(request.context))
    check(facts)
    subject = request.subject
    groups = house.decider.parts.directory.subject(tenant, subject.type, subject.id).groups
    where = Where(f"{subject.type}:{subject.id}", request.resource.type, groups)
    now = phases_of({}, house.rollout.phases(tenant, where))
    later = phases_of(draft.phases, now)
    if draft.bundle is not None:
        _lint(draft.bundle)
    at_ns = facts.at_ns or house.clock.now_ns()
    told = msgspec.to_builtins(request)
    told_draft = {"bundle": draft.bundle.digest if draft.bundle else "", "phases": draft.phases}
    record_about(
        where.subject_key,
        house,
        who,
        tenant,
        "whatif",
        {"request": told, "facts": msgspec.to_builtins(facts), "draft": told_draft},
    )
    bundle = load_bundle(house.policies.source(tenant))
    scorer = house.scorers.scorer(tenant)
    current = _side(house, tenant, request, facts, bundle, scorer, now, at_ns)
    if draft.is_empty:
        return WhatIf(told, at_ns, current, None, changed=False)
    projected = _side(house, tenant, request, facts, draft.bundle or bundle, draft.scorer or scorer, later, at_ns)
    changed = (current.effect, current.reasons) != (projected.effect, projected.reasons)
    return WhatIf(told, at_ns, current, projected, changed=changed)


def _lint(bundle: Bundle) -> None:
    report = try_out(bundle, "lint")
    if report.errors:
        codes = [each.code for each in report.errors]
        raise RefusedError("policy_refused", f"the policy bundle is refused: {report.why_not()}", codes)


def _side(
    house: House,
    tenant: str,
    request: EvaluationRequest,
    facts: Facts,
    bundle: Bundle,
    scorer: Scorer | None,
    phases: PhaseTable,
    at_ns: int,
) -> Side:
    with ApartEngine(bundle, SandboxLimits()) as engine:
        parts = supposed(house.decider.parts, facts, engine, scorer, phases, at_ns)
        pep = PepIdentity(pep_id=PEP, tenant=tenant, subjects="asserted")
        decided = Decider(parts).decide(Receipt("dec_whatif", at_ns), Call(pep, request, PresentedSubject()))
        return _told(decided.record, engine, bundle, phases)


def _told(record: DecisionRecord, engine: ApartEngine, bundle: Bundle, phases: PhaseTable) -> Side:
    outcome, verdict = record.outcome, record.guardrails
    hits = [*(verdict.hits if verdict else ()), *(record.adaptive.hits if record.adaptive else ())]
    rules = told_of(engine.bundle.rules, bundle.live_sources, {hit.rule for hit in hits}, engine.touched, engine.holds)
    known = {rule.rule for rule in rules}
    others = [RuleTold(hit.rule, hit.effect.name, applies=True) for hit in hits if hit.rule not in known]
    risk = record.risk
    return Side(
        effect=outcome.effect.name,
        decision=outcome.effect.permits,
        floor=outcome.floor.name,
        proposal=outcome.proposal.name,
        applied_proposal=outcome.applied_proposal.name,
        ceiling=outcome.ceiling.name,
        reasons=outcome.reasons,
        rules=[*others, *rules],
        unmet=[msgspec.to_builtins(each) for each in (verdict.unmet if verdict else ())],
        obligations=[msgspec.to_builtins(each) for each in record.obligations],
        score=risk.score if risk else None,
        level=risk.level if risk else "",
        bundle=bundle.digest,
        phases={control: phase.name.lower() for control, phase in phases.phases.items()},
        fault=engine.fault or record.fault,
    )


def load_draft(source: Path | None, phases: dict[str, str], scorer: Scorer | None = None) -> Draft:
    """Return a draft whose bundle lies in a folder or archive.

    Raises:
        FaultyInputError: ``bundle_…``.
    """
    return Draft(None if source is None else Bundle.load(source), scorer, phases)
