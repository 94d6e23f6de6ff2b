"""People who work in a simulated application, each in their own way; labelled so: ``source="simulated"``.

- Everybody has the same tasks: chains of routes. A person prefers some, leaves out steps or goes a way round, and looks
  at the same few pages in between.
- Everything follows from the seed. Figures measured on them show that the machinery works, and nothing of real people.

>>> anna = ApplicationPeople(2).events("person-0", 3)
>>> [(event.action, event.source) for event in anna][0]
('GET /tickets', 'simulated')
"""

from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec

from ostiary.vocabulary.events import AccessEvent, ActionClass, EventOutcome

SOURCE: Final = "simulated"
Step = tuple[str, str, ActionClass]
_NS: Final = 10**9
_ROUND: Final = 0.3
_KEPT: Final = 0.85


def _steps(kind: str, *verbs: str) -> tuple[Step, ...]:
    return tuple(_step(kind, verb) for verb in verbs)


def _step(kind: str, verb: str) -> Step:
    route = f"/{kind}s"
    known: dict[str, Step] = {
        "list": (f"GET {route}", kind, ActionClass.LIST),
        "open": (f"GET {route}/{{id}}", kind, ActionClass.READ),
        "history": (f"GET {route}/{{id}}/history", kind, ActionClass.READ),
        "notes": (f"GET {route}/{{id}}/notes", kind, ActionClass.READ),
        "note": (f"POST {route}/{{id}}/notes", kind, ActionClass.WRITE),
        "change": (f"PATCH {route}/{{id}}", kind, ActionClass.WRITE),
        "create": (f"POST {route}", kind, ActionClass.WRITE),
        "export": (f"GET {route}/export", kind, ActionClass.EXPORT),
        "delete": (f"DELETE {route}/{{id}}", kind, ActionClass.DELETE),
    }
    return known[verb]


KINDS: Final = ("order", "invoice", "customer", "ticket", "product", "shipment", "report", "user")
TASKS: Final[tuple[tuple[Step, ...], ...]] = tuple(
    _steps(kind, *verbs)
    for kind in KINDS
    for verbs in (
        ("list", "open", "notes", "note"),
        ("open", "history", "change", "open"),
        ("list", "create", "open"),
        ("list", "export"),
    )
)
_BETWEEN: Final = tuple(
    (f"GET /{page}", "page", ActionClass.READ) for page in ("dashboard", "inbox", "calendar", "search", "alerts")
)


class Habit(msgspec.Struct, frozen=True):
    """What a person prefers: weight by task, their own way through each, the page between, and how often."""

    weights: tuple[float, ...]
    ways: tuple[tuple[Step, ...], ...]
    page: Step
    looks: float


class ApplicationPeople:
    """Some people; ``person-0`` and on."""

    def __init__(self, people: int = 20, seed: int = 20_261_127) -> None:
        """Give each their habits."""
        self._seed = seed
        self.names = tuple(f"person-{number}" for number in range(people))
        self._habits = {name: _habit(Random(f"{seed}:{name}")) for name in self.names}  # noqa: S311 - a simulator

    def events(self, name: str, count: int, begin_ns: int = 0, draw: int = 0, subject: str = "") -> list[AccessEvent]:
        """Return ``count`` accesses of a person; with ``subject``, in somebody else's name."""
        luck = Random(f"{self._seed}:{name}:{draw}")  # noqa: S311 - a simulator
        habit = self._habits[name]
        steps: list[Step] = []
        while len(steps) < count:
            steps.extend(_stint(habit, luck))
        return [
            _event(step, subject or name, begin_ns + 7 * _NS * place, luck) for place, step in enumerate(steps[:count])
        ]


def _habit(luck: Random) -> Habit:
    weights = [luck.gammavariate(0.35, 1.0) for _ in TASKS]
    ways = tuple(_way(task, luck) for task in TASKS)
    return Habit(tuple(weights), ways, luck.choice(_BETWEEN), luck.uniform(0.1, 0.5))


def _way(task: Sequence[Step], luck: Random) -> tuple[Step, ...]:
    own = [step for step in task if len(task) < 3 or luck.random() < _KEPT]  # noqa: PLR2004 - a task keeps its sense
    if luck.random() < _ROUND:
        own.insert(luck.randrange(len(own) + 1), luck.choice(_BETWEEN))
    return tuple(own or task)


def _stint(habit: Habit, luck: Random) -> list[Step]:
    way = luck.choices(habit.ways, habit.weights)[0]
    return [*([habit.page] if luck.random() < habit.looks else []), *(way * luck.choice((1, 1, 1, 2, 3)))]


def _event(step: Step, subject: str, time_ns: int, luck: Random) -> AccessEvent:
    action, kind, deed = step
    number = str(luck.randrange(10_000, 99_999))
    return AccessEvent(
        event_id=f"{subject}:{time_ns}",
        tenant="default",
        time_ns=time_ns,
        subject_id=subject,
        action=action,
        resource_type=kind,
        resource_id=number,
        action_class=deed,
        outcome=EventOutcome.SUCCESS,
        source=SOURCE,
    )
