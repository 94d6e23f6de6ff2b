"""What the device registry needs from the world, as Protocols that storage, testing and wiring fill."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from ostiary.identity.devices.model import Device, DeviceChange, Invitation

Listener = Callable[[DeviceChange], None]
Finder = Callable[[str, str], Device | None]
"""Finds a device by tenant and id, or nothing."""


class Enrolled(StrEnum):
    """How an enrolment ended."""

    AK_TAKEN = "ak_taken"
    CODE_GONE = "code_gone"
    KEY_TAKEN = "key_taken"
    OK = "ok"


class DeviceRegistry(Protocol):
    """Keeps devices and invitations; writes are durable when the call returns.

    INVARIANTS:
    - ``enrol`` uses an invitation up and stores the device in one step: of two calls with one code one ends ``OK``.
    - ``replace`` stores a version only over the one before it: of two calls with one version one returns ``True``.
    - Within a tenant no two devices have one key, or one attestation key.
    """

    def find(self, tenant: str, device_id: str) -> Device | None:
        """Return one device."""
        ...

    def by_key(self, tenant: str, thumbprint: str) -> Device | None:
        """Return the device that holds this key."""
        ...

    def of_tenant(self, tenant: str) -> Sequence[Device]:
        """Return a tenant's devices in the order of their ids."""
        ...

    def invite(self, invitation: Invitation, now_ns: int) -> None:
        """Store an invitation, and forget the tenant's that have expired."""
        ...

    def invitation(self, tenant: str, code_hash: str, now_ns: int) -> Invitation | None:
        """Return an invitation that is still good."""
        ...

    def withdraw(self, tenant: str, subject: str) -> int:
        """Erase the invitations that name a subject; return how many there were."""
        ...

    def enrol(self, device: Device, code_hash: str, now_ns: int) -> Enrolled:
        """Use an invitation up and store the device, or do neither."""
        ...

    def replace(self, device: Device, *, scrub: bool = False) -> bool:
        """Store ``device`` when the stored version is the one before it; return whether it was.

        With ``scrub`` what stood there is overwritten, so that nothing of it is left in a file.
        """
        ...

    def remove(self, tenant: str, device_id: str) -> bool:
        """Erase one device; return whether it was there."""
        ...

    def due(self, now_ns: int) -> Sequence[Device]:
        """Return the devices of all tenants whose standing is untold, or due to be judged anew."""
        ...


class DeviceLog(Protocol):
    """The audit log, as the registry writes to it."""

    def record(self, device: Device, action: str, at_ns: int, told: Mapping[str, Any]) -> str:
        """Write down what is about to happen to a device and wait until it is on disk; return the record's id.

        Raises:
            UnavailableError: it cannot be written; the thing must not happen.
        """
        ...
