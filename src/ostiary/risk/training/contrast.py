"""Impostors made from real behaviour: runs of one subject's sittings presented under another's name.

No label is needed: what people really do, done under the wrong name, is what a stolen account looks like. The idea is
old (Schonlau's masquerade data; CLUE-LDS "user switching", Landauer et al. 2022; Wang & Yang, arXiv 1801.06825).

- A *stranger* shares no collection with the victim, a *colleague* most of them, *anyone* is drawn blindly.
- A *mimic* replays the victim's usual resources for the first 60 % of the run before turning to its own: slow drift.
- In half of the runs the impostor also wears the victim's place (network, country, UTC offset), in a third the device;
  what goes with which of them is told in ``disguise``.
- Runs are learned by the profiles as they would be in life: from the second access on the impostor is part of the
  victim's history, and the victim's own later accesses are judged against a spoilt profile.
- An impostor of a person is a person; behind a service's token may be anybody.
- *Stolen sessions* come beside them (``hijack``): another's sitting goes on inside the victim's session.
- With ``parts`` an impostor is somebody of the victim's own part: what one source did makes no example of another's.
- The same history, settings and seed give the same runs.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ostiary.risk.groups import PEOPLE, group_of
from ostiary.risk.training.disguise import TARGET, disguise, fields, named
from ostiary.risk.training.hijack import hijackable, is_asked, stolen, thief
from ostiary.risk.training.sittings import Sitting, collections_of, sittings_of
from ostiary.vocabulary.events import AccessEvent

OWN: Final = 0
STRANGER: Final = 1
COLLEAGUE: Final = 2
MIMIC: Final = 3
ANYONE: Final = 4
GHOST: Final = 5
LABELLED: Final = 6
HIJACK: Final = 7
KINDS: Final = ("own", "stranger", "colleague", "mimic", "anyone", "odd context", "labelled", "stolen session")

_DAY_NS: Final = 86_400 * 10**9
_MOST_TRIES: Final = 200
_MOST_REMEMBERED: Final = 400


class ContrastSettings(msgspec.Struct, frozen=True):
    """How impostors are made.

    Attributes:
        share: share of all sittings that become an impostor's, in each round.
        least_depth: sittings a victim has had before a run may begin.
        run: fewest and most sittings of a long run.
        short_run: the same of a short one.
        short_share: share of short runs.
        within_days: a run ends so many days after it began.
        kinds: weight of each kind.
        faithful: share of a mimic's run that replays the victim.
        place_worn: share of runs that wear the victim's place.
        device_worn: share of runs that wear the victim's device.
        stolen: share of the sessions that last of which one is stolen, in each round.
    """

    share: float = 0.025
    least_depth: int = 8
    run: tuple[int, int] = (4, 12)
    short_run: tuple[int, int] = (1, 3)
    short_share: float = 0.2
    within_days: int = 10
    kinds: tuple[tuple[int, float], ...] = ((STRANGER, 0.35), (COLLEAGUE, 0.3), (MIMIC, 0.25), (ANYONE, 0.1))
    faithful: float = 0.6
    place_worn: float = 0.5
    device_worn: float = 0.33
    stolen: float = 0.015


class Planted(msgspec.Struct, frozen=True):
    """A history with impostors in it.

    Attributes:
        events: as many as before, in the same order.
        kind: for each event ``OWN`` or the kind of impostor.
        run: for each event the number of its run, -1 for none.
        runs: how many runs there are.
    """

    events: list[AccessEvent]
    kind: list[int]
    run: list[int]
    runs: int


class _Draft:
    """One round in the making."""

    def __init__(self, events: Sequence[AccessEvent], taken: set[int], seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - reproducible on purpose
        self.events = list(events)
        self.kind = [OWN] * len(events)
        self.run = [-1] * len(events)
        self.runs = 0
        self.planted = 0
        self.taken = set(taken)


class Planter:
    """Plants impostors into one history, a new set each round."""

    def __init__(
        self,
        events: Sequence[AccessEvent],
        settings: ContrastSettings,
        taboo: Sequence[bool] = (),
        parts: Sequence[int] = (),
    ) -> None:
        """Look through the history once; sittings with a ``taboo`` place (a labelled attack) stay as they are.

        ``parts`` is the part of each event; with none all are of one part.
        """
        self._events = events
        self._settings = settings
        self._sittings = sittings_of(events)
        self._used = collections_of(events)
        self._starts = [sitting.start_ns for sitting in self._sittings]
        self._lasting = [
            i
            for i, sitting in enumerate(self._sittings)
            if sitting.number >= settings.least_depth and hijackable(sitting, events)
        ]
        self._by_subject: dict[str, list[int]] = {}
        for index, sitting in enumerate(self._sittings):
            self._by_subject.setdefault(sitting.subject, []).append(index)
        self._part = [parts[sitting.places[0]] if parts else 0 for sitting in self._sittings]
        self._of_part: dict[int, list[int]] = {}
        for index, part in enumerate(self._part):
            self._of_part.setdefault(part, []).append(index)
        self._fixed = {i for i, s in enumerate(self._sittings) if taboo and any(taboo[place] for place in s.places)}

    def plant(self, seed: int) -> Planted:
        """Return the history with one round of impostors."""
        draft = _Draft(self._events, self._fixed, seed)
        victims = [i for i, sitting in enumerate(self._sittings) if sitting.number >= self._settings.least_depth]
        draft.random.shuffle(victims)
        wanted = max(1, round(self._settings.share * len(self._sittings)))
        for index in victims:
            if draft.planted >= wanted:
                break
            self._plant_run(draft, index)
        self._steal(draft)
        return Planted(draft.events, draft.kind, draft.run, draft.runs)

    def _plant_run(self, draft: _Draft, index: int) -> None:
        """Let an impostor begin around the time of the victim's sitting ``index``, if one is found."""
        settings, victim = self._settings, self._sittings[index]
        kind = draft.random.choices(*zip(*settings.kinds, strict=True))[0]
        short = draft.random.random() < settings.short_share
        length = draft.random.randint(*(settings.short_run if short else settings.run))
        run = self._find_run(draft, index, kind, length)
        if not run:
            return
        usual = self._usual(index) if kind == MIMIC else []
        worn = self._worn(draft, index)
        faithful = round(settings.faithful * len(run)) if kind == MIMIC else 0
        for step, sitting in enumerate(run):
            draft.taken.add(sitting)
            for place in self._sittings[sitting].places:
                own = self._events[place]
                change = named(own, self._events[victim.places[0]]) | disguise(own, *worn)
                if step < faithful:
                    change.update(draft.random.choice(usual))
                draft.events[place] = msgspec.structs.replace(own, **change)
                draft.kind[place], draft.run[place] = kind, draft.runs
        draft.runs += 1
        draft.planted += len(run)

    def _steal(self, draft: _Draft) -> None:
        """Let somebody else's sittings go on inside sessions that last."""
        settings, luck = self._settings, draft.random
        lasting = [i for i in self._lasting if i not in draft.taken]
        for index in luck.sample(lasting, min(len(lasting), math.ceil(settings.stolen * len(lasting)))):
            victim = self._sittings[index]

            def fits(number: int, victim: Sitting = victim, index: int = index) -> bool:
                mine = self._part[number] == self._part[index]
                return mine and number not in draft.taken and _plausible(victim.subject, self._sittings[number].subject)

            number = thief(victim, self._events, self._sittings, self._starts, fits, luck)
            if number is None or index in draft.taken:
                continue
            draft.taken.update((index, number))
            place, device = luck.random() < settings.place_worn, luck.random() < settings.device_worn
            asked = is_asked(luck)
            for where in self._sittings[number].places:
                own = self._events[where]
                before = max((p for p in victim.places if self._events[p].time_ns <= own.time_ns), default=-1)
                seen = self._events[before] if before >= 0 else self._events[victim.places[0]]
                draft.events[where] = stolen(own, seen, place=place, device=device, asked=asked)
                draft.kind[where], draft.run[where] = HIJACK, draft.runs
            draft.runs += 1

    def _find_run(self, draft: _Draft, index: int, kind: int, length: int) -> list[int]:
        """Return sittings of one other subject that begin soon after the victim's sitting ``index``."""
        victim = self._sittings[index]
        last = bisect_left(self._starts, victim.start_ns + self._settings.within_days * _DAY_NS // 2)
        mine = self._of_part[self._part[index]]
        low, high = bisect_left(mine, index + 1), bisect_left(mine, last)
        for _ in range(_MOST_TRIES if high > low else 0):
            first = mine[draft.random.randrange(low, high)]
            other = self._sittings[first].subject
            if other == victim.subject or not _plausible(victim.subject, other):
                continue
            if not self._is_kind(kind, victim.subject, other):
                continue
            until = self._starts[first] + self._settings.within_days * _DAY_NS
            own = self._by_subject[other]
            begin = bisect_left(own, first)
            run = [i for i in own[begin : begin + length] if self._starts[i] <= until]
            if len(run) * 2 >= length and not any(i in draft.taken for i in run):
                return run
        return []

    def _is_kind(self, kind: int, victim: str, other: str) -> bool:
        mine, theirs = self._used[victim], self._used[other]
        if kind == STRANGER:
            return mine.isdisjoint(theirs)
        if kind == COLLEAGUE:
            return 2 * len(mine & theirs) >= len(mine | theirs)
        return True

    def _usual(self, index: int) -> list[dict[str, Any]]:
        """Return what the victim touched before its sitting ``index``, as often as it did."""
        own = self._by_subject[self._sittings[index].subject]
        before = [place for i in own[: bisect_left(own, index)] for place in self._sittings[i].places]
        return [fields(self._events[place], TARGET) for place in before[-_MOST_REMEMBERED:]]

    def _worn(self, draft: _Draft, index: int) -> tuple[AccessEvent | None, AccessEvent | None]:
        """Return the access of the victim whose place, and the one whose device the impostor wears."""
        example = self._events[self._sittings[index].places[-1]]
        place = example if draft.random.random() < self._settings.place_worn else None
        device = example if draft.random.random() < self._settings.device_worn else None
        return place, device


def _plausible(victim: str, other: str) -> bool:
    """Return whether ``other`` may stand for an impostor: people act as people; anybody may hold a service's token."""
    return group_of(victim.partition(":")[0]) != PEOPLE or group_of(other.partition(":")[0]) == PEOPLE
