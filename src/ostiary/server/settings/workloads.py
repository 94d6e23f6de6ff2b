"""Whose CI jobs, pods and services are let in: one table an issuer, each with its rules.

A table is checked whole when the settings are read: an unknown kind, a rule without an immutable id, an event that
strangers can cause. So nothing of it can surprise at the first token.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from ostiary.errors import FaultyInputError
from ostiary.server.settings.base import Section

if TYPE_CHECKING:
    from ostiary.identity.settings import IssuerConfig, JwksSource

RuleValue = str | bool | int | tuple[str | int, ...]


class WorkloadSection(Section):
    """One issuer of workloads' tokens; its keys are where its kind has them, or in one of four places."""

    kind: str
    """`github`, `gitlab`, `kubernetes` or `spiffe`."""
    audience: str
    """The one `aud` that tokens must have."""
    tenant: str = "default"
    """Tenant that lets them in."""
    name: str = ""
    """Name of the issuer, unique in the tenant and part of subject ids; empty takes the kind's or the trust domain."""
    issuer: str = ""
    """The exact `iss`; empty takes the kind's."""
    trust_domain: str = ""
    """With `spiffe`."""
    jwks_url: str = ""
    jwks_path: Path | None = None
    discovery_url: str = ""
    discovery_path: Path | None = None
    subject_type: str = ""
    """AuthZEN type of the subjects; empty takes the kind's."""
    single_use: bool = False
    """Whether each token is good for one request."""
    max_lifetime_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    """Longest time between `iat` and `exp`; 0 takes the kind's."""
    clock_skew_s: Annotated[int, Field(ge=0, le=300)] = 60
    """How far the issuer's clock and ours may differ."""
    rules: tuple[dict[str, RuleValue], ...] = ()
    """A token is let in when all of one rule holds."""

    @model_validator(mode="after")
    def _can_be_meant(self) -> "WorkloadSection":
        try:
            self.issuer_config(loopback=True)
        except FaultyInputError as fault:
            raise ValueError(fault.message) from None
        return self

    def issuer_config(self, *, loopback: bool) -> "IssuerConfig":
        """Return the issuer as the verifier knows it; ``loopback``: whether plain HTTP from this machine will do.

        Raises:
            FaultyInputError: ``identity_config_invalid``.
        """
        # Imported here: the verifier's libraries cost a tenth of a second, and most commands meet no workload.
        from ostiary.identity.workloads.config import WorkloadSettings, issuer_config  # noqa: PLC0415

        given = WorkloadSettings(
            tenant=self.tenant,
            kind=self.kind,
            audience=self.audience,
            rules=self.rules,
            name=self.name,
            issuer=self.issuer,
            trust_domain=self.trust_domain,
            jwks=self._keys(loopback=loopback),
            subject_type=self.subject_type,
            single_use=self.single_use,
            max_lifetime_s=self.max_lifetime_s,
            clock_skew_s=self.clock_skew_s,
        )
        return issuer_config(given)

    def _keys(self, *, loopback: bool) -> "JwksSource | None":
        from ostiary.identity.settings import JwksSource  # noqa: PLC0415 - as above

        places = (self.jwks_url, self.jwks_path, self.discovery_url, self.discovery_path)
        if sum(map(bool, places)) > 1:
            msg = "give one of `jwks_url`, `jwks_path`, `discovery_url` and `discovery_path`"
            raise FaultyInputError("identity_config_invalid", msg)
        if not any(places):
            return None
        found = self.discovery_url or self.discovery_path
        if found and not self.issuer:
            msg = "a discovery document needs the `issuer` that it must name"
            raise FaultyInputError("identity_config_invalid", msg)
        return JwksSource(
            url=self.jwks_url or self.discovery_url,
            file=str(self.jwks_path or self.discovery_path or ""),
            discovery_of=self.issuer if found else "",
            allow_loopback_http=loopback,
        )
