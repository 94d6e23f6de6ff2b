"""One request at the door of models: who comes, what is asked, and the one decision about it.

Policy sees what the registry itself knows of the version, never what the caller says of it: digest, state, format, who
made it, where it is live, the metrics of a report that was checked.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import msgspec

from ostiary.errors import FaultyInputError, OstiaryError, UnavailableError
from ostiary.identity.exchange.details import origin_of
from ostiary.identity.types import VerifiedIdentity, thaw
from ostiary.pipeline.registry.model import Actor, Version
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.desk import FaceDesk
from ostiary.server.doors import Asked, Caller, Keeper, Passed
from ostiary.server.models import Models
from ostiary.server.wire import Request
from ostiary.vocabulary.reasons import Reason

MAX_BODY: Final = 16 << 20
HEAVY_THREADS: Final = 2
HEAVY_WAITING: Final = 16
_DEPTH: Final = 8
_MAX_ACTORS: Final = 8
_PEOPLE_CLAIMS: Final = {"actor_id": "github-actor", "user_id": "gitlab-user"}
Result = TypeVar("Result")


class Heavy:
    """A few threads for what reads whole models, so that it holds up neither decisions nor other doors."""

    def __init__(self) -> None:
        """Begin idle."""
        self._threads = ThreadPoolExecutor(HEAVY_THREADS, "models")
        self._waiting = 0

    async def do(self, act: Callable[[], Result]) -> Result:
        """Run ``act`` when its turn comes.

        Raises:
            UnavailableError: ``overloaded``.
        """
        if self._waiting >= HEAVY_WAITING:
            raise UnavailableError(Reason.OVERLOADED.value, "too many models are being verified, try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, act)
        finally:
            self._waiting -= 1


class DoorParts(msgspec.Struct, frozen=True):
    """What the door works with."""

    desk: FaceDesk
    keeper: Keeper
    models: Models
    heavy: Heavy


class Visit(msgspec.Struct, frozen=True):
    """One request of a caller that proved itself; ``rest`` are the parts of the path that follow what is asked."""

    parts: DoorParts
    request: Request
    caller: Caller
    name: str
    rest: list[str]

    @property
    def tenant(self) -> str:
        """Whose door it is."""
        return self.caller.tenant

    @property
    def models(self) -> Models:
        """The registry."""
        return self.parts.models

    @property
    def subject(self) -> str:
        """Who comes, ``type:id``."""
        return f"{self.caller.identity.subject_type}:{self.caller.identity.subject_id}"

    async def ask(
        self,
        action: str,
        stage: str = "",
        properties: dict[str, Any] | None = None,
        known: dict[str, Any] | None = None,
    ) -> Passed:
        """Ask the one decision.

        Raises:
            TurnedAway: it does not permit it.
        """
        asked = Asked(
            action=action,
            resource_type="model",
            resource_id=self.name,
            stage=stage,
            properties=properties or {},
            resource_properties=known or {},
        )
        return await self.parts.keeper.ask(self.caller, asked)

    def actor(self, passed: Passed) -> Actor:
        """Return who is doing it, with every other name that the token proves."""
        return Actor(self.subject, other_names(self.caller.identity), passed.decision_id)

    async def document(self) -> dict[str, Any]:
        """Return the body, a JSON object.

        Raises:
            FaultyInputError: as ``parse_object``.
        """
        if self.request.twice or not self.request.is_json():
            raise FaultyInputError(Reason.REQUEST_INVALID.value, "the content type must be application/json, told once")
        raw = await self.request.body(MAX_BODY, self.parts.desk.receive_timeout_s)
        return await beside(parse_object, raw, BodyLimits(MAX_BODY, _DEPTH))


async def beside(act: Callable[..., Result], *arguments: Any) -> Result:
    """Run ``act`` beside the loop."""
    return await asyncio.to_thread(act, *arguments)


def read(document: dict[str, Any], kind: type[Result]) -> Result:
    """Return a body as a struct.

    Raises:
        FaultyInputError: ``request_invalid``.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(Reason.REQUEST_INVALID.value, f"the body is not what is asked for: {fault}") from fault


def other_names(identity: VerifiedIdentity) -> tuple[str, ...]:
    """Return what else the caller is known by: whose token was exchanged, who started the job, on whose behalf."""
    origin = dict(thaw(origin_of(identity)))
    names = [f"{origin.get('sub_type', '')}:{origin['sub']}"] if isinstance(origin.get("sub"), str) else []
    claims = origin.get("claims")
    told = claims if isinstance(claims, dict) else {}
    names += [f"{kind}:{told[claim]}" for claim, kind in _PEOPLE_CLAIMS.items() if isinstance(told.get(claim), str)]
    actor = thaw(identity.claims).get("act")
    while isinstance(actor, dict) and len(names) < _MAX_ACTORS:
        names += [actor["sub"]] if isinstance(actor.get("sub"), str) else []
        actor = actor.get("act")
    return tuple(dict.fromkeys(names))


def known_of(models: Models, tenant: str, name: str, number: int) -> dict[str, Any]:
    """Return what policy is told of one version; of one that cannot be believed only that."""
    try:
        version = models.journal.version(tenant, name, number)
        lives = models.journal.lives(tenant, name)
    except OstiaryError as fault:
        return {"version": number, "state": fault.code}
    return {
        **described(version),
        "live_in": sorted(live.stage for live in lives if live.number == number),
        "was_live_in": sorted(live.stage for live in lives if number in live.was),
    }


def described(version: Version) -> dict[str, Any]:
    """Return the facts of a version for policy."""
    return {
        "version": version.number,
        "digest": version.digest,
        "state": version.state.value,
        "format": version.format,
        "signer": version.signed.identity,
        "builder": version.origin.builder,
        "commit": version.origin.commit,
        "trainers": sorted(version.trainer.names),
    }
