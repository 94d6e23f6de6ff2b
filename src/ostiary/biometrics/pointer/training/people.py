"""The people of a training: their sessions in order, who or what is held out, and windows to judge."""

from collections.abc import Sequence
from typing import Final, cast

import msgspec
import numpy as np

from ostiary.biometrics.pointer.blocks import LEAST
from ostiary.biometrics.training import Row
from ostiary.biometrics.window import Floats
from ostiary.errors import FaultyInputError

ENOUGH_PEOPLE: Final = 20
HELD_PEOPLE: Final = 0.25
HELD_SESSIONS: Final = 0.3
_LEAST_PEOPLE: Final = 2


class Person(msgspec.Struct, frozen=True):
    """Somebody and their sessions, each the events of one sitting, in order."""

    name: str
    sessions: tuple[Floats, ...]


class Held(msgspec.Struct, frozen=True):
    """A division: who trains, and whose enrolment and later sessions tell what scores mean.

    Attributes:
        training: what is trained on.
        enrol: what templates are made of, by person; the same order as ``probes``.
        probes: what is judged.
        people: whether the people of the trials are new to the training.
    """

    training: tuple[Person, ...]
    enrol: tuple[Person, ...]
    probes: tuple[Person, ...]
    people: bool


def people_of(rows: Sequence[Row]) -> tuple[Person, ...]:
    """Return the people who have anything to learn from, in name order; windows of one session are put together.

    Raises:
        FaultyInputError: ``training_people``.
    """
    found: dict[str, dict[str, list[Floats]]] = {}
    for row in sorted(rows, key=lambda row: (row.subject, row.order)):
        found.setdefault(row.subject, {}).setdefault(row.session, []).append(cast("Floats", row.window.content))
    people = [
        Person(name, tuple(one for one in map(np.concatenate, sessions.values()) if len(one) >= LEAST))
        for name, sessions in found.items()
    ]
    some = tuple(person for person in people if person.sessions)
    if len(some) < _LEAST_PEOPLE:
        raise FaultyInputError("training_people", f"training needs two people with {LEAST} pointer events at least")
    return some


def divided(people: Sequence[Person], seed: int, *, by_people: bool) -> Held:
    """Return the division for measuring: new people where these are many, everybody's last sessions otherwise."""
    pairs = [_parted(person) for person in people]
    if not by_people or len(people) < ENOUGH_PEOPLE:
        first, later = tuple(one for one, _ in pairs), tuple(one for _, one in pairs)
        return Held(first, first, later, people=False)
    order = np.random.default_rng(seed).permutation(len(people))
    held = set(order[: round(HELD_PEOPLE * len(people))].tolist())
    training = tuple(person for at, person in enumerate(people) if at not in held)
    chosen = [pair for at, pair in enumerate(pairs) if at in held]
    return Held(training, tuple(one for one, _ in chosen), tuple(one for _, one in chosen), people=True)


def _parted(person: Person) -> tuple[Person, Person]:
    """Return a person's earlier and later sessions; an only session is cut."""
    sessions = person.sessions
    if len(sessions) == 1:
        at = max(round((1 - HELD_SESSIONS) * len(sessions[0])), 1)
        return Person(person.name, (sessions[0][:at],)), Person(person.name, (sessions[0][at:],))
    keep = max(len(sessions) - max(round(HELD_SESSIONS * len(sessions)), 1), 1)
    return Person(person.name, sessions[:keep]), Person(person.name, sessions[keep:])


def windows_of(session: Floats, length: int) -> list[Floats]:
    """Return a session's windows, one after the other; a rest shorter than half of one is left."""
    starts = range(0, max(len(session) - length // 2, 1), length)
    return [session[start : start + length] for start in starts]
