"""What the registry keeps of a device, as frozen values; nothing here decides anything.

A device is one row with a version: whoever changes it says which version was seen, and loses when another was quicker.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

import msgspec

from ostiary.identity.attestation.verify import Quoted
from ostiary.vocabulary.facts import PostureFacts

AkTrust = Literal["", "first_use", "named"]
OWN: str = ""
"""The source of a report that the device signed itself; others are names of producers."""


class Standing(StrEnum):
    """How a device stands with the deployment's rules; a change of it is told to listeners."""

    COMPLIANT = "compliant"
    NOT_COMPLIANT = "not_compliant"
    QUARANTINED = "quarantined"
    REMOVED = "removed"
    UNJUDGED = "unjudged"


class Reported(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last report of one source.

    Attributes:
        at_ns: the moment that the report speaks of; never later than its receipt.
        made_ns: when the report itself was made.
        sequence: its number; the next one is higher.
        posture: the members it told.
        os: name and version of the operating system, for people.
        used: ids of the last reports, so that none comes twice.
    """

    at_ns: int
    sequence: int
    posture: PostureFacts
    os: str = ""
    made_ns: int = 0
    used: tuple[str, ...] = ()


class Device(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One enrolled device.

    Attributes:
        key: its public key, a JWK; ``thumbprint`` is RFC 7638's.
        subjects: its owners, ``type:id``.
        kind: class of device, such as ``laptop``; golden registers are told by kind.
        enrolled_by: who invited it.
        ak: TPM2B_PUBLIC of its attestation key, or empty; ``ak_trust`` says on whose word.
        baseline: registers at the first attestation.
        quoted: the last good quote.
        reports: the last report of each source.
        quarantined_ns: since when it is shut out; 0 = it is not.
        standing: as last judged; ``told`` is what the listeners know.
        due_ns: when time alone may change the standing; 0 = never.
        cause: id of the record that tells of its last change.
    """

    tenant: str
    device_id: str
    key: dict[str, str]
    thumbprint: str
    name: str = ""
    kind: str = "other"
    subjects: tuple[str, ...] = ()
    enrolled_ns: int
    enrolled_by: str = ""
    ak: bytes = b""
    ak_name: bytes = b""
    ak_trust: AkTrust = ""
    baseline: Mapping[int, bytes] | None = None
    quoted: Quoted | None = None
    attested_ns: int = 0
    reports: Mapping[str, Reported] = {}
    quarantined_ns: int = 0
    quarantine_reason: str = ""
    standing: Standing = Standing.UNJUDGED
    told: Standing = Standing.UNJUDGED
    why: tuple[str, ...] = ()
    due_ns: int = 0
    cause: str = ""
    version: int = 1


class Invitation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A one-time right to enrol; only the hash of its code is kept."""

    tenant: str
    code_hash: str
    expires_ns: int
    subjects: tuple[str, ...] = ()
    kind: str = "other"
    name: str = ""
    by: str = ""
    ak_name: bytes = b""


class DeviceChange(msgspec.Struct, frozen=True):
    """A device stands otherwise than before.

    Attributes:
        subject: its first owner, or empty; ``subjects`` are all of them.
        reason: why, in snake_case: what failed first, or what was done.
        cause: id of the record behind it.
    """

    tenant: str
    device_id: str
    subject: str
    previous: Standing
    current: Standing
    reason: str
    at_ns: int
    cause: str = ""
    subjects: tuple[str, ...] = ()
