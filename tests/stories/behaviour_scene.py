"""A server with a room that keeps windows for the test to see, and people's pages before it."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from ostiary.server import wiring
from ostiary.server.own_rooms import own_rooms
from ostiary.testing.behaviour_room import MemoryBehaviour
from ostiary.testing.issuer import FakeHolder, FakeIssuer
from ostiary.testing.pages import FakePage

PUBLIC = "http://pdp.example"


class Scene:
    """The server, its room, and the issuers of two tenants."""

    def __init__(self, server: Any, room: MemoryBehaviour[Any, Any], issuers: dict[str, FakeIssuer]) -> None:
        self.server, self.room, self.issuers = server, room, issuers

    def now_ns(self) -> int:
        return time.time_ns()  # noqa: TID251 - the server's own clock decides on tokens and proofs

    def page(
        self,
        name: str = "ann",
        session: str = "s1",
        tenant: str = "default",
        holder: FakeHolder | None = None,
        **claims: Any,
    ) -> FakePage:
        """Return a page of somebody, with its own key."""
        holder = holder or FakeHolder()
        told = {"sub": name, "cnf": holder.confirmation, **({"sid": session} if session else {}), **claims}
        token = self.issuers[tenant].token(self.now_ns(), **told)
        return self.at(tenant, holder, token)

    def at(self, tenant: str, holder: FakeHolder, token: str) -> FakePage:
        """Return a page that goes to a tenant, with any key and token."""
        base = f"/biometrics/v1/{tenant}"

        def send(method: str, what: str, body: bytes, headers: Any) -> Any:
            return self.server.client.request(method, f"{base}/{what}", content=body, headers=headers)

        return FakePage(send, f"{PUBLIC}{base}", holder, token, self.now_ns)

    def agreed(self, name: str = "ann", session: str = "s1", **more: Any) -> FakePage:
        """Return a page of somebody who agreed, introduced."""
        page = self.page(name, session, **more)
        assert page.agree().status_code == 200
        assert page.open().status_code == 201
        return page


def scene_of(start_server: Callable[..., Any], keys: Any, **collector: Any) -> Any:
    """Yield a scene with settings of the collector."""
    room: MemoryBehaviour[Any, Any] = MemoryBehaviour()
    issuers = {
        "default": FakeIssuer(),
        "acme": FakeIssuer(issuer="https://idp.acme.example", tenant="acme"),
    }
    told = []
    for tenant, issuer in issuers.items():
        place = keys / f"{tenant}.json"
        place.write_text(issuer.jwks().inline)
        one = {"issuer": issuer.issuer, "audience": issuer.audience, "tenant": tenant, "jwks_path": str(place)}
        told.append(one)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wiring, "own_rooms", lambda *given: {**own_rooms(*given), "behaviour": room})
        server = start_server(
            server={"public_url": PUBLIC}, identity={"issuers": told}, biometrics={"collector": collector}
        )
    server.admin("POST", "/tenants", json={"tenant": "acme"})
    yield Scene(server, room, issuers)
