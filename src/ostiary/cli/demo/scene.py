"""A scene: the stage, the front door and whoever tells it, with what every story does: ask, explain, verify."""

import enum
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from ostiary.cli.demo import stories
from ostiary.cli.demo.front_door import FrontDoor
from ostiary.cli.demo.stage import Stage
from ostiary.cli.demo.teller import Teller
from ostiary.testing.issuer import FakeHolder
from ostiary.testing.organisation import request_of
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.events import AccessEvent

MFA: Final = "urn:ostiary:acr:mfa"
PHISHING_RESISTANT: Final = "urn:ostiary:acr:phishing-resistant"
AMR: Final = {MFA: ["pwd", "mfa"], PHISHING_RESISTANT: ["hwk", "mfa"]}
MINUTE_S: Final = 60
NS: Final = 10**9


@enum.unique
class Ending(enum.IntEnum):
    """How a story ended; the number is the exit code."""

    AS_TOLD = 0
    BROKE_OFF = 1
    DEFENCE_FELL = 3

    @classmethod
    def of(cls, told: "bool | Ending") -> "Ending":
        """Return the ending of a story that says how it ended, or only whether it went as told."""
        if isinstance(told, Ending):
            return told
        return cls.AS_TOLD if told else cls.BROKE_OFF


class Scene(msgspec.Struct, frozen=True):
    """Where a story plays, whom it asks, how it is told."""

    stage: Stage
    door: FrontDoor
    teller: Teller
    clock: Clock

    @property
    def data(self) -> str:
        """The data directory as a person would type it."""
        root, here = self.stage.places.root, Path.cwd()
        return str(root.relative_to(here)) if root.is_relative_to(here) else str(root)

    def token(
        self, event: AccessEvent, acr: str = MFA, signed_in_s: int = 20 * MINUTE_S, holder: FakeHolder | None = None
    ) -> str:
        """Return an access token for the subject of ``event``, bound to the key of ``holder`` if there is one."""
        now = self.clock.now_ns()
        claims: dict[str, Any] = {"sub": event.subject_id, "sid": event.session_id, "client_id": event.client_id}
        claims |= {"acr": acr, "amr": AMR[acr], "auth_time": now // NS - signed_in_s}
        if holder is not None:
            claims["cnf"] = holder.confirmation
        return self.stage.issuer.token(now, **claims)

    def ask(self, event: AccessEvent, token: str, holder: FakeHolder | None = None) -> dict[str, Any]:
        """Return the answer to the request behind ``event``; ``holder`` proves that it holds the token's key."""
        request = question(event)
        if holder is not None:
            uri = f"https://apps.example.org/{event.resource_type}/{event.resource_id}"
            proof = holder.proof(self.clock.now_ns(), token, "POST", uri)
            how = {"dpop_proof": proof, "http_method": "POST", "http_uri": uri}
            request = {**request, "context": {**request["context"], **how}}
        return self.door.ask(request, token)

    def explain(self, decision_id: str) -> None:
        """Show why a decision came out as it did."""
        self.teller.act("Why")
        self.teller.run("why", "why", decision_id, "--data", self.data)

    def verify(self, decision_id: str) -> None:
        """Show that the log holds the decision, and that nobody changed the log."""
        receipt = f"{self.data}/{decision_id}.receipt"
        self.teller.act("The record")
        self.teller.run("prove", "audit", "prove", decision_id, "--data", self.data, "--out", receipt)
        key = self.teller.ask("audit", "checkpoint", "--data", self.data)["keys"][0]
        self.teller.say("")
        self.teller.run("receipt", "audit", "receipt", receipt, "--key", key)
        self.teller.say("")
        self.teller.run("verify", "audit", "verify", "--data", self.data, "--remember", f"{self.data}/remembered")


def question(event: AccessEvent) -> dict[str, Any]:
    """Return what the enforcement point sends; how the subject signed in is the token's word and not the caller's."""
    request = request_of(event)
    return {**request, "context": {name: value for name, value in request["context"].items() if name != "mfa"}}


def all_stories() -> dict[str, ModuleType]:
    """Return every story by its name, in the order of their files."""

    def found() -> Iterator[ModuleType]:
        for info in sorted(pkgutil.iter_modules(stories.__path__), key=lambda info: info.name):
            yield import_module(f"{stories.__name__}.{info.name}")

    return {module.NAME: module for module in found()}
