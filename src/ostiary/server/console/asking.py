"""A click as a question to the one decision: who, what, in which part of the console.

The door is an enforcement point like any other (``ostiary:console``); the person's identity is believed because its
cookie was verified for this very request, and it carries the roles that the person has at this moment.
"""

from typing import Final

from ostiary.identity.browsing import identity_of_browser
from ostiary.identity.one_request import OneRequest
from ostiary.identity.types import PepIdentity, PresentedSubject
from ostiary.server.console.cookies import Cookie
from ostiary.server.console.people import people_of
from ostiary.server.console.routes import Route
from ostiary.server.console.sessions import note, sessions_of
from ostiary.server.console.signed_in import SignedIn
from ostiary.server.desk import FaceDesk
from ostiary.server.directory import CONSOLE
from ostiary.server.doors import Asked, Caller
from ostiary.server.wire import Request

DOOR: Final = "console"
_NS: Final = 1_000_000_000


def signed_in(desk: FaceDesk, cookie: Cookie) -> SignedIn:
    """Return who a cookie signs in; not for the loop.

    Raises:
        RefusedError: ``token_missing``, ``token_expired``.
        FaultyInputError: ``tenant_invalid``.
        VerificationError: ``shelf_tampered``.
    """
    house = desk.house
    now_ns, idle_ns = house.clock.now_ns(), house.settings.console.idle_s * _NS
    kept = sessions_of(house).find(cookie)
    person = people_of(house).find(kept.tenant, kept.subject) if kept else None
    told = {"roles": list(person.roles), "deployment": person.deployment} if person else {"roles": []}
    identity = identity_of_browser(kept if person else None, cookie.secret, told, now_ns, idle_ns)
    if kept is None or person is None:  # never so: the identity was refused then
        raise AssertionError
    note(house, kept, now_ns)
    return SignedIn(cookie, kept, person, identity)


def caller_of(desk: FaceDesk, who: SignedIn, request: Request) -> Caller:
    """Return a person as the keeper of a door knows callers."""
    presented = PresentedSubject(htm=request.method, htu=desk.base_url + request.raw_path)
    pep = PepIdentity(pep_id=f"ostiary:{DOOR}", tenant=who.session.tenant, subjects="token")
    once = OneRequest(desk.house.subjects)
    once.believe(pep, presented, who.identity)
    agent = next((value for name, value in request.raw_headers if name == b"user-agent"), b"")
    return Caller(
        tenant=who.session.tenant,
        identity=who.identity,
        detail=None,
        pep=pep,
        presented=presented,
        once=once,
        ip=desk.proxies.client(request.peer, request.raw_headers) or request.peer,
        user_agent=agent.decode("latin-1")[:512],
        request_id=request.request_id,
    )


def question(route: Route, told: str) -> Asked:
    """Return what is asked for a route; ``told`` is the path, for whoever reads the record."""
    return Asked(
        action=f"{CONSOLE}.{route.action}",
        resource_type=CONSOLE,
        resource_id=route.area,
        properties={"method": route.method, "route": route.path, "path": told[:500]},
    )
