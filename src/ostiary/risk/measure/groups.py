"""False alarms of people, service accounts and jobs apart: an average over all hides who bears them.

- A rate is over own behaviour only; what a verdict, or the planting of impostors, says was somebody else's is no false
  alarm.
- Beside the rate stands how many subjects were alarmed at all, and how much the worst one bore: the same rate may be
  one alarm for each of a hundred people, or a hundred for one.

>>> import numpy as np
>>> table = group_rates(
...     np.array([0.9, 0.1, 0.2, 0.3]), np.array([0, 0, 0, 1]), ["people", "people", "jobs", "jobs"],
...     ["ann", "bob", "cron", "cron"], {"1%": 0.5})
>>> [(one.group, one.own, one.rates["1%"].false_positive_rate, one.rates["1%"].subjects_alarmed) for one in table]
[('jobs', 1, 0.0, 0), ('people', 2, 0.5, 1)]
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from ostiary.risk.measure.metrics import Numbers, Truth

_QUANTILES: Final = {"median": 0.5, "90%": 0.9, "99%": 0.99, "worst": 1.0}


class Alarms(msgspec.Struct, frozen=True):
    """False alarms of one group at one threshold.

    Attributes:
        threshold: scores from it on are alarms; ``None`` when no score can be one.
        false_alarms: how many there were on own behaviour.
        false_positive_rate: their share of it, ``None`` without any.
        subjects_alarmed: how many subjects had at least one.
        subjects_alarmed_share: their share of the group's subjects.
        worst_subject: how many one subject had at most.
        subject_rates: quantiles of the subjects' own false-positive rates.
    """

    threshold: float | None
    false_alarms: int
    false_positive_rate: float | None
    subjects_alarmed: int
    subjects_alarmed_share: float | None
    worst_subject: int
    subject_rates: dict[str, float]


class GroupRates(msgspec.Struct, frozen=True):
    """One group: how much own behaviour of how many subjects it has, and its false alarms by operating point."""

    group: str
    own: int
    subjects: int
    rates: dict[str, Alarms]


def group_rates(
    scores: Numbers, truth: Truth, groups: Sequence[str], subjects: Sequence[str], thresholds: Mapping[str, float]
) -> tuple[GroupRates, ...]:
    """Return one row a group, in order of name; ``thresholds`` maps an operating point's name to its score."""
    own = truth == 0
    named, who = np.asarray(groups, dtype=object), np.asarray(subjects, dtype=object)
    found = []
    for group in sorted(set(groups)):
        part = own & (named == group)
        inside = _numbered(who[part])
        rates = {name: _alarms(scores[part], inside, threshold) for name, threshold in thresholds.items()}
        found.append(GroupRates(group, int(part.sum()), len(np.unique(inside)), rates))
    return tuple(found)


def _numbered(names: Sequence[str]) -> Truth:
    known: dict[str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def _alarms(scores: Numbers, subject: Truth, threshold: float) -> Alarms:
    flagged = scores >= threshold
    count = len(np.unique(subject))
    each = np.bincount(subject[flagged], minlength=count) if count else np.zeros(0, dtype=np.int64)
    alarmed = int((each > 0).sum())
    return Alarms(
        threshold=float(threshold) if np.isfinite(threshold) else None,
        false_alarms=int(flagged.sum()),
        false_positive_rate=float(flagged.mean()) if count else None,
        subjects_alarmed=alarmed,
        subjects_alarmed_share=alarmed / count if count else None,
        worst_subject=int(each.max()) if count else 0,
        subject_rates=_quantiles(each / np.bincount(subject, minlength=count)) if count else {},
    )


def _quantiles(rates: Numbers) -> dict[str, float]:
    return {name: float(np.quantile(rates, share)) for name, share in _QUANTILES.items()}
