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

from ostiary.risk.groups import GROUPS, group_of
from ostiary.risk.training.contrast import GHOST, LABELLED, OWN, ContrastSettings, Planted, Planter
from ostiary.risk.training.fit import Ints, Rows
from ostiary.risk.training.ghosts import make_ghosts
from ostiary.risk.training.pool import each_round
from ostiary.risk.training.rows import Ghosts, replay_rows
from ostiary.risk.training.sittings import sittings_of
from ostiary.signals.settled import book_of
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
        group: number in ``GROUPS`` of that subject's group.
        sitting: number of its sitting, unique over all rounds; below zero for ghosts.
        vouched: whether a verdict says that the access is the subject's own.
        source: number of its source (``sources.Cut``), 0 where there are no sources.
    """

    rows: Rows
    label: Ints
    kind: Ints
    time_ns: Ints
    subject: Ints
    group: Ints
    sitting: Ints
    vouched: npt.NDArray[np.bool_]
    source: Ints

    def part(self, chosen: npt.NDArray[np.bool_]) -> "Examples":
        """Return the chosen rows."""
        return Examples(*(getattr(self, name)[chosen] for name in self.__struct_fields__))


class PrepareSettings(msgspec.Struct, frozen=True):
    """How examples are made.

    Attributes:
        rounds: rounds at least.
        most_rounds: rounds at most, for a short history.
        least_impostors: about so many impostors' accesses are wanted over all rounds.
        ghost_share: ghosts an access.
        contrast: the impostors of each round.
        settled_days: how old a habit must be to count (``signals.settled``); 0 learns at once.
    """

    rounds: int = 6
    most_rounds: int = 40
    least_impostors: int = 600
    ghost_share: float = 0.004
    contrast: ContrastSettings = ContrastSettings()
    settled_days: float = 0.0


class Facts(msgspec.Struct, frozen=True):
    """What is the same in every round, by place in the history: sitting, attack or not, vouched for or not, source."""

    sitting: Ints
    attack: npt.NDArray[np.bool_]
    vouched: npt.NDArray[np.bool_]
    source: Ints


class Origins(msgspec.Struct, frozen=True):
    """Whose each place of the history is, and how sources are grouped; impostors stay within a group."""

    source: tuple[int, ...]
    groups: int

    @property
    def parts(self) -> list[int]:
        """The group of each place."""
        return [one % self.groups for one in self.source]


def facts_of(events: Sequence[AccessEvent], verdicts: Mapping[str, int], origins: Origins | None = None) -> Facts:
    """Return sittings, verdicts and sources of ``events``."""
    told = np.array([verdicts.get(event.event_id, -1) for event in events], dtype=np.int64)
    sitting = np.zeros(len(events), dtype=np.int64)
    for number, one in enumerate(sittings_of(events)):
        sitting[one.places] = number
    source = np.array(origins.source if origins else [0] * len(events), dtype=np.int64)
    return Facts(sitting, told == 1, told == 0, source)


def prepare(
    events: Sequence[AccessEvent],
    verdicts: Mapping[str, int],
    settings: PrepareSettings,
    seed: int,
    tell: Progress,
    workers: int = 1,
    origins: Origins | None = None,
) -> Examples:
    """Return the examples of ``events``; ``verdicts`` maps event ids to 1 (impostor) or 0 (own)."""
    rounds = rounds_for(len(events), settings)
    parts = each_round(
        _rounds,
        (msgspec.msgpack.encode(events), dict(verdicts), settings, seed, rounds, origins),
        rounds,
        workers=workers,
        accesses=len(events),
        done=lambda done: tell("replay", done / rounds),
    )
    return _joined(parts)


def rounds_for(events: int, settings: PrepareSettings) -> int:
    """Return how many rounds a history of so many events gets: a short one more, to have enough impostors."""
    wanted = math.ceil(settings.least_impostors / max(1.0, settings.contrast.share * events))
    return max(settings.rounds, min(wanted, settings.most_rounds))


def seed_of(seed: int, number: int) -> int:
    """Return the seed of round ``number``."""
    return seed * 1_000 + number


def _rounds(
    history: bytes,
    verdicts: Mapping[str, int],
    settings: PrepareSettings,
    seed: int,
    rounds: int,
    origins: Origins | None,
) -> Callable[[int], Examples]:
    """Return what makes the examples of one round."""
    events = msgspec.msgpack.decode(history, type=list[AccessEvent])
    facts, parts = facts_of(events, verdicts, origins), origins.parts if origins else ()
    planter = Planter(events, settings.contrast, facts.attack.tolist(), parts)

    def one_round(number: int) -> Examples:
        planted = planter.plant(seed_of(seed, number))
        ghosts = make_ghosts(planted.events, settings.ghost_share, seed_of(seed, number), parts)
        return _round(planted, ghosts, facts, rounds, number, settings.settled_days)

    return one_round


def _joined(parts: Sequence[Examples]) -> Examples:
    names = Examples.__struct_fields__
    return Examples(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _round(planted: Planted, ghosts: Ghosts, facts: Facts, rounds: int, number: int, settled_days: float) -> Examples:
    kind = np.array(planted.kind, dtype=np.int64)
    kind[(kind == OWN) & facts.attack] = LABELLED
    keep = (kind != OWN) | (facts.sitting % rounds == number)
    book = book_of(planted.events[0].tenant, settled_days)
    rows = replay_rows(planted.events, keep.tolist().__getitem__, ghosts, book)
    place, kinds = rows.place, np.where(rows.ghost, GHOST, kind[rows.place])
    when = np.array([event.time_ns for event in planted.events], dtype=np.int64)
    sitting = facts.sitting + number * (int(facts.sitting.max()) + 1)
    return Examples(
        rows=rows.features,
        label=(kinds != OWN).astype(np.int64),
        kind=kinds,
        time_ns=when[place],
        subject=subjects_of(planted.events)[place],
        group=groups_of(planted.events)[place],
        sitting=np.where(rows.ghost, -1, sitting[place]),
        vouched=facts.vouched[place] & (kinds == OWN),
        source=facts.source[place],
    )


def subjects_of(events: Sequence[AccessEvent]) -> Ints:
    """Return a checksum of each event's subject."""
    return np.array([crc32(subject_key(event).encode()) for event in events], dtype=np.int64)


def groups_of(events: Sequence[AccessEvent]) -> Ints:
    """Return the number in ``GROUPS`` of each event's subject."""
    return np.array([GROUPS.index(group_of(event.subject_type)) for event in events], dtype=np.int64)
