"""Which models score for a tenant, put together: whose keys are believed, what opens one, what scores without any."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from ostiary.artifacts.shipped import models_dir
from ostiary.errors import UnavailableError, VerificationError
from ostiary.keys import KeyRing, VerifyingKey
from ostiary.response.blocks import ModelBlocks
from ostiary.server.places import DEFAULT_TENANT, Places
from ostiary.server.scorers import Judging, Scorers
from ostiary.server.session_memory import SessionMemory
from ostiary.server.settings.sections import Settings
from ostiary.signals import features
from ostiary.storage.tables import Store
from ostiary.vocabulary.scoring import Scorer

MODEL_PURPOSE: Final = "models"
OnFault = Callable[[str, BaseException], None]


def scored(
    places: Places, settings: Settings, ring: KeyRing, on_fault: OnFault, store: Store
) -> tuple[SessionMemory, Scorers]:
    """Return what models of sessions remember, and which risk model scores for a tenant."""
    memory = SessionMemory(store.snapshots, on_fault)
    return memory, _scorers(places, settings, ring, on_fault, ModelBlocks(store.cards), memory.scorer)


def _scorers(
    places: Places, settings: Settings, ring: KeyRing, on_fault: OnFault, blocks: ModelBlocks, judging: Judging
) -> Scorers:
    from ostiary.risk.cold_start import LikelihoodRatio  # noqa: PLC0415 - as below
    from ostiary.risk.guarded import GuardedScorer  # noqa: PLC0415

    def load(tenant: str, source: Path) -> Scorer:
        # Imported here: the risk extra may be absent, and then nothing of it is touched (law 2).
        from ostiary.risk.model import load_scorer  # noqa: PLC0415

        scorer = load_scorer(
            source,
            trusted_model_keys(places, ring, tenant),
            feature_set=features.SET_DIGEST,
            names=features.NAMES,
            words=lambda name, _value, _event: name,
        )
        if scorer.schema.settled_days != settings.signals.settled_days:
            text = f"the model wants `signals.settled_days = {scorer.schema.settled_days:g}`"
            raise VerificationError("model_settled_habits", text)
        return GuardedScorer(scorer, lambda fault: on_fault("risk_error", fault))

    risk = settings.risk
    cold = GuardedScorer(LikelihoodRatio(), lambda fault: on_fault("risk_error", fault)) if risk.cold_start else None

    shipped = _shipped_models()
    return Scorers(
        places,
        risk.model,
        shipped,
        load,
        on_fault,
        enabled=risk.enabled,
        cold=cold,
        judging=judging,
        blocked=blocks.is_blocked,
    )


def _shipped_models() -> list[Path]:
    try:
        return [models_dir() / "access"]
    except UnavailableError:
        return []


def trusted_model_keys(places: Places, ring: KeyRing, tenant: str) -> list[VerifyingKey]:
    """Return the keys whose models are believed: the tenant's, the deployment's, and those in ``trust/models``."""
    own = [key for name in dict.fromkeys((tenant, DEFAULT_TENANT)) for key in ring.all_public(name, MODEL_PURPOSE)]
    files = sorted((places.root / "trust" / "models").glob("*.pem"))
    return own + [VerifyingKey.from_pem(path.stem, path.read_bytes()) for path in files]
