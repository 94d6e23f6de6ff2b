"""The rules of the device registry: how long evidence is good, and what a compliant device must show.

>>> DeviceRules(required=("disk_encrypted", "humming"))
Traceback (most recent call last):
...
ostiary.errors.FaultyInputError: `humming` is nothing that a report tells: disk_encrypted, edr_alive, firewall, \
not_rooted, screen_lock, secure_boot
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.attestation.pcrs import PcrPolicy

REQUIRABLE: Final = ("disk_encrypted", "edr_alive", "firewall", "not_rooted", "screen_lock", "secure_boot")


class DeviceRules(msgspec.Struct, frozen=True):
    """All rules.

    Attributes:
        posture_max_age_s: a report older than this is stale.
        attestation_max_age_s: a quote older than this is stale.
        required: members of a report that must be told and good.
        patch_max_age_s: how long ago the last patch may be; 0 does not ask.
        attestation_required: whether only an attested device is compliant.
        attestation_keys: ``first_use`` takes the key that comes with a valid code, ``named`` only one that the
            administrator named in the invitation.
        message_age_s, clock_skew_s: how old a message may be, and how wrong a device's clock.
        interval_s: least time between two reports of one source.
        challenge_s: how long a nonce is good.
        pcrs: registers by kind of device; ``""`` is for all others.
        producers: tenant and name of each device manager whose reports count.
    """

    posture_max_age_s: int = 86_400
    attestation_max_age_s: int = 7 * 86_400
    required: tuple[str, ...] = ("disk_encrypted", "firewall", "not_rooted", "screen_lock")
    patch_max_age_s: int = 45 * 86_400
    attestation_required: bool = False
    attestation_keys: Literal["first_use", "named"] = "first_use"
    message_age_s: int = 300
    clock_skew_s: int = 60
    interval_s: int = 5
    challenge_s: int = 120
    pcrs: Mapping[str, PcrPolicy] = {}
    producers: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a requirement that no report could meet."""
        for name in self.required:
            if name not in REQUIRABLE:
                text = f"`{name[:40]}` is nothing that a report tells: {', '.join(REQUIRABLE)}"
                raise FaultyInputError("config_invalid", text)

    def registers(self) -> dict[str, list[int]]:
        """Return by bank every register that some kind of device must quote."""
        found: dict[str, set[int]] = {}
        for policy in self.pcrs.values() if "" in self.pcrs else (*self.pcrs.values(), PcrPolicy()):
            found.setdefault(policy.bank, set()).update(policy.required, policy.golden)
        return {bank: sorted(numbers) for bank, numbers in sorted(found.items())}

    def pcr_policy(self, kind: str) -> PcrPolicy:
        """Return what the registers of a kind of device must be."""
        return self.pcrs.get(kind) or self.pcrs.get("") or PcrPolicy()
