"""The parts of an evaluation: weighted figures, resamples of whole clusters, detection, operating points."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from ostiary.risk.measure.detection import detection
from ostiary.risk.measure.evaluate import Report, percent, ranking, report
from ostiary.risk.measure.metrics import average_precision, groups_caught, recall_at, roc_auc, threshold_at
from ostiary.risk.measure.operating import own_thresholds, points
from ostiary.risk.measure.ranked import Ranked, resamples
from ostiary.risk.measure.reliability import reliability
from ostiary.risk.measure.tally import Counted, Tally, counted, empty
from ostiary.risk.schema import Thresholds
from ostiary.risk.verdicts import Verdict
from ostiary.vocabulary.events import AccessEvent

RATES = (0.001, 0.01, 0.2)
drawn_rows = st.lists(
    st.tuples(st.integers(0, 9).map(lambda n: n / 10), st.integers(-1, 3), st.integers(0, 3)), min_size=1, max_size=60
)


def told_of(drawn: list[tuple[float, int, int]]) -> Tally:
    """One row each: score, attack (below zero for own behaviour), subject."""
    told = empty()
    for place, (score, attack, subject) in enumerate(drawn):
        verdict = Verdict(label=int(attack >= 0), attack=f"a{attack}" if attack >= 0 else "")
        event = AccessEvent(str(place), "t", place * 3_600 * 10**9, f"s{subject}", "read", "db", "x")
        told.add(score, verdict, "foreign" if attack % 2 else "peer", event)
    return told


@given(drawn_rows)
def test_unweighted_figures_are_the_plain_ones(drawn: list[tuple[float, int, int]]) -> None:
    seen = counted(told_of(drawn))
    ranked = Ranked(seen.scores, seen.truth, seen.attack)
    takeovers = int(seen.attack.max(initial=-1)) + 1
    found = ranked.figures(np.ones(len(seen.scores)), np.ones(takeovers), RATES)
    wanted = {
        "roc_auc": roc_auc(seen.scores, seen.truth),
        "average_precision": average_precision(seen.scores, seen.truth),
    }
    for rate in RATES:
        wanted[f"recall@{rate:g}"] = recall_at(seen.scores, seen.truth, rate)
        limit = threshold_at(seen.scores, seen.truth, rate)
        wanted[f"caught@{rate:g}"] = groups_caught(seen.scores, seen.truth, seen.attack, limit)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, nan_ok=True), name


@given(drawn_rows, st.integers(0, 1_000))
def test_weights_are_repetitions(drawn: list[tuple[float, int, int]], seed: int) -> None:
    seen = counted(told_of(drawn))
    weights = np.random.default_rng(seed).integers(0, 4, len(seen.scores))
    scores, truth = np.repeat(seen.scores, weights), np.repeat(seen.truth, weights)
    if not 0 < truth.sum() < len(truth):
        return
    takeovers = int(seen.attack.max(initial=-1)) + 1
    found = Ranked(seen.scores, seen.truth, seen.attack).figures(weights.astype(float), np.ones(takeovers), RATES)
    assert math.isclose(found["roc_auc"], roc_auc_score(truth, scores), abs_tol=1e-12)
    assert math.isclose(found["average_precision"], average_precision_score(truth, scores), abs_tol=1e-12)
    for rate in RATES:
        assert math.isclose(found[f"recall@{rate:g}"], recall_at(scores, truth, rate), abs_tol=1e-12)


@given(drawn_rows)
def test_a_resample_takes_a_takeover_or_a_subject_whole(drawn: list[tuple[float, int, int]]) -> None:
    seen = counted(told_of(drawn))
    for weights, takeovers in resamples(seen, count=3):
        for attack in range(len(takeovers)):
            assert set(weights[seen.attack == attack]) == {takeovers[attack]}
        for subject in range(int(seen.subject.max()) + 1):
            assert len(set(weights[(seen.subject == subject) & (seen.attack < 0)])) <= 1
        assert takeovers.sum() == len(takeovers)


def test_rows_that_repeat_each_other_do_not_narrow_the_interval() -> None:
    luck = np.random.default_rng(11)
    once = [(float(luck.normal(1.0)), attack, attack) for attack in range(15)]
    own = [(float(luck.normal()), -1, 20 + subject) for subject in range(40)]
    widths = []
    for copies in (1, 20):
        told = ranking(counted(told_of(once * copies + own * copies)))
        assert told.roc_auc.low is not None
        assert told.roc_auc.high is not None
        widths.append(told.roc_auc.high - told.roc_auc.low)
    assert widths[1] == pytest.approx(widths[0], rel=0.05)


def test_intervals_hold_the_value_and_come_back_the_same() -> None:
    luck = np.random.default_rng(12)
    drawn = [(float(luck.normal(2 * (n % 5 == 0))), n % 7 if n % 5 == 0 else -1, n % 30) for n in range(400)]
    one, other = ranking(counted(told_of(drawn))), ranking(counted(told_of(drawn)))
    assert one == other
    for figure in (one.roc_auc, one.average_precision, *one.recall.values(), *one.takeovers_caught.values()):
        assert figure.low is not None
        assert figure.value is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high


def test_time_to_detect_counts_from_the_first_access() -> None:
    seen = counted(told_of([(0.1, 0, 0), (0.2, -1, 1), (0.9, 0, 0), (0.9, 1, 1), (0.1, 2, 2)]))
    told = detection(seen, 0.5)
    assert (told.takeovers, told.caught) == (3, 2)
    assert told.at_once == pytest.approx(1 / 3)
    assert (told.sessions_median, told.hours_median) == (1.5, 1.0)
    assert detection(seen, 2.0).sessions_median is None


@given(drawn_rows, st.sampled_from([0.01, 0.2, 0.5, 1.0]))
def test_no_account_is_alarmed_more_than_its_own_threshold_allows(
    drawn: list[tuple[float, int, int]], rate: float
) -> None:
    seen = counted(told_of(drawn))
    limits = own_thresholds(seen, rate)
    for subject in range(len(limits)):
        own = seen.scores[(seen.subject == subject) & (seen.truth == 0)]
        assert (own >= limits[subject]).sum() <= rate * len(own)


def test_operating_points_tell_all_and_each_apart() -> None:
    loud = [(0.9, -1, 0)] * 5 + [(0.1, -1, 0)] * 5
    calm = [(0.1, -1, 1)] * 10 + [(0.5, 0, 1)] * 2
    found = {one.name: one for one in points(counted(told_of(loud + calm)), {"20%": 0.2}, {"high": 0.4})}
    assert (found["20% of all"].recall, found["20% of all"].threshold) == (0.0, None)
    assert (found["20% of each account"].recall, found["20% of each account"].threshold) == (1.0, None)
    assert found["20% of each account"].caught == 1.0
    level = found["level high"]
    assert (level.flagged, level.recall, level.accounts_alarmed) == (7, 1.0, 0.5)
    assert level.precision == pytest.approx(2 / 7)


def told(level: str, rows: list[tuple[float, int, int]]) -> Report:
    return report(level, told_of(rows), 0.1, Thresholds(medium=0.3, high=0.8))


def test_a_report_of_nothing_measures_nothing() -> None:
    nothing = told("session", [])
    assert (nothing.count, nothing.roc_auc.value, nothing.brier, nothing.reliability) == (0, None, None, ())
    assert nothing.groups == ()


def test_a_report_without_takeovers_tells_false_alarms_all_the_same() -> None:
    calm = told("session", [(0.9, -1, n % 4) for n in range(8)])
    assert calm.roc_auc.value is None
    assert calm.groups[0].rates["high"].false_positive_rate == 1.0
    assert calm.time_to_detect["1%"].takeovers == 0


def test_a_report_tells_every_kind() -> None:
    seen = told("session", [(0.2, -1, n % 4) for n in range(40)] + [(0.9, 0, 5), (0.1, 1, 6), (0.1, 1, 6)])
    assert set(seen.by_kind) == {"foreign", "peer"}
    assert (seen.by_kind["peer"].roc_auc.value, seen.by_kind["foreign"].roc_auc.value) == (1.0, 0.0)
    assert (seen.by_kind["foreign"].count, seen.by_kind["foreign"].takeovers) == (2, 1)
    assert seen.base_rate == pytest.approx(3 / 43)
    assert sum(one.rows for one in seen.reliability) == seen.count
    assert seen.brier_skill is not None
    assert seen.brier_skill < 1


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), max_size=50))
def test_the_reliability_table_holds_every_row_once(drawn: list[tuple[float, int]]) -> None:
    scores, truth = np.array([one for one, _ in drawn]), np.array([one for _, one in drawn], dtype=np.int64)
    table = reliability(scores, truth)
    assert sum(one.rows for one in table) == len(drawn)
    assert sum(one.positives for one in table) == truth.sum()
    assert all(one.seen_low <= one.seen <= one.seen_high and one.low <= one.predicted <= one.high for one in table)
    assert [one.predicted for one in table] == sorted(one.predicted for one in table)


def test_kinds_and_attacks_of_own_behaviour_are_not_counted() -> None:
    tally = empty()
    event = AccessEvent("1", "t", 0, "ann", "read", "db", "x")
    tally.add(None, Verdict(label=0, attack="7", kind="peer"), "peer", event)
    seen: Counted = counted(tally)
    assert (seen.attack.tolist(), seen.kinds, seen.scores.tolist()) == ([-1], [], [0.0])
    assert percent(0.01) == "1%"
