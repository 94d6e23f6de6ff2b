"""A past and a model for where there are none: the simulated organisation with attacks in its sessions.

Figures on it compare defences with each other; they say nothing about real life, and every report says so.
"""

from pathlib import Path
from typing import Final

from ostiary.errors import UnavailableError
from ostiary.keys import KeyRing
from ostiary.redteam.world import SIMULATED, Past
from ostiary.risk.model import RiskModel, load_scorer
from ostiary.risk.reasons import plain_words
from ostiary.risk.source import Source
from ostiary.signals import features
from ostiary.testing.labelled_sessions import labelled
from ostiary.vocabulary.clock import SystemClock

TENANT: Final = "default"
_EARLIER: Final = 0.7
_RATE: Final = 0.12
_TREES: Final = 120


def simulated_past(seed: int, people: int, days: int) -> Past:
    """Return a labelled history of a simulated organisation; seven tenths of it may be learned from."""
    told = labelled(seed, people, days, _RATE, TENANT)
    attacks = {name: attack.attack_id for attack in told.attacks for name in attack.events}
    verdicts = {
        event.event_id: int(event.event_id in attacks) for event in told.events if event.event_id in told.eligible
    }
    border = told.events[int(len(told.events) * _EARLIER)].time_ns
    return Past(told.events, verdicts, attacks, border)


def trained_model(past: Past, seed: int, folder: Path) -> RiskModel:
    """Return a model trained on the past before its border, signed and loaded as any other.

    Raises:
        UnavailableError: ``risk_extra_missing``.
    """
    try:
        from ostiary.risk.training.fit import FitSettings  # noqa: PLC0415 - heavy, and may be absent
        from ostiary.risk.training.prepare import PrepareSettings  # noqa: PLC0415
        from ostiary.risk.training.train import TrainSettings, train  # noqa: PLC0415
        from ostiary.risk.training.write import write_model  # noqa: PLC0415
    except ImportError as fault:
        raise UnavailableError(
            "risk_extra_missing", "this needs the risk extra: pip install 'ostiary[risk]'"
        ) from fault
    earlier = past.earlier
    source = Source(SIMULATED, "0" * 64, len(earlier))
    small = FitSettings(most_trees=_TREES, threads=1)
    settings = TrainSettings(seed=seed, session_rounds=1, prepare=PrepareSettings(rounds=1, most_rounds=1), fit=small)
    known = {event.event_id for event in earlier}
    verdicts = {name: label for name, label in past.verdicts.items() if name in known}
    made = train(earlier, verdicts, [source], settings)
    key = KeyRing(folder / "keys", SystemClock()).active(TENANT, "models")
    digest = write_model(made, folder / "model", key, created_ns=past.border_ns, tenant=TENANT)
    return load_scorer(
        folder / "model",
        [key.public],
        feature_set=features.SET_DIGEST,
        names=features.NAMES,
        words=plain_words,
        pinned=digest,
    )
