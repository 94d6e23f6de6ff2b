"""Forests of disjoint groups of sources, and a vote among them: what one source did reaches one forest only.

Partition aggregation (DPA; Levine and Feizi, ICLR 2021) with sources instead of samples:

- Sources are cut into groups by their digest; each forest was grown on the rows of one group and saw no other's.
- The vote is the margin that ``needed`` forests reach: the ``needed``-th largest. Whoever owns ``r`` sources owns ``r``
  forests at most, and can move the vote no further than ``r`` ranks.
- The *certificate* of a flagged access is how many sources somebody must own before it could be missed: how many
  forests more than needed reach the threshold. It is exact for the vote, at that threshold, against whatever was done
  to the rows of those sources, and says nothing of profiles that sources share (docs/explanation/poisoning.md).
- Beside the vote there may be one forest grown on everything. It sees more and proves nothing, so it can only add: the
  score is the higher of both, the vote's margin brought onto the other's scale.

>>> ballot = Ballot(forests=5, needed=2)
>>> vote_of([0.1, 3.0, 2.0, -1.0, 2.5], ballot), survives([0.1, 3.0, 2.0, -1.0, 2.5], 1.0, ballot)
(2.5, 1)
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.risk.calibration import Calibration, check_calibration
from ostiary.risk.scorer import Engine
from ostiary.signals.features import extract
from ostiary.signals.settled import Book
from ostiary.vocabulary.events import AccessEvent

BALLOT_FILE: Final = "ballot.json"
MAX_FORESTS: Final = 128


class Ballot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How forests vote.

    Attributes:
        forests: how many, one a group of sources.
        needed: how many must reach a margin before the vote does.
        whole: whether a forest grown on everything stands beside the vote.
        scale: the vote's margin to the other forest's, where there is one.
        sources: how many sources the groups were made of.
        by: what a source is: ``account`` (groups of accounts by digest) or ``producer``.
    """

    forests: int
    needed: int
    whole: bool = False
    scale: Calibration | None = None
    sources: int = 0
    by: str = "account"


class Certificate(msgspec.Struct, frozen=True):
    """What a decision at one threshold survives.

    Attributes:
        flagged: whether the score reaches the threshold.
        votes: forests that reach it.
        survives: sources that may be in other hands without the vote changing; ``-1`` when it is flagged by the forest
            grown on everything alone, which proves nothing.
    """

    flagged: bool
    votes: int
    survives: int


class VotingTrees:
    """An ``Engine`` of many: the vote of the groups' forests, and the whole forest beside it."""

    def __init__(self, forests: Sequence[Engine], ballot: Ballot, whole: Engine | None = None) -> None:
        """Join them; there are as many forests as the ballot says."""
        self._forests = tuple(forests)
        self._ballot = ballot
        self._whole = whole

    @property
    def ballot(self) -> Ballot:
        """How they vote."""
        return self._ballot

    def margin(self, row: Sequence[float]) -> float:
        """Return the log-odds of ``row``."""
        vote = self._scaled(vote_of([forest.margin(row) for forest in self._forests], self._ballot))
        return vote if self._whole is None else max(vote, self._whole.margin(row))

    def margins(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the log-odds of each row, as ``margin`` would."""
        columns = [forest.margins(rows) for forest in self._forests]
        votes = [self._scaled(vote_of(each, self._ballot)) for each in zip(*columns, strict=True)]
        if self._whole is None:
            return votes
        return [max(pair) for pair in zip(votes, self._whole.margins(rows), strict=True)]

    def contributions(self, row: Sequence[float]) -> list[float]:
        """Return each column's share: of the whole forest, else the mean over the groups' forests."""
        if self._whole is not None:
            return self._whole.contributions(row)
        shares = [forest.contributions(row) for forest in self._forests]
        return [sum(column) / len(shares) for column in zip(*shares, strict=True)]

    def certificate(self, row: Sequence[float], margin: float) -> Certificate:
        """Return what the decision on ``row`` at the threshold ``margin`` survives."""
        found = [self._scaled(forest.margin(row)) for forest in self._forests]
        votes, left = sum(one >= margin for one in found), survives(found, margin, self._ballot)
        if votes >= self._ballot.needed:
            return Certificate(flagged=True, votes=votes, survives=left)
        if self._whole is not None and self._whole.margin(row) >= margin:
            return Certificate(flagged=True, votes=votes, survives=-1)
        return Certificate(flagged=False, votes=votes, survives=left)

    def _scaled(self, margin: float) -> float:
        return margin if self._ballot.scale is None else self._ballot.scale.logit(margin)


def vote_of(margins: Sequence[float], ballot: Ballot) -> float:
    """Return the margin that as many forests reach as are needed."""
    return sorted(margins)[-ballot.needed]


def survives(margins: Sequence[float], threshold: float, ballot: Ballot) -> int:
    """Return how many forests may change before the vote at ``threshold`` does."""
    votes = sum(margin >= threshold for margin in margins)
    return votes - ballot.needed if votes >= ballot.needed else ballot.needed - votes - 1


class Certified(msgspec.Struct, frozen=True):
    """A stream, certified: accesses, those that are flagged, and how many of them survive so many sources at most."""

    accesses: int
    flagged: int
    surviving: dict[int, int]


def certified(
    events: Iterable[AccessEvent],
    book: Book,
    certify: Callable[[AccessEvent, Sequence[float]], Certificate | None],
) -> Certified:
    """Return what a stream's flagged accesses survive, each judged by what came before it."""
    count, surviving = 0, Counter[int]()
    for event in events:
        found = certify(event, extract(event, book.view(event)))
        book.learn(event)
        count += 1
        if found is not None and found.flagged:
            surviving[found.survives] += 1
    return Certified(count, surviving.total(), dict(sorted(surviving.items())))


def parse_ballot(data: bytes) -> Ballot:
    """Read ``ballot.json``.

    Raises:
        FaultyInputError: ``model_malformed``, ``calibration_malformed``.
    """
    try:
        ballot = msgspec.json.decode(data, type=Ballot)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise FaultyInputError("model_malformed", f"a file of the model is malformed: {fault}") from fault
    if not 1 <= ballot.needed <= ballot.forests <= MAX_FORESTS or ballot.whole != (ballot.scale is not None):
        raise FaultyInputError("model_malformed", "the model's forests cannot vote as it says")
    if ballot.scale is not None:
        check_calibration(ballot.scale)
    return ballot


def part_file(name: str, number: int) -> str:
    """Return the name of the file of one group's forest.

    >>> part_file("model.txt", 3)
    'part-003.model.txt'
    """
    return f"part-{number:03d}.{name}"
