"""The invented deployment of the campaign: two tenants, their issuers, what there is and who asks.

Everything that may be asked stands in ``KINDS`` with the loosest answer that is right, written down by hand and not
read from the product: that is the oracle. At the start every kind that may be allowed must be, or it would prove
nothing.
"""

import itertools
import json
import time
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from ostiary.testing.issuer import FakeIssuer
from ostiary.vocabulary.clock import SystemClock
from ostiary.vocabulary.effects import Effect

TENANTS: Final = ("default", "acme")
PEOPLE: Final = 12
LEAVERS: Final = 1000
_LIFE_S: Final = 3600
_LONG_AGO_S: Final = 700 * 86_400
KINDS: Final[dict[str, Effect]] = {
    "reads_handbook": Effect.ALLOW,
    "reads_own": Effect.ALLOW,
    "writes_own": Effect.ALLOW,
    "victim": Effect.ALLOW,
    "queries_production_weakly": Effect.STEP_UP,
    "deletes_production": Effect.DENY,
    "unknown_thing": Effect.DENY,
    "thing_of_the_other_tenant": Effect.DENY,
    "token_of_the_other_tenant": Effect.DENY,
    "token_of_a_stranger": Effect.DENY,
    "token_expired": Effect.DENY,
    "ended_session": Effect.DENY,
    "revoked_subject": Effect.DENY,
    "removed_pep": Effect.DENY,
}
"""Every kind of question, with the loosest effect that is right."""

_LATER: Final = frozenset({"victim", "ended_session", "revoked_subject", "removed_pep"})
EVERYDAY: Final = tuple(kind for kind in KINDS if kind not in _LATER)


class Question(msgspec.Struct, frozen=True):
    """One question of one tenant's enforcement point.

    Attributes:
        kind: one of ``KINDS``.
        subject: id of who asks.
        session: the session it is asked in.
        body: the request as it is sent.
    """

    kind: str
    tenant: str
    subject: str
    session: str
    body: dict[str, Any]


class Scene:
    """What the tenants are made of."""

    def __init__(self, data: Path, chance: Random) -> None:
        """Lay files down in ``data``, which must not have been served before."""
        self.data = data
        self._chance = chance
        self._numbers = itertools.count(1)
        self._issuers = {name: FakeIssuer(f"https://idp.{name}.example", name) for name in TENANTS}
        self._stranger = FakeIssuer("https://idp.stranger.example")
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / "catalogue").mkdir(mode=0o700)
        for name in TENANTS:
            (data / "catalogue" / f"{name}.yaml").write_text(json.dumps(_catalogue(name)))
            self.key_set(name).write_text(self._issuers[name].jwks().inline)
        (data / "ostiary.toml").write_text(self._settings())

    def key_set(self, tenant: str) -> Path:
        """Return the file with the public keys of a tenant's issuer."""
        return self.data / f"issuer-{tenant}.json"

    def everyday(self, tenant: str) -> Question:
        """Return one of the questions that are asked all day, allowed ones as often as all others together."""
        kind = self._chance.choice((*EVERYDAY, *("reads_handbook", "reads_own", "writes_own") * 3))
        name = f"dev-{self._chance.randrange(PEOPLE)}"
        return self.question(kind, tenant, name, f"{tenant}-{name}")

    def victim(self, tenant: str) -> Question:
        """Return the first question of somebody new, in a session of its own that is about to end."""
        name = f"leaver-{next(self._numbers)}"
        return self.question("victim", tenant, name, f"{tenant}-{name}")

    def again(self, ended: Question, kind: str) -> Question:
        """Return what was asked before somebody ended it, asked again with the very same token."""
        return msgspec.structs.replace(ended, kind=kind)

    def question(self, kind: str, tenant: str, name: str, session: str) -> Question:
        """Return one question."""
        other = TENANTS[1 - TENANTS.index(tenant)]
        action, resource = "read", {"type": "document", "id": "handbook"}
        if kind in {"reads_own", "writes_own", "victim"}:
            action = "write" if kind == "writes_own" else "read"
            resource = {"type": "document", "id": f"{tenant}-plan"}
        elif kind == "thing_of_the_other_tenant":
            resource = {"type": "document", "id": f"{other}-plan"}
        elif kind == "unknown_thing":
            resource = {"type": "document", "id": "nobody-knows"}
        elif kind in {"queries_production_weakly", "deletes_production"}:
            action = "delete" if kind == "deletes_production" else "query"
            resource = {"type": "database", "id": "production"}
        body = {
            "subject": {"type": "user", "id": name},
            "action": {"name": action},
            "resource": resource,
            "context": {
                "subject_token": self._token(kind, tenant, name),
                "session_id": session,
                "device": {"id": f"laptop-{name}", "managed": True},
            },
        }
        return Question(kind, tenant, name, session, body)

    def _token(self, kind: str, tenant: str, name: str) -> str:
        now_ns = SystemClock().now_ns()
        if kind == "token_of_a_stranger":
            return self._stranger.token(now_ns, sub=name)
        if kind == "token_of_the_other_tenant":
            return self._good_token(TENANTS[1 - TENANTS.index(tenant)], name)
        if kind == "token_expired":
            return self._issuers[tenant].token(now_ns - _LONG_AGO_S * 10**9, sub=name)
        return self._good_token(tenant, name)

    def _good_token(self, tenant: str, name: str) -> str:
        made, token = self._tokens.get((tenant, name), (0.0, ""))
        if time.monotonic() - made > _LIFE_S / 3 or not token:
            now_ns = SystemClock().now_ns()
            now = now_ns // 10**9
            token = self._issuers[tenant].token(
                now_ns, sub=name, exp=now + _LIFE_S, acr="urn:ostiary:acr:pwd", amr=["pwd"], auth_time=now - 60
            )
            self._tokens[tenant, name] = (time.monotonic(), token)
        return token

    def _settings(self) -> str:
        lines = ["[identity]", "keys_refresh_s = 2", ""]
        for name, issuer in self._issuers.items():
            lines += ["[[identity.issuers]]", f'issuer = "{issuer.issuer}"', f'tenant = "{name}"']
            lines += ['audience = "ostiary"', f'jwks_path = "{self.key_set(name)}"', ""]
        return "\n".join(lines)


def _catalogue(tenant: str) -> dict[str, Any]:
    people = [f"dev-{number}" for number in range(PEOPLE)]
    return {
        "resources": [
            {"type": "document", "id": "handbook", "sensitivity": 0},
            {"type": "document", "id": f"{tenant}-plan", "sensitivity": 1},
            {"type": "database", "id": "production", "sensitivity": 3, "labels": ["production"]},
        ],
        "subjects": [
            *({"type": "user", "id": name, "groups": ["developers"]} for name in people),
            *({"type": "user", "id": f"leaver-{number}", "groups": ["developers"]} for number in range(LEAVERS)),
        ],
        "actions": ["read", "write", "query", "delete"],
    }
