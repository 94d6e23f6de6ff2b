"""What a model is asked to stand against decides what its trees may look at, and how old a habit must be."""

import pytest

from ostiary.cli.risk.train import Standing, _shaped
from ostiary.risk.training.train import TrainSettings
from ostiary.signals.settled import DAYS


@pytest.mark.parametrize(
    ("asked", "hardened", "certifiable", "days"),
    [
        (Standing(), False, False, 0.0),
        (Standing(hardened=True), True, False, DAYS),
        (Standing(certifiable=True), True, True, DAYS),
        (Standing(certifiable=True, settled_days=3.0), True, True, 3.0),
        (Standing(settled_days=5.0), False, False, 5.0),
    ],
)
def test_a_certifiable_model_is_hardened_and_has_settled_habits(
    asked: Standing, *, hardened: bool, certifiable: bool, days: float
) -> None:
    made = _shaped(TrainSettings(), 1, asked)
    assert (made.fit.hardened, made.fit.certifiable, made.prepare.settled_days) == (hardened, certifiable, days)
