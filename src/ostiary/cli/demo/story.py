"""The story ``2am-dba``: a developer, a production database, two in the morning, an unfamiliar network.

Told in acts: what is known of her, somebody's ordinary request, her request, how she proves herself, why she was asked
to, and the proof that all of it was recorded. Nothing about the answers is written down here: they are the server's.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ostiary.cli.demo.front_door import FrontDoor
from ostiary.cli.demo.stage import Stage
from ostiary.cli.demo.teller import Teller
from ostiary.signals import eventfile
from ostiary.testing.organisation import request_of
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.events import AccessEvent

MFA: Final = "urn:ostiary:acr:mfa"
PHISHING_RESISTANT: Final = "urn:ostiary:acr:phishing-resistant"
AMR: Final = {MFA: ["pwd", "mfa"], PHISHING_RESISTANT: ["hwk", "mfa"]}
_MINUTE_S: Final = 60
_DAY_S: Final = 86_400
_NS: Final = 10**9
_AROUND_S: Final = 5_400
_SHOWN: Final = 5


class Play:
    """One performance on one stage."""

    def __init__(self, stage: Stage, door: FrontDoor, teller: Teller, clock: Clock) -> None:
        """Take where it plays, whom it asks, how it is told."""
        self._stage = stage
        self._door = door
        self._teller = teller
        self._clock = clock
        self._story = stage.organisation.story("2am-dba")
        self._history = list(eventfile.read(stage.history))

    def perform(self) -> str:
        """Play it; return the effect of the night's question."""
        self._introduce()
        self._ordinary()
        answer = self._night()
        if answer["context"]["effect"] == "STEP_UP":
            self._prove(answer["context"])
        self._explain(answer["context"]["id"])
        self._verify(answer["context"]["id"])
        effect: str = answer["context"]["effect"]
        return effect

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
        self._teller.show("ordinary", self._ask(event, acr=MFA, signed_in_s=20 * _MINUTE_S))

    def _night(self) -> dict[str, Any]:
        self._teller.act("Two in the morning")
        self._teller.say(f"{self._story.sentence[:1].upper()}{self._story.sentence[1:]}.")
        self._teller.say("Her application asks for her:\n")
        event = self._story.events[-1]
        self._teller.show("request", _request(event))
        self._teller.say("\nHer token is valid, with two factors, twenty minutes old. The answer:\n")
        answer = self._ask(event, acr=MFA, signed_in_s=20 * _MINUTE_S)
        self._teller.show("answer", answer)
        return answer

    def _explain(self, decision_id: str) -> None:
        self._teller.act("Why")
        self._teller.run("why", "why", decision_id, "--data", self._data)

    def _prove(self, challenge: dict[str, Any]) -> None:
        acr = next(value for value in challenge["acr_values"].split() if value in AMR)
        self._teller.act("She proves it is her")
        self._teller.say(f"She signs in again with what was asked for, `{acr}`, and asks once more:\n")
        self._teller.show("answer_after_step_up", self._ask(self._story.events[-1], acr=acr, signed_in_s=1))

    def _verify(self, decision_id: str) -> None:
        receipt = f"{self._data}/{decision_id}.receipt"
        self._teller.act("The record")
        self._teller.run("prove", "audit", "prove", decision_id, "--data", self._data, "--out", receipt)
        key = self._teller.ask("audit", "checkpoint", "--data", self._data)["keys"][0]
        self._teller.say("")
        self._teller.run("receipt", "audit", "receipt", receipt, "--key", key)
        self._teller.say("")
        self._teller.run("verify", "audit", "verify", "--data", self._data, "--remember", f"{self._data}/remembered")

    def _ask(self, event: AccessEvent, acr: str, signed_in_s: int) -> dict[str, Any]:
        now = self._clock.now_ns()
        claims = {"sub": event.subject_id, "sid": event.session_id, "client_id": event.client_id}
        how = {"acr": acr, "amr": AMR[acr], "auth_time": now // _NS - signed_in_s}
        token = self._stage.issuer.token(now, **claims, **how)
        return self._door.ask(_request(event), token)

    @property
    def _data(self) -> str:
        root = self._stage.places.root
        here = Path.cwd()
        return str(root.relative_to(here)) if root.is_relative_to(here) else str(root)


def _request(event: AccessEvent) -> dict[str, Any]:
    """Return what the enforcement point sends; how she signed in is the token's word and not the caller's."""
    request = request_of(event)
    return {**request, "context": {name: value for name, value in request["context"].items() if name != "mfa"}}


def _hours(events: list[AccessEvent]) -> tuple[int, int]:
    """Return the local hours between which nine in ten of the events lie."""
    hours = sorted((event.time_ns // _NS + _offset_s(event)) % _DAY_S // 3_600 for event in events)
    return hours[len(hours) // 20], hours[-1 - len(hours) // 20] + 1


def _offset_s(event: AccessEvent) -> int:
    return (event.tz_offset_min or 0) * _MINUTE_S


def _usual_now(history: Iterable[AccessEvent], now_ns: int, other_than: str) -> AccessEvent:
    """Return the access that a person most often has at this time of the day, weekends counted apart."""
    now = now_ns // _NS
    often: Counter[tuple[str, str, str, str]] = Counter()
    newest: dict[tuple[str, str, str, str], AccessEvent] = {}
    for event in history:
        if event.subject_type != "user" or event.subject_id == other_than or event.action == "login":
            continue
        apart = (event.time_ns // _NS - now + _DAY_S // 2) % _DAY_S - _DAY_S // 2
        key = (event.subject_id, event.resource_type, event.resource_id, event.action)
        often[key] += 3 if abs(apart) <= _AROUND_S else 0
        newest[key] = event
    key, _ = max(often.items(), key=lambda item: (item[1], item[0]))
    return newest[key]
