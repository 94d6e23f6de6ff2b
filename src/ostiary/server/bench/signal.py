"""The verified ways in by which ``ostiary bench revocation`` ends a session.

- ``signal``: another domain pushes ``session-revoked``, a signed event token (SSF 1.0, RFC 8935), as an identity
  provider would. The server verifies it, writes it down, and ends the session it names.
- ``admin``: an administrator ends it through the API.
"""

from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import httpx

from ostiary.identity.secevent.types import uri_of
from ostiary.server.bench.workload import ISSUER, Workload
from ostiary.server.places import DEFAULT_TENANT

AUDIENCE: Final = "https://ostiary.bench.example/ssf"
RECEIVER: Final = "bench"
_TIMEOUT_S: Final = 30
_MS: Final = 1_000_000


class Injector(Protocol):
    """Ends sessions."""

    @property
    def name(self) -> str:
        """What it is, for the report."""
        ...

    def end(self, session: dict[str, Any], now_ns: int) -> None:
        """Send the signal; return when it is answered."""
        ...


def listen_to_us(settings: Path, keys: Path) -> None:
    """Add to a configuration that the workload's own issuer is listened to."""
    lines = ["[[ssf.receivers]]", f'name = "{RECEIVER}"', f'issuer = "{ISSUER}"', f'audience = "{AUDIENCE}"']
    lines += [f'jwks_path = "{keys}"', "sessions = true"]
    with settings.open("a") as file:
        file.write("\n".join(lines) + "\n")


class SignalInjector:
    """Another domain says that a session was revoked."""

    name = "session-revoked by SSF push"

    def __init__(self, url: str, workload: Workload) -> None:
        """Keep one connection; ``workload`` signs."""
        headers = {"Content-Type": "application/secevent+jwt"}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S)
        self._workload = workload

    def end(self, session: dict[str, Any], now_ns: int) -> None:
        """Push one event token."""
        person = {"format": "iss_sub", "iss": ISSUER, "sub": session["subject"].partition(":")[2]}
        told = {"format": "opaque", "id": session["session_id"]}
        claims = {
            "jti": f"revoked-{session['session_id']}",
            "aud": AUDIENCE,
            "sub_id": {"format": "complex", "user": person, "session": told},
            "events": {uri_of("session-revoked"): {"event_timestamp": now_ns // _MS // 1000}},
        }
        token = self._workload.event_token(claims, now_ns)
        self._client.post(f"/ssf/v1/events/{RECEIVER}", content=token).raise_for_status()


class AdminInjector:
    """An administrator ends a session."""

    name = "the administrators' API"

    def __init__(self, url: str, key: str) -> None:
        """Keep one connection."""
        headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S)

    def end(self, session: dict[str, Any], now_ns: int) -> None:
        """Terminate one session, by the name that it has in the ledger."""
        del now_ns
        kind, _, person = session["subject"].partition(":")
        name = quote(f"{kind}\n{person}\n{session['session_id']}", safe="")
        path = f"/api/v1/tenants/{DEFAULT_TENANT}/sessions/{name}/terminate"
        self._client.post(path, json={"reason": "bench"}).raise_for_status()
