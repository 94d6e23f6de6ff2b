"""What an operator says of one provider that may sign people in; every value is checked when it is made.

>>> provider = ProviderConfig(name="corp", tenant="acme", issuer="https://idp.example", client_id="ostiary")
>>> provider.well_known
'https://idp.example/.well-known/openid-configuration'
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from ostiary.errors import FaultyInputError
from ostiary.identity.login.provider import WELL_KNOWN
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import IssuerConfig, JwksSource
from ostiary.identity.strict import is_name

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
SUBJECT_CLAIMS: Final = ("sub", "email", "preferred_username")
SubjectClaim = Literal["sub", "email", "preferred_username"]
_ALWAYS_KEPT: Final = ("nonce", "azp", "at_hash", "email", "email_verified", "preferred_username")


def no_secret() -> str:
    """Return the secret of a public client."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """One provider of one tenant.

    Attributes:
        name: our name for it: part of addresses, and of its people's ids.
        issuer: the exact ``iss``.
        secret: returns our secret with it; empty for a public client, which PKCE alone protects.
        client_auth: where it wants the secret: ``basic`` (header) or ``post`` (form).
        hosts: hosts besides the issuer's own on which its endpoints may lie.
        subject_claim: the claim that becomes a person's id.
        namespaced: whether its people's ids begin with its name, so that none is another person's.
        keep: claims that tell roles.
        acr_values: what is asked for at a sign-in; ``step_up_acr_values``: at a confirmation.
        prompt: what the provider shall ask, as OpenID Connect names it; empty leaves it to the provider.
        max_age_s: how long ago the person may have signed in there; 0 does not ask.
        own_callback: whether its answers come to an address of its own.
        allow_loopback_http: whether it may be reached over plain HTTP on this machine.
    """

    name: str
    tenant: str
    issuer: str
    client_id: str
    secret: Callable[[], str] = no_secret
    client_auth: Literal["basic", "post"] = "basic"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    hosts: tuple[str, ...] = ()
    subject_claim: SubjectClaim = "sub"
    namespaced: bool = True
    keep: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    step_up_acr_values: tuple[str, ...] = ()
    prompt: str = ""
    max_age_s: int = 0
    algorithms: tuple[str, ...] = ("ES256", "EdDSA", "PS256", "RS256")
    clock_skew_s: int = 60
    own_callback: bool = False
    allow_loopback_http: bool = False

    def __post_init__(self) -> None:
        """Check every value that the types do not."""
        if not NAME.match(self.name):
            _faulty("a provider's name is of a-z, 0-9 and -, at most 32")
        if "openid" not in self.scopes or not all(is_name(one) and " " not in one for one in self.scopes):
            _faulty("`scopes` must be words, `openid` among them")
        for one in (*self.acr_values, *self.step_up_acr_values, *self.hosts):
            if not is_name(one, 512) or " " in one:
                _faulty("`acr_values` and `hosts` must be words")
        self.tokens()

    @property
    def well_known(self) -> str:
        """Where its discovery document is."""
        return self.issuer.rstrip("/") + WELL_KNOWN

    @property
    def own_hosts(self) -> frozenset[str]:
        """The hosts on which its endpoints may lie, with ports."""
        return frozenset({urlsplit(self.issuer).netloc.lower(), *(host.lower() for host in self.hosts)})

    def place(self) -> JwksSource:
        """Return where its keys are."""
        return JwksSource(url=self.well_known, discovery_of=self.issuer, allow_loopback_http=self.allow_loopback_http)

    def tokens(self) -> IssuerConfig:
        """Return how its id tokens are verified.

        Raises:
            FaultyInputError: ``identity_config_invalid``.
        """
        return IssuerConfig(
            tenant=self.tenant,
            issuer=self.issuer,
            audience=self.client_id,
            jwks=self.place(),
            algorithms=self.algorithms,
            token_types=("", "jwt"),
            clock_skew_s=self.clock_skew_s,
            keep=tuple(dict.fromkeys((*_ALWAYS_KEPT, *self.keep))),
        )


def _faulty(message: str) -> None:
    raise FaultyInputError(Refusal.IDENTITY_CONFIG_INVALID, message)
