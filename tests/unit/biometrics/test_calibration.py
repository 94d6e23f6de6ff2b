"""Scores become log-likelihood ratios that mean what they say."""

import msgspec
import numpy as np
import pytest

from ostiary.biometrics.calibration import Calibration, check_calibration, fit, fit_line
from ostiary.biometrics.measure import cllr
from ostiary.errors import FaultyInputError

RNG = np.random.default_rng(3)
SAME, OTHER = RNG.normal(2, 1, 4_000), RNG.normal(0, 1, 12_000)
TABLE = Calibration([5, 10], [1, 4], [[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, -1.0]], cap=4.0)


def test_two_bells_give_the_ratio_that_they_have():
    slope, offset = fit_line(SAME, OTHER)
    assert slope == pytest.approx(2.0, rel=0.1)
    assert offset == pytest.approx(-2.0, rel=0.1)
    assert cllr(slope * SAME + offset, slope * OTHER + offset) < cllr(SAME, OTHER)


def test_scores_that_tell_nothing_give_nothing_and_never_the_opposite():
    slope, offset = fit_line(OTHER, SAME)
    assert (slope, offset) == (0.0, 0.0)


def test_scores_that_part_everybody_stay_finite():
    slope, offset = fit_line(np.array([5.0, 6.0]), np.array([-5.0, -6.0]))
    assert np.isfinite([slope, offset]).all()
    assert slope > 0


def test_between_knots_the_line_is_over_the_logarithm():
    assert TABLE.llr(1.0, 5, 2) == pytest.approx(1.5)
    assert TABLE.llr(1.0, 10, 100) == pytest.approx(3.0)
    assert TABLE.llr(1.0, 1, 1) == pytest.approx(1.0)
    assert TABLE.llrs(np.array([1.0, np.nan, -9.0]), 5, 1)[[0, 2]].tolist() == [1.0, -4.0]


def test_a_grid_is_fitted_whole():
    table = fit({(5, 1): (SAME, OTHER), (5, 3): (SAME + 1, OTHER)})
    assert check_calibration(table).windows == [1, 3]
    with pytest.raises(FaultyInputError, match="cell"):
        fit({(5, 1): (SAME, OTHER), (6, 3): (SAME, OTHER)})
    with pytest.raises(FaultyInputError, match="two trials"):
        fit_line(SAME[:1], OTHER)


@pytest.mark.parametrize(
    "change",
    [
        {"enrolled": [10, 5]},
        {"windows": [0, 4]},
        {"slopes": [[1.0, 2.0]]},
        {"slopes": [[1.0, -2.0], [3.0, 4.0]]},
        {"offsets": [[0.0, float("nan")], [0.0, 0.0]]},
        {"cap": 0.0},
        {"windows": []},
    ],
)
def test_a_broken_table_is_refused(change):
    with pytest.raises(FaultyInputError) as fault:
        check_calibration(msgspec.structs.replace(TABLE, **change))
    assert fault.value.code == "calibration_malformed"
