"""The section ``console``: pages for people, how long they stay signed in, who else may vouch for them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from ostiary.gateway.upstreams.http import key_from
from ostiary.identity.oidc.config import ProviderConfig, SubjectClaim
from ostiary.server.settings.base import Section

Word = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[!-~]+$")]
Role = Literal["owner", "analyst", "approver", "auditor", "developer"]
OWN_CALLBACK: Literal["own"] = "own"


class OidcRoleSection(Section):
    """One line of the mapping from what a provider says of a person to roles."""

    claim: Word
    """Claim of the id token: a text, a list of texts, or true."""
    value: Annotated[str, Field(min_length=1, max_length=256)]
    """What the claim must say, or have in its list; letter for letter."""
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    """Roles of whoever has it."""


class OidcSection(Section):
    """One provider that signs people in, by OpenID Connect."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """Its name here; it begins the ids of its people, so a change makes other people of them."""
    title: Annotated[str, Field(max_length=64)] = ""
    """What the button says; empty takes the name."""
    issuer: Annotated[str, Field(min_length=8, max_length=512, pattern=r"^https?://[!-~]+$")]
    """Its exact `iss`; its discovery document lies below."""
    client_id: Word
    """Our name there."""
    client_secret: SecretStr = SecretStr("")
    """Our secret there; none makes us a public client, which PKCE alone protects."""
    client_secret_file: Path | None = None
    """File that holds the secret; it is read again when it changes."""
    client_auth: Literal["basic", "post"] = "basic"
    """Where the provider wants the secret: in the header or in the form."""
    tenant: str = "default"
    """The tenant that it signs people into."""
    scopes: tuple[Word, ...] = ("openid", "profile", "email")
    """Scopes that are asked for."""
    hosts: tuple[Word, ...] = ()
    """Hosts besides the issuer's own on which its endpoints and keys may lie."""
    subject_claim: SubjectClaim = "sub"
    """The claim that becomes a person's id. `email` counts only when verified; both others may be given to
    somebody else one day, `sub` never."""
    namespaced: bool = True
    """Whether ids are `user:NAME:id`. Without, whoever the provider calls `ann` is `user:ann`, whoever else that is."""
    roles: tuple[OidcRoleSection, ...] = ()
    """Which claims give which roles to people who were not entered by name; none gives none."""
    acr_values: tuple[Word, ...] = ()
    """Authentication classes that are asked for."""
    acr_means: dict[str, Word] = Field(default_factory=dict)
    """What its authentication classes mean in words that policy knows, such as `urn:ostiary:acr:mfa`; the empty name
    stands for none told. A class that policy does not know proves nothing."""
    step_up_acr_values: tuple[Word, ...] = ()
    """Classes that are asked for when a person must confirm; none takes `acr_values`."""
    prompt: Literal["", "login", "select_account", "consent"] = ""
    """What the provider shall ask at each sign-in; empty leaves it to the provider."""
    max_age_s: Annotated[int, Field(ge=0, le=2_592_000)] = 0
    """How long ago the person may have signed in there; 0 does not ask."""
    algorithms: Annotated[tuple[str, ...], Field(min_length=1)] = ("ES256", "EdDSA", "PS256", "RS256")
    """Algorithms of its signatures; symmetric ones do not exist."""
    clock_skew_s: Annotated[int, Field(ge=0, le=300)] = 60
    """By how much its clock may be off."""
    callback: Literal["shared", "own"] = "shared"
    """`own` takes its answers at `/sign-in/callback/NAME`: for one among several that does not name itself in its
    answers (RFC 9207)."""

    def provider(self, *, allow_loopback_http: bool) -> ProviderConfig:
        """Return what the room of identity needs.

        Raises:
            FaultyInputError: ``identity_config_invalid``.
        """
        return ProviderConfig(
            name=self.name,
            tenant=self.tenant,
            issuer=self.issuer,
            client_id=self.client_id,
            secret=key_from(self.client_secret_file, self.client_secret.get_secret_value()),
            client_auth=self.client_auth,
            scopes=self.scopes,
            hosts=self.hosts,
            subject_claim=self.subject_claim,
            namespaced=self.namespaced,
            keep=tuple(dict.fromkeys(one.claim for one in self.roles)),
            acr_values=self.acr_values,
            step_up_acr_values=self.step_up_acr_values,
            prompt=self.prompt,
            max_age_s=self.max_age_s,
            algorithms=self.algorithms,
            clock_skew_s=self.clock_skew_s,
            own_callback=self.callback == OWN_CALLBACK,
            allow_loopback_http=allow_loopback_http,
        )

    @model_validator(mode="after")
    def _one_secret(self) -> "OidcSection":
        if self.client_secret_file is not None and self.client_secret.get_secret_value():
            msg = "give either `client_secret` or `client_secret_file`"
            raise ValueError(msg)
        return self


class ConsoleSection(Section):
    """The console."""

    enabled: bool = True
    """Whether there is a console; it needs `step_up.enabled`, since people sign in by passkey."""
    session_s: Annotated[int, Field(ge=60, le=604_800)] = 43_200
    """Longest time that a person stays signed in."""
    idle_s: Annotated[int, Field(ge=60, le=604_800)] = 3_600
    """Time without a click after which a person must sign in again."""
    max_sessions: Annotated[int, Field(ge=1, le=100)] = 10
    """Most sessions of one person; one more ends the oldest."""
    max_in_flight: Annotated[int, Field(ge=1, le=256)] = 16
    """Pages worked on at once; one more is asked to wait. The console must not slow decisions down."""
    max_streams: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Most tabs that are told of changes at once."""
    oidc: Annotated[tuple[OidcSection, ...], Field(max_length=16)] = ()
    """Providers that sign people in: tables of `name`, `title`, `issuer`, `client_id`, `client_secret` or
    `client_secret_file`, `client_auth`, `tenant`, `scopes`, `hosts`, `subject_claim`, `namespaced`, `roles` (tables of
    `claim`, `value`, `roles`), `acr_values`, `acr_means`, `step_up_acr_values`, `prompt`, `max_age_s`, `algorithms`,
    `clock_skew_s`, `callback`. What each does: the how-to on signing in at your own provider."""

    @model_validator(mode="after")
    def _providers_differ(self) -> "ConsoleSection":
        names = {one.name for one in self.oidc}
        clients = {(one.issuer, one.client_id) for one in self.oidc}
        if len(names) < len(self.oidc) or len(clients) < len(self.oidc):
            msg = "two providers of `oidc` have one name, or are the same client of the same issuer"
            raise ValueError(msg)
        return self
