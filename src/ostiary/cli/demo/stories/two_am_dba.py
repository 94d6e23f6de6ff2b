"""The story ``2am-dba``: a developer, a production database, two in the morning, an unfamiliar network.

Told in acts: what is known of her, somebody's ordinary request, her request, how she proves herself, why she was asked
to, and the proof that all of it was recorded. Nothing about the answers is written down here: they are the server's.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from ostiary.cli.demo.scene import AMR, MFA, MINUTE_S, NS, Scene, question
from ostiary.signals import eventfile
from ostiary.vocabulary.events import AccessEvent

NAME: Final = "2am-dba"
SENTENCE: Final = "a developer, a production database, two in the morning, an unfamiliar network"
_DAY_S: Final = 86_400
_AROUND_S: Final = 5_400
_SHOWN: Final = 5


def perform(scene: Scene) -> bool:
    """Play it on ``scene``; return whether all went as told."""
    return Play(scene).perform()


class Play:
    """One performance on one stage."""

    def __init__(self, scene: Scene) -> None:
        """Take where it plays."""
        self._scene = scene
        self._stage = scene.stage
        self._teller = scene.teller
        self._clock = scene.clock
        self._story = scene.stage.organisation.story(NAME)
        self._history = list(eventfile.read(scene.stage.history))

    def perform(self) -> bool:
        """Play it; return whether the night's question was answered by a step-up."""
        self._introduce()
        self._ordinary()
        answer = self._night()
        stepped_up: bool = answer["context"]["effect"] == "STEP_UP"
        if stepped_up:
            self._prove(answer["context"])
        self._scene.explain(answer["context"]["id"])
        self._scene.verify(answer["context"]["id"])
        return stepped_up

    def _introduce(self) -> None:
        who = self._story.subject.name
        mine = [event for event in self._history if event.subject_id == who]
        everybody = len({event.subject_id for event in self._history})
        things = Counter(f"{event.resource_type} {event.resource_id}" for event in mine)
        first, last = _hours(mine)
        self._teller.act("What is known")
        self._teller.say(
            f"{len(self._history):,} simulated accesses of {everybody} people and machines in "
            f"{self._stage.playbill.days} days. {len(mine):,} of them are {who}'s, nine in ten between "
            f"{first:02}:00 and {last:02}:00 her time:"
        )
        for name, often in things.most_common(_SHOWN):
            self._teller.say(f"{often:>6}  {name}")
        self._teller.keep("history", {"events": len(self._history), "own": len(mine), "things": dict(things)})

    def _ordinary(self) -> None:
        event = _usual_now(self._history, self._clock.now_ns(), self._story.subject.name)
        self._teller.act("An ordinary question first")
        self._teller.say(
            f"{event.subject_id} asks to {event.action} {event.resource_type} {event.resource_id}, as on other days "
            "at this hour.\n"
        )
        self._teller.show("ordinary", self._ask(event, MFA, 20 * MINUTE_S))

    def _night(self) -> dict[str, Any]:
        self._teller.act("Two in the morning")
        self._teller.say(f"{self._story.sentence[:1].upper()}{self._story.sentence[1:]}.")
        self._teller.say("Her application asks for her:\n")
        event = self._story.events[-1]
        self._teller.show("request", question(event))
        self._teller.say("\nHer token is valid, with two factors, twenty minutes old. The answer:\n")
        answer = self._ask(event, MFA, 20 * MINUTE_S)
        self._teller.show("answer", answer)
        return answer

    def _prove(self, challenge: dict[str, Any]) -> None:
        acr = next(value for value in challenge["acr_values"].split() if value in AMR)
        self._teller.act("She proves it is her")
        self._teller.say(f"She signs in again with what was asked for, `{acr}`, and asks once more:\n")
        self._teller.show("answer_after_step_up", self._ask(self._story.events[-1], acr, 1))

    def _ask(self, event: AccessEvent, acr: str, signed_in_s: int) -> dict[str, Any]:
        return self._scene.ask(event, self._scene.token(event, acr, signed_in_s))


def _hours(events: list[AccessEvent]) -> tuple[int, int]:
    """Return the local hours between which nine in ten of the events lie."""
    hours = sorted((event.time_ns // NS + _offset_s(event)) % _DAY_S // 3_600 for event in events)
    return hours[len(hours) // 20], hours[-1 - len(hours) // 20] + 1


def _offset_s(event: AccessEvent) -> int:
    return (event.tz_offset_min or 0) * MINUTE_S


def _usual_now(history: Iterable[AccessEvent], now_ns: int, other_than: str) -> AccessEvent:
    """Return what a developer most often does with a repository at this time of the day: anybody's roles reach that."""
    now = now_ns // NS
    often: Counter[tuple[str, str, str, str]] = Counter()
    newest: dict[tuple[str, str, str, str], AccessEvent] = {}
    for event in history:
        developer = "developers" in event.groups and event.subject_id != other_than
        if not developer or event.resource_type != "repository":
            continue
        apart = (event.time_ns // NS - now + _DAY_S // 2) % _DAY_S - _DAY_S // 2
        key = (event.subject_id, event.resource_type, event.resource_id, event.action)
        often[key] += 3 if abs(apart) <= _AROUND_S else 0
        newest[key] = event
    key, _ = max(often.items(), key=lambda item: (item[1], item[0]))
    return newest[key]
