"""Forests of disjoint groups of sources, fitted; what they make of rows that they did not see; whom they find odd.

1. Each group's forest is grown on its own rows alone: nothing that one source did reaches another group's forest.
2. Own rows are judged by the vote of the *other* groups. What that vote takes for an impostor's is left out of the
   forest that is grown on everything (``suspect``).
3. A source whose own rows the others find odd far more often than they do on the median source *stands out*: none of
   its own rows are learned from by that forest, and thresholds are not measured on it. It is told, for people to judge.
4. Cut-offs are medians over sources, never shares of all rows: who sends more rows moves them no further.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.errors import FaultyInputError
from ostiary.risk.calibration import sigmoid
from ostiary.risk.training.continuity import continued
from ostiary.risk.training.fit import FitSettings, Fitted, Floats, Ints, Rows, fit, margins
from ostiary.risk.training.prepare import Examples
from ostiary.risk.training.sources import Cut
from ostiary.risk.voting import Ballot
from ostiary.signals.features import FEATURES, NAMES

MONOTONE: Final = tuple(spec.monotone for spec in FEATURES)
NEEDED: Final = 0.5
"""Share of the groups that must agree: half, so that neither missing nor flagging is easier to buy."""

_TREES: Final = 60
_LEAST: Final = 4
_RATE: Final = 0.01
_TIMES: Final = 5.0
_DEVIATIONS: Final = 4.0
_LEAST_ROWS: Final = 50

Mask = npt.NDArray[np.bool_]


class Odd(msgspec.Struct, frozen=True):
    """A source that stands out: how many own rows it has, and the share of them that the others take for impostors'."""

    source: int
    rows: int
    rate: float


class Votes(msgspec.Struct, frozen=True):
    """The groups' forests and what they say.

    Attributes:
        ballot: how they vote.
        finals: one forest a group, grown on all of its rows.
        first: the vote on each later row, by forests of the earlier part.
        final: the same by the finals.
        suspect: rows that the forest of everything does not learn from.
        odd: sources that stand out.
        trusted: which later rows are of sources that do not.
    """

    ballot: Ballot
    finals: tuple[Fitted, ...]
    first: Floats
    final: Floats
    suspect: Mask
    odd: tuple[Odd, ...]
    trusted: Mask

    def beside(self, whole: Floats, own: Mask, prior: float) -> "Votes":
        """Return them with a forest of everything beside them, whose margins on the later rows are ``whole``."""
        mine = own & self.trusted
        scale = continued(_squashed(self.first[mine]), _squashed(whole[mine]), prior)
        return msgspec.structs.replace(self, ballot=msgspec.structs.replace(self.ballot, whole=True, scale=scale))

    def joined(self, vote: Floats, whole: Floats) -> Floats:
        """Return the higher of both on the whole forest's scale."""
        scale = self.ballot.scale
        if scale is None:
            return vote
        scaled = np.array([scale.logit(one) for one in vote.tolist()], dtype=np.float64)
        return np.asarray(np.maximum(scaled, whole), dtype=np.float64)


def fit_votes(examples: Examples, later: Mask, cut: Cut, settings: FitSettings, seed: int) -> Votes:
    """Return the forests of all groups.

    Raises:
        FaultyInputError: ``history_too_small``: a group has too few rows of its own.
    """
    group = examples.source % cut.groups
    quick = msgspec.structs.replace(settings, most_trees=min(_TREES, settings.most_trees))
    firsts = [_grown(examples, (group == one) & ~later, quick, seed, one) for one in range(cut.groups)]
    finals = tuple(_grown(examples, group == one, quick, seed, one) for one in range(cut.groups))
    told = _told(firsts, examples.rows, settings.threads)
    ballot = Ballot(cut.groups, needed_of(cut.groups), sources=cut.sources, by=cut.by)
    others = others_vote(told, group, ballot.needed)
    own = (examples.label == 0) & ~examples.vouched
    odd, limit = standing_out(others, examples.source, own)
    outside = np.isin(examples.source, [one.source for one in odd])
    return Votes(
        ballot,
        finals,
        ranked(told[:, later], ballot.needed),
        ranked(_told(finals, examples.rows[later], settings.threads), ballot.needed),
        own & ((others >= limit) | outside),
        odd,
        ~outside[later],
    )


def needed_of(groups: int) -> int:
    """Return how many of so many groups must agree."""
    return max(1, round(NEEDED * groups))


def ranked(told: Floats, needed: int) -> Floats:
    """Return the margin that ``needed`` forests reach, of each row; ``told`` is forests by rows."""
    place = told.shape[0] - needed
    return np.asarray(np.partition(told, place, axis=0)[place])


def others_vote(told: Floats, group: Ints, needed: int) -> Floats:
    """Return the vote on each row of the groups that it is not in."""
    hidden = told.copy()
    hidden[group, np.arange(told.shape[1])] = -np.inf
    return ranked(hidden, needed)


def standing_out(vote: Floats, source: Ints, own: Mask) -> tuple[tuple[Odd, ...], float]:
    """Return the sources that stand out, and the margin above which an own row counts as odd.

    That margin is the median over sources of the one that a hundredth of a source's own rows exceed.
    """
    rows = {int(one): vote[own & (source == one)] for one in np.unique(source)}
    known = {one: found for one, found in rows.items() if len(found) >= _LEAST_ROWS}
    if not known:
        return (), np.inf
    limit = float(np.median([np.quantile(found, 1 - _RATE) for found in known.values()]))
    rates = {one: float((found >= limit).mean()) for one, found in known.items()}
    usual = max(_RATE, float(np.median(list(rates.values()))))
    most = {one: usual + _DEVIATIONS * (usual * (1 - usual) / len(known[one])) ** 0.5 for one in known}
    odd = [one for one in known if rates[one] > max(_TIMES * usual, most[one])]
    return tuple(Odd(one, len(known[one]), round(rates[one], 6)) for one in sorted(odd)), limit


def _grown(examples: Examples, part: Mask, settings: FitSettings, seed: int, number: int) -> Fitted:
    rows, label = examples.rows[part], examples.label[part]
    if min(int((label == 0).sum()), int((label == 1).sum())) < _LEAST:
        text = f"group {number} of the sources has too few examples of its own: name fewer partitions"
        raise FaultyInputError("history_too_small", text)
    return fit(rows, label, names=NAMES, monotone=MONOTONE, settings=settings, seed=seed + number)


def _told(forests: Sequence[Fitted], rows: Rows, threads: int) -> Floats:
    return np.array([margins(one.text, rows, threads) for one in forests])


def _squashed(found: Floats) -> Floats:
    return np.array([sigmoid(one) for one in found.tolist()], dtype=np.float64)
