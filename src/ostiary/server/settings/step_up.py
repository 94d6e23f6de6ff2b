"""The section ``step_up``: who we are to a browser, how long things hold, which passkeys are taken."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, field_validator, model_validator

from ostiary.server.settings.base import Section
from ostiary.server.step_up.origins import origin_of

Seconds = Annotated[int, Field(ge=1, le=86_400)]
_AAGUID: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


class StepUpSection(Section):
    """Step-up by passkey on Ostiary's own page."""

    enabled: bool = True
    """Whether there is a page for step-up; without one, answers name what is needed and not where to get it."""
    rp_id: str = ""
    """Domain that passkeys are bound to; empty takes the host of `server.public_url`. A change loses all passkeys."""
    rp_name: Annotated[str, Field(min_length=1, max_length=64)] = "Ostiary"
    """Name that browsers may show beside the domain."""
    origins: tuple[str, ...] = ()
    """Origins where passkeys may be used, such as `https://id.example.org`; empty takes that of `server.public_url`."""
    acr_values: tuple[str, ...] = ("urn:ostiary:acr:mfa", "urn:ostiary:acr:phishing-resistant")
    """Authentication classes that a passkey satisfies here; a step-up that asks for none of them gets no page."""
    answer_s: Seconds = 300
    """Time from a decision in which it can be answered."""
    proof_s: Seconds = 300
    """Time for which a step-up holds, for its action and resource; a rule's `max_age` can only shorten it."""
    enrol_s: Seconds = 900
    """Time in which an invitation to enrol a passkey can be used, once."""
    recovery_s: Seconds = 86_400
    """Time in which a second administrator can approve a recovery."""
    max_authenticators: Annotated[int, Field(ge=1, le=50)] = 10
    """Most passkeys of one person."""
    return_origins: tuple[str, ...] = ()
    """Origins that the page may lead back to (`return_to`); anything else is left out."""
    models: tuple[Annotated[str, Field(pattern=_AAGUID)], ...] = ()
    """AAGUIDs of the passkey models that are taken; empty takes all. Needs `attestation_roots`."""
    attestation_roots: Path | None = None
    """PEM file with the certificates that a passkey's attestation must lead to for its model to be believed."""

    @field_validator("origins", "return_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin_of(origin) != origin:
                msg = f"`{origin[:80]}` is no origin: write it like `https://id.example.org`"
                raise ValueError(msg)
        return origins

    @model_validator(mode="after")
    def _models_are_proved(self) -> "StepUpSection":
        if self.models and self.attestation_roots is None:
            msg = "`models` needs `attestation_roots`: without roots a passkey may claim any model"
            raise ValueError(msg)
        return self
