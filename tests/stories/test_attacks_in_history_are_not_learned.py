"""An attacker was in the logs before anybody looked: what it did must not be learned as somebody's own behaviour."""

import numpy as np

from ostiary.risk.training.contrast import OWN, ContrastSettings, Planter
from ostiary.risk.training.fit import FitSettings
from ostiary.risk.training.folds import fit_folds, suspects
from ostiary.risk.training.prepare import PrepareSettings, prepare
from ostiary.signals.features import FEATURES, NAMES
from ostiary.testing.organisation import Organisation

ROUNDS = PrepareSettings(rounds=2, most_rounds=4, ghost_share=0.0, contrast=ContrastSettings(share=0.06))


def test_unlabelled_attacks_are_suspected_and_left_out_of_the_fit() -> None:
    clean = Organisation(people=16, days=14).history()
    past = Planter(clean, ContrastSettings(share=0.04)).plant(99)  # nobody knows of these
    attack = {event.event_id for event, kind in zip(past.events, past.kind, strict=True) if kind != OWN}
    examples = prepare(past.events, {}, ROUNDS, 7, lambda _what, _share: None)
    folds = fit_folds(
        examples.rows,
        examples.label,
        examples.subject,
        names=NAMES,
        monotone=tuple(spec.monotone for spec in FEATURES),
        settings=FitSettings(most_trees=100, column_share=0.3, bins=31),
        seed=7,
    )
    found = suspects(folds, examples.label, 0.5)
    by_time = {event.time_ns: event.event_id for event in past.events}
    own = examples.label == 0
    is_attack = np.array([by_time[time] in attack for time in examples.time_ns.tolist()])
    assert found.sum() > 0
    assert not found[~own].any()
    assert is_attack[found].mean() > 5 * is_attack[own].mean()
    assert found[own].mean() < 0.1
