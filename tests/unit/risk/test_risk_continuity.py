"""A model trained anew keeps alert rates: about as many own accesses lie above each score as before."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ostiary.risk.calibration import check_calibration
from ostiary.risk.training.continuity import continued, mapped


def drawn(seed: int, shift: float, width: float, count: int = 20_000) -> np.ndarray:
    return 1 / (1 + np.exp(-(np.random.default_rng(seed).normal(shift, width, count))))


@given(st.integers(0, 9), st.floats(-6, 1), st.floats(0.3, 3), st.floats(-6, 1), st.floats(0.3, 3))
def test_alert_rates_do_not_jump(seed: int, shift: float, width: float, old_shift: float, old_width: float) -> None:
    new, old = drawn(seed, shift, width), drawn(seed + 99, old_shift, old_width)
    table = check_calibration(continued(new, old, 0.001))
    told = mapped(table, drawn(seed + 500, shift, width))
    for share in (0.5, 0.9, 0.99, 0.999):
        threshold = np.quantile(old, share)
        assert abs((told >= threshold).mean() - (1 - share)) < max(0.02, 3 * (1 - share)) * 0.5


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_any_scores_give_a_sound_map_that_keeps_their_order(new: list[float], old: list[float]) -> None:
    table = check_calibration(continued(np.array(new), np.array(old), 0.001))
    told = mapped(table, np.array(sorted(new)))
    assert all(low <= high for low, high in pairwise(told))


def test_the_way_back_is_the_way_there() -> None:
    table = continued(drawn(1, -3, 1), drawn(2, -5, 2), 0.001)
    for logit in (-9.0, -3.0, 0.5, 4.0):
        assert abs(table.inverse().logit(table.logit(logit)) - logit) < 1e-9
