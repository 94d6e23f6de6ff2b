"""The two sides of padding: a model that sees everything and learns at once, and a hardened one with settled habits.

Both are grown on the same history with the same verdicts and settings, so that nothing but the defence differs. Small,
and of accesses only: a session's score is its riskiest access so far, which later accesses cannot lower.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import msgspec

from ostiary.errors import UnavailableError
from ostiary.redteam.padding_search import Case, Found, Play, in_order, search
from ostiary.redteam.world import Past, World
from ostiary.signals.features import FEATURES, NAMES, extract
from ostiary.signals.settled import Book, SettledBook, book_of
from ostiary.vocabulary.events import AccessEvent

SETTLED_DAYS: Final = 3.0
"""Habits of a simulated organisation that lives for some weeks only."""

_RATE: Final = 0.01
_TREES: Final = 80
_HABITS: Final = 100


class Side(msgspec.Struct, frozen=True):
    """One model: how it scores a row, from which score on it catches, and how old habits must be."""

    margin: Callable[[Sequence[float]], float]
    threshold: float
    settled_days: float


_SIDES: Final[WeakKeyDictionary[World, tuple[Side, Side]]] = WeakKeyDictionary()


def sides_of(world: World) -> tuple[Side, Side]:
    """Return the plain and the hardened model of a world, grown once."""
    found = _SIDES.get(world)
    if found is None:
        plain, hard = (side_of(world.past, hardened=hardened, seed=world.seed) for hardened in (False, True))
        found = _SIDES[world] = (plain, hard)
    return found


def side_of(past: Past, *, hardened: bool, seed: int) -> Side:
    """Return a model of what came before the border; the threshold is 1 % of the own accesses among it.

    Raises:
        UnavailableError: ``risk_extra_missing``.
    """
    try:
        import numpy as np  # noqa: PLC0415 - heavy, and may be absent

        from ostiary.risk.training.fit import FitSettings, fit  # noqa: PLC0415
        from ostiary.risk.trees import parse_trees  # noqa: PLC0415
    except ImportError as fault:
        raise UnavailableError(
            "risk_extra_missing", "this needs the risk extra: pip install 'ostiary[risk]'"
        ) from fault
    days = SETTLED_DAYS if hardened else 0.0
    rows, labels = _rows(past, book_of(past.events[0].tenant, days))
    table, truth = np.array(rows, dtype=np.float32), np.array(labels)
    made = fit(
        table,
        truth,
        names=NAMES,
        monotone=[spec.monotone for spec in FEATURES],
        settings=FitSettings(most_trees=_TREES, leaves=12, hardened=hardened),
        seed=seed,
    )
    trees = parse_trees(made.text)
    own = sorted(trees.margin(row) for row, label in zip(rows, labels, strict=True) if not label)
    return Side(trees.margin, own[int((1 - _RATE) * (len(own) - 1))], days)


def _rows(past: Past, book: Book) -> tuple[list[list[float]], list[int]]:
    rows, labels = [], []
    for event in past.earlier:
        if event.event_id in past.verdicts:
            rows.append(extract(event, book.view(event)))
            labels.append(past.verdicts[event.event_id])
        book.learn(event)
    return rows, labels


def attacked(world: World, name: str, side: Side, *, greedy: bool) -> list[Found]:
    """Return what padding does to each attack after the border, as many as the world's scale allows."""
    past, rng = world.past, world.rng(name)
    book: Book = book_of(past.events[0].tenant, side.settled_days)
    habits: dict[str, list[AccessEvent]] = defaultdict(list)
    waiting: dict[str, list[AccessEvent]] = defaultdict(list)
    for event in past.events:
        attack = past.attacks.get(event.event_id)
        if attack is not None and event.time_ns >= past.border_ns:
            waiting[attack].append(event)
    found: list[Found] = []
    tries = max(2, world.scale.tries // 20)
    for event in past.events:
        attack = past.attacks.get(event.event_id, "")
        if attack in waiting:
            case = Case(attack, tuple(waiting.pop(attack)), tuple(habits[event.subject_id][-_HABITS:]))
            one = search(case, _play(case, book, side), side.threshold, rng, tries, greedy=greedy)
            found += [one] if one.caught else []
            if len(found) >= world.scale.tries // 10:
                break
        if not attack:
            habits[event.subject_id].append(event)
        book.learn(event)
    return found


def _play(case: Case, book: Book, side: Side) -> Play:
    """Return what scores the attack's accesses in a copy of ``book``, as it stands now."""
    kept = copied(book)
    mine = {event.event_id for event in case.accesses}

    def play(added: Sequence[AccessEvent]) -> list[float]:
        fresh, scores = kept(), []
        for event in in_order(case, added):
            if event.event_id in mine:
                scores.append(side.margin(extract(event, fresh.view(event))))
            fresh.learn(event)
        return scores

    return play


def copied(book: Book) -> Callable[[], Book]:
    """Return what makes copies of ``book``; lessons that wait stay behind: they are too young to matter."""
    data: Any = book.snapshot()

    def fresh() -> Book:
        made: Book = book_of(book.tenant, book.days if isinstance(book, SettledBook) else 0.0)
        made.restore(data)
        return made

    return fresh
