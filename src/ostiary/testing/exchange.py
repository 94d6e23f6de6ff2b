"""Whoever comes to the token endpoint in tests: a platform's token, a key, and a form; lies included.

stage = ExchangeCaller(server.house.clock, "https://pdp.example")
answer = client.post(**stage.request(GITHUB.token(now_ns), stage.detail()))
"""

import json
from typing import Any, Final
from urllib.parse import urlencode

from ostiary.identity.exchange.asking import GRANT, TOKEN_TYPES
from ostiary.testing.issuer import FakeHolder, compact
from ostiary.vocabulary.clock import Clock

JWT: Final = TOKEN_TYPES[2]


class ExchangeCaller:
    """One caller of a tenant's token endpoint, with a key of its own."""

    def __init__(self, clock: Clock, base_url: str, tenant: str = "default", holder: FakeHolder | None = None) -> None:
        """Hold ``holder``'s key, or a fresh one."""
        self.clock = clock
        self.base_url = base_url
        self.tenant = tenant
        self.holder = holder or FakeHolder()
        self._made = 0

    @property
    def path(self) -> str:
        """The token endpoint."""
        return f"/oauth/{self.tenant}/token"

    @staticmethod
    def detail(**changes: Any) -> dict[str, Any]:
        """Return an ordinary item of ``authorization_details``, with changes; ``None`` leaves one out."""
        told = {
            "type": "ostiary_dataset",
            "identifier": "sales",
            "actions": ["dataset.read"],
            "purpose": "training",
            "stage": "train",
            **changes,
        }
        return {name: value for name, value in told.items() if value is not None}

    @staticmethod
    def form(token: str, *details: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Return a form that asks for a token, with changes; ``None`` leaves one out."""
        told = {
            "grant_type": GRANT,
            "subject_token": token,
            "subject_token_type": JWT,
            "authorization_details": json.dumps(list(details)),
            **changes,
        }
        return {name: value for name, value in told.items() if value is not None}

    def proof(
        self,
        path: str = "",
        *,
        method: str = "POST",
        token: str = "",
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Return a fresh proof for a request to ``path``, by default the token endpoint; ``changes`` are claims."""
        self._made += 1
        drop = set(changes.pop("drop", ())) | (set() if token else {"ath"})
        given = {"jti": f"bare-{id(self)}-{self._made}", **changes}
        url = self.base_url + (path or self.path)
        claims = self.holder.claims(self.clock.now_ns(), token, method, url, drop=drop, **given)
        return compact(self.holder.header(**(header or {})), claims, self.holder.key.signer)

    def request(self, token: str, *details: dict[str, Any], proof: str | None = None, **form: Any) -> dict[str, Any]:
        """Return the arguments of an HTTP client's ``post``; without details it asks for the ordinary one."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "DPoP": proof or self.proof()}
        content = urlencode(self.form(token, *(details or (self.detail(),)), **form))
        return {"url": self.path, "content": content, "headers": headers}
