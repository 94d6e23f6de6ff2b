"""A browser at the console, named as the fake it is: it keeps its cookie, posts forms as pages do, and has a passkey.

Real browsers are in ``tests/browser``; this one is for the many questions that need none.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from ostiary.testing.passkey import FakePasskey

_CSRF: Final = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
_OK: Final = 200


class FakeBrowser:
    """One person's browser."""

    def __init__(self, address: str, origin: str, name: str, tenant: str = "default") -> None:
        """Reach the server at ``address``, as a page of ``origin`` would."""
        self.client = httpx.Client(base_url=address, timeout=30, headers={"origin": origin})
        self.passkey = FakePasskey(origin, httpx.URL(origin).host)
        self.name = name
        self.tenant = tenant
        self.cookie = ""

    def enrol(self, link: str) -> None:
        """Add the passkey by a link of an invitation."""
        path = httpx.URL(link).path
        asked = self.client.post(f"{path}/options", json={}).json()
        told = {"seal": asked["seal"], "confirmed_by": asked["confirmed_by"], "name": "fake"}
        made = self.client.post(f"{path}/answer", json={**told, "credential": self.passkey.create(asked["create"])})
        made.raise_for_status()

    def sign_in(self, **changed: Any) -> httpx.Response:
        """Sign in; ``changed`` replaces members of what the page would post."""
        who = {"name": self.name, "tenant": self.tenant}
        asked = self.client.post("/sign-in/options", json=who).json()
        told = {**who, "seal": asked["seal"], "until": asked["until"], "credential": self.passkey.get(asked["get"])}
        answer = self.client.post("/sign-in/answer", json={**told, **changed})
        if answer.status_code == _OK:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Look at a page."""
        return self.client.get(path, headers={"cookie": self.cookie, **more.pop("headers", {})}, **more)

    @property
    def csrf(self) -> str:
        """The token that forms carry."""
        found = _CSRF.search(self.get("/me").text)
        return found.group(1) if found else ""

    def deed(self, path: str, form: Mapping[str, str] | None = None, **changed: str) -> httpx.Response:
        """Send a form as a page's script does; ``changed`` replaces headers."""
        headers = {"cookie": self.cookie, "accept": "application/json", **changed}
        return self.client.post(path, data={"csrf": self.csrf, **(form or {})}, headers=headers)

    def confirm(self, path: str) -> None:
        """Confirm a decision that asked for it (``confirm`` of an answer)."""
        asked = self.client.post(f"{path}/options", json={}).json()
        told = {"seal": asked["seal"], "credential": self.passkey.get(asked["get"])}
        self.client.post(f"{path}/answer", json=told).raise_for_status()
