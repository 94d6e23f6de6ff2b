"""Settings of the device registry."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator

from ostiary.server.settings.base import Section

Fall = Literal["nothing", "step_up", "terminate"]
Member = Literal["disk_encrypted", "edr_alive", "firewall", "not_rooted", "screen_lock", "secure_boot"]
Register = Annotated[int, Field(ge=0, le=23)]
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){32,64}\Z")


class ProducerSection(Section):
    """A device manager whose signed reports are believed for its tenant's devices."""

    name: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,63}$")]
    key_path: Path
    tenant: str = "default"


class RegistersSection(Section):
    """What the platform registers of one kind of device must be."""

    kind: str = ""
    bank: Literal["sha256", "sha384", "sha512"] = "sha256"
    required: tuple[Register, ...] = (0, 2, 4, 7)
    golden: dict[Register, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("golden")
    @classmethod
    def _values_are_hex(cls, golden: dict[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
        if not all(_HEX.match(value) for values in golden.values() for value in values):
            msg = "a register's value is lower-case hex of 32 to 64 bytes"
            raise ValueError(msg)
        return golden


class DevicesSection(Section):
    """Devices: how long their evidence is good, what they must show, and what becomes of their sessions."""

    posture_max_age_s: Annotated[int, Field(ge=60, le=31_536_000)] = 86_400
    """A posture report older than this is stale; the device falls from `reported` to `enrolled`."""
    attestation_max_age_s: Annotated[int, Field(ge=60, le=31_536_000)] = 604_800
    """A TPM quote older than this is stale; the device falls from `attested` to `reported`."""
    required: tuple[Member, ...] = ("disk_encrypted", "firewall", "not_rooted", "screen_lock")
    """What a report must tell, and tell as good, for a device to be compliant."""
    patch_max_age_s: Annotated[int, Field(ge=0, le=31_536_000)] = 3_888_000
    """How long ago the last patch of a compliant device may be; 0 does not ask."""
    attestation_required: bool = False
    """Whether only a freshly attested device is compliant."""
    attestation_keys: Literal["first_use", "named"] = "first_use"
    """Which attestation keys are enrolled: whichever comes with a valid code, or only one named in the invitation."""
    registers: tuple[RegistersSection, ...] = ()
    """What TPM registers must be, by kind of device: tables of `kind` (empty for all others), `bank`, `required`,
    `golden` (register to allowed values); without golden values they must be as at the first attestation."""
    producers: tuple[ProducerSection, ...] = ()
    """Device managers whose reports are believed: tables of `name`, `key_path` (public key, PEM), `tenant`."""
    message_age_s: Annotated[int, Field(ge=10, le=3600)] = 300
    """How old a device's message may be when it comes."""
    clock_skew_s: Annotated[int, Field(ge=0, le=300)] = 60
    """How wrong a device's clock may be."""
    interval_s: Annotated[int, Field(ge=0, le=3600)] = 5
    """Least time between two reports of one source about one device."""
    challenge_s: Annotated[int, Field(ge=10, le=3600)] = 120
    """How long a nonce for enrolling or attesting is good."""
    code_s: Annotated[int, Field(ge=60, le=2_592_000)] = 86_400
    """How long an enrolment code is good when the administrator says nothing else."""
    on_non_compliance: Fall = "step_up"
    """What becomes of the sessions on a device that is no longer compliant."""
    on_quarantine: Fall = "terminate"
    """What becomes of the sessions on a device that is quarantined or removed."""
