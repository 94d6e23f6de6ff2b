"""The section ``biometrics``: behaviour, from where it is taken and how much of it."""

from typing import Annotated

from pydantic import Field, field_validator

from ostiary.server.settings.base import Section
from ostiary.server.step_up.origins import origin_of


class CollectorSection(Section):
    """The collector of browsers."""

    origins: tuple[str, ...] = ()
    """Origins of web pages that may send behaviour, such as `https://app.example.org`; our own may always."""
    windows_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 120
    """Most windows of one session a minute."""
    tenant_windows_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = 12_000
    """Most windows of one tenant a minute."""
    streams_per_session: Annotated[int, Field(ge=1, le=100)] = 8
    """Pages of one session that send at once; one more ends the one that was silent longest."""
    idle_s: Annotated[int, Field(ge=10, le=86_400)] = 900
    """Silence after which a page has to introduce itself anew."""

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin_of(origin) != origin:
                msg = f"`{origin[:80]}` is no origin: write it like `https://app.example.org`"
                raise ValueError(msg)
        return origins


class BiometricsSection(Section):
    """Behavioural biometrics: whether it is still the same person."""

    enabled: bool = False
    """Whether anybody is watched at all: each person still has to agree."""
    enrol_within_s: Annotated[int, Field(ge=30, le=86_400)] = 1800
    """How long after a proof by passkey in its session a person's behaviour may enrol it."""
    collector: CollectorSection = CollectorSection()
    """The collector of browsers."""
