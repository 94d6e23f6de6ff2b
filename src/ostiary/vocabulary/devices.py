"""What is known of a device at one moment, as values that policy reads.

Trust has four levels, each needing what the one before it needs: ``unknown`` < ``enrolled`` (its key is registered) <
``reported`` (a fresh posture report signed by that key) < ``attested`` (a fresh quote of its trusted platform module).
Stale evidence falls back a level: what is old never reads as good.
"""

from typing import Final, Literal

import msgspec

from ostiary.vocabulary.facts import PostureFacts

Trust = Literal["unknown", "enrolled", "reported", "attested"]


class DeviceFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device as the registry knows it at the moment of asking.

    Attributes:
        device_id: its id within the tenant, or ``None`` when nobody said which device it is.
        known: whether it is enrolled.
        trust: the level that its evidence reaches now.
        compliant: whether its posture meets the deployment's rules; ``None`` when there is none to judge.
        quarantined: whether a person or a playbook has shut it out.
        posture: the latest posture it proved, whatever its age.
        posture_age_s: seconds since that report.
        attested_age_s: seconds since the last good quote.
        subject: ``type:id`` of its owner, or empty.
        key: thumbprint of its key (RFC 7638), or empty.
    """

    device_id: str | None = None
    known: bool = False
    trust: Trust = "unknown"
    compliant: bool | None = None
    quarantined: bool = False
    posture: PostureFacts | None = None
    posture_age_s: float | None = None
    attested_age_s: float | None = None
    subject: str = ""
    key: str = ""


UNKNOWN_DEVICE: Final = DeviceFacts()
