"""One record decided again under the bundle and the model that are in force: the same, or an honest difference.

Phases, session and features stay as recorded. Nothing is recorded, nobody learns: it is the replay of ``decision``.
"""

from typing import Any

from ostiary.decision.replay import replay
from ostiary.server.wiring import House
from ostiary.signals import features
from ostiary.vocabulary.verdicts import DecisionRecord


def decided_again(house: House, record: DecisionRecord) -> dict[str, Any]:
    """Return what a decision would be now.

    Returns:
        ``before`` and ``after`` (effects), their reasons, ``changed``; ``bundle_before``, ``bundle_after``,
        ``model_before``, ``model_after`` (digests); ``rescored``: whether the model in force scored it anew; where its
        features are of another set the recorded score was kept.

    Raises:
        FaultyInputError: ``record_not_replayable``.
        UnavailableError: the policy cannot be loaded.
    """
    tenant = record.tenant
    engine, scorer = house.policies.load(tenant), house.scorers.scorer(tenant)
    fits = scorer is not None and record.feature_set == features.SET_DIGEST and bool(record.features)
    used = scorer if fits else None
    found = replay(record, engine, used)
    return {
        "decision_id": found.decision_id,
        "before": found.before.name,
        "after": found.after.name,
        "reasons_before": list(found.reasons_before),
        "reasons_after": list(found.reasons_after),
        "changed": found.changed,
        "refused_before_policy": bool(record.refusal),
        "bundle_before": record.bundle,
        "bundle_after": engine.bundle.digest,
        "model_before": record.risk.model if record.risk else "",
        "model_after": scorer.digest if scorer is not None else "",
        "rescored": used is not None and not record.refusal,
    }
