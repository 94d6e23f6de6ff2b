"""From a history to examples: rounds of planted impostors and ghosts, and the subject's own accesses.

- Every round replays the whole history with other impostors in it. A sitting's own accesses come from one round only,
  so that no access counts twice; impostors come from every round.
- Verdicts, when there are any, join in: accesses labelled 1 are impostors in every round, and never victims of another.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from ostiary.risk.training.contrast import GHOST, LABELLED, OWN, ContrastSettings, Planted, Planter
from ostiary.risk.training.fit import Floats, Ints
from ostiary.risk.training.ghosts import make_ghosts
from ostiary.risk.training.rows import Ghosts, replay_rows
from ostiary.risk.training.sittings import sittings_of
from ostiary.signals.book import ProfileBook
from ostiary.signals.tables import subject_key
from ostiary.vocabulary.events import AccessEvent

Progress = Callable[[str, float], None]
"""Told what is being done and how far it is, 0 to 1."""


class Examples(msgspec.Struct, frozen=True):
    """Rows to learn from.

    Attributes:
        rows: features.
        label: 1 for an impostor.
        kind: which kind (``contrast.KINDS``).
        time_ns: when.
        subject: checksum of the subject whose name it bears; the same in every round.
        sitting: number of its sitting, unique over all rounds; below zero for ghosts.
        vouched: whether a verdict says that the access is the subject's own.
    """

    rows: Floats
    label: Ints
    kind: Ints
    time_ns: Ints
    subject: Ints
    sitting: Ints
    vouched: npt.NDArray[np.bool_]


class PrepareSettings(msgspec.Struct, frozen=True):
    """How examples are made.

    Attributes:
        rounds: rounds at least.
        most_rounds: rounds at most, for a short history.
        least_impostors: about so many impostors' accesses are wanted over all rounds.
        ghost_share: ghosts an access.
        contrast: the impostors of each round.
    """

    rounds: int = 6
    most_rounds: int = 40
    least_impostors: int = 600
    ghost_share: float = 0.004
    contrast: ContrastSettings = ContrastSettings()


class _Facts(msgspec.Struct, frozen=True):
    """What is the same in every round: sitting, and verdicts, by place in the history."""

    sitting: Ints
    attack: npt.NDArray[np.bool_]
    vouched: npt.NDArray[np.bool_]


def prepare(
    events: Sequence[AccessEvent], verdicts: Mapping[str, int], settings: PrepareSettings, seed: int, tell: Progress
) -> Examples:
    """Return the examples of ``events``; ``verdicts`` maps event ids to 1 (impostor) or 0 (own)."""
    told = [verdicts.get(event.event_id, -1) for event in events]
    sitting = np.zeros(len(events), dtype=np.int64)
    for number, one in enumerate(sittings_of(events)):
        sitting[one.places] = number
    facts = _Facts(sitting, np.array(told) == 1, np.array(told) == 0)
    planter = Planter(events, settings.contrast, facts.attack.tolist())

    rounds = rounds_for(len(events), settings)

    def one_round(number: int) -> Examples:
        planted = planter.plant(seed * 1_000 + number)
        ghosts = make_ghosts(planted.events, settings.ghost_share, seed * 1_000 + number)
        return _round(planted, ghosts, facts, rounds, number, tell)

    return _joined([one_round(number) for number in range(rounds)])


def rounds_for(events: int, settings: PrepareSettings) -> int:
    """Return how many rounds a history of so many events gets: a short one more, to have enough impostors."""
    wanted = math.ceil(settings.least_impostors / max(1.0, settings.contrast.share * events))
    return max(settings.rounds, min(wanted, settings.most_rounds))


def _joined(parts: Sequence[Examples]) -> Examples:
    names = Examples.__struct_fields__
    return Examples(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _round(planted: Planted, ghosts: Ghosts, facts: _Facts, rounds: int, number: int, tell: Progress) -> Examples:
    kind = np.array(planted.kind, dtype=np.int64)
    kind[(kind == OWN) & facts.attack] = LABELLED
    keep = (kind != OWN) | (facts.sitting % rounds == number)
    count = len(kind)
    rows = replay_rows(
        planted.events,
        keep.tolist().__getitem__,
        ghosts,
        ProfileBook(planted.events[0].tenant),
        lambda done: tell("replay", (number * count + done) / (rounds * count)),
    )
    place, kinds = rows.place, np.where(rows.ghost, GHOST, kind[rows.place])
    who = np.array([crc32(subject_key(event).encode()) for event in planted.events], dtype=np.int64)
    when = np.array([event.time_ns for event in planted.events], dtype=np.int64)
    sitting = facts.sitting + number * (int(facts.sitting.max()) + 1)
    return Examples(
        rows=rows.features,
        label=(kinds != OWN).astype(np.int64),
        kind=kinds,
        time_ns=when[place],
        subject=who[place],
        sitting=np.where(rows.ghost, -1, sitting[place]),
        vouched=facts.vouched[place] & (kinds == OWN),
    )
