"""A simulated organisation: some 120 people and machines, their systems, and thirty days of what they did.

Simulated, and labelled as such: every event says ``source="simulated"``. It shows how Ostiary works and feeds demos and
tests; figures measured on it say nothing about real life.

Rules:
- Everything follows from the seed and from ``until_ns``; no clock is read.
- The history ends before ``until_ns``; a story happens at or shortly before it.
- Dana, the developer of the ``2am-dba`` story, lives where it is two in the morning at ``until_ns``.

>>> organisation = Organisation(people=12, days=3)
>>> organisation.story("2am-dba").events[-1].resource_id
'prod/customers'
>>> {event.source for event in organisation.history()}
{'simulated'}
"""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.signals.inventory import ActionEntry, Catalogue, SubjectEntry
from ostiary.testing.organisation_cast import ACTIONS, Person, cast, resources, subjects
from ostiary.testing.organisation_days import DAY_S, NS, SOURCE, Day
from ostiary.testing.organisation_facts import Wardrobe, properties
from ostiary.testing.organisation_stories import STORIES, Story, tell
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.facts import TokenFacts

DEFAULT_UNTIL_NS: Final = 1_772_935_200_000_000_000  # 2026-03-08T02:00:00Z
DEFAULT_SEED: Final = 20_260_308
_TOLD: Final = ("place", "posture", "data", "workload", "language", "behaviour")


class Organisation:
    """A seeded organisation with its catalogue, its history and its attack stories."""

    def __init__(
        self,
        seed: int = DEFAULT_SEED,
        until_ns: int = DEFAULT_UNTIL_NS,
        people: int = 120,
        days: int = 30,
        tenant: str = "default",
        *,
        rich: bool = True,
        tokens: TokenFacts | None = None,
    ) -> None:
        """Cast the people; nothing is simulated yet.

        A ``rich`` history tells token, place, posture and more; ``tokens`` are what its tokens are like where each
        request comes with a fresh one.
        """
        self._wardrobe = Wardrobe(until_ns // NS, tokens)
        self.seed, self.until_ns, self.days, self.tenant, self.rich = seed, until_ns, days, tenant, rich
        self.people: tuple[Person, ...] = cast(Random(seed), people, until_ns)  # noqa: S311 - a simulator, no secret

    def catalogue(self) -> Catalogue:
        """Return who and what there is."""
        actions = tuple(ActionEntry(name, kind) for name, kind in ACTIONS.items())
        return Catalogue(resources(), self._subjects(), actions)

    def catalogue_document(self) -> dict[str, Any]:
        """Return the catalogue as its file's content, plain values."""
        return {
            "version": 1,
            "resources": [_plain(entry) for entry in resources()],
            "subjects": [_plain(entry) for entry in self._subjects()],
            "actions": [{"name": name, "class": kind.value} for name, kind in ACTIONS.items()],
        }

    def history(self) -> list[AccessEvent]:
        """Return everything that happened in the days before ``until_ns``, in the order of time."""
        events = [event for person in self.people for event in self._life(person)]
        events.sort(key=lambda event: (event.time_ns, event.event_id))
        return events

    def story(self, name: str) -> Story:
        """Return an attack story.

        Raises:
            FaultyInputError: ``story_unknown``.
        """
        if name not in STORIES:
            raise FaultyInputError("story_unknown", f"`{name[:80]}` is no story: use one of {', '.join(STORIES)}")
        return tell(name, self.people, self.until_ns, self.tenant, self._wardrobe if self.rich else None)

    def stories(self) -> tuple[str, ...]:
        """Return the names of all stories."""
        return tuple(STORIES)

    def _subjects(self) -> tuple[SubjectEntry, ...]:
        entries, until_s = subjects(self.people), self.until_ns // NS
        if not self.rich:
            return entries
        return tuple(
            msgspec.structs.replace(entry, properties=entry.properties | properties(person, until_s))
            for entry, person in zip(entries, self.people, strict=True)
        )

    def _life(self, person: Person) -> Iterator[AccessEvent]:
        luck = Random(f"{self.seed}:{person.name}")  # noqa: S311 - a simulator, no secret
        until_s = self.until_ns // NS
        today = until_s - (until_s + person.offset_min * 60) % DAY_S  # the last local midnight
        for back in range(self.days, -1, -1):
            day = Day(person, today - back * DAY_S, self.tenant, luck)
            for event in day.events():
                if event.time_ns < self.until_ns:
                    yield self._wardrobe.dressed(event, person) if self.rich else event


def request_of(event: AccessEvent) -> dict[str, Any]:
    """Return the AuthZEN evaluation request that an enforcement point would send for ``event``."""
    device = {"id": event.device_id, "managed": event.device_managed} if event.device_id else None
    context = {
        "ip": event.ip,
        "user_agent": event.user_agent,
        "device": device,
        "session_id": event.session_id,
        "tz_offset_min": event.tz_offset_min,
        "mfa": event.mfa,
        "count": event.count,
        "ticket": event.account.ticket if event.account else None,
        **{name: msgspec.to_builtins(group) for name in _TOLD if (group := getattr(event, name)) is not None},
    }
    return {
        "subject": {"type": event.subject_type, "id": event.subject_id},
        "action": {"name": event.action},
        "resource": {"type": event.resource_type, "id": event.resource_id},
        "context": {name: value for name, value in context.items() if value is not None},
    }


def _plain(entry: msgspec.Struct) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(entry)
    return {name: value for name, value in values.items() if value not in (None, [], {})}


__all__ = ["DEFAULT_SEED", "DEFAULT_UNTIL_NS", "SOURCE", "Organisation", "Person", "Story", "request_of"]
