"""A device registry in memory, for tests and demos; the same port that storage implements on disk."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ostiary.identity.devices.model import Device, Invitation
from ostiary.identity.devices.ports import Enrolled


class MemoryDeviceRegistry:
    """Keeps devices and invitations in dictionaries."""

    def __init__(self) -> None:
        """Begin empty."""
        self._devices: dict[tuple[str, str], Device] = {}
        self._invitations: dict[tuple[str, str], Invitation] = {}
        self._lock = threading.Lock()

    def find(self, tenant: str, device_id: str) -> Device | None:
        """Return one device."""
        return self._devices.get((tenant, device_id))

    def by_key(self, tenant: str, thumbprint: str) -> Device | None:
        """Return the device that holds this key."""
        mine = (one for one in self._devices.values() if (one.tenant, one.thumbprint) == (tenant, thumbprint))
        return next(mine, None)

    def of_tenant(self, tenant: str) -> Sequence[Device]:
        """Return a tenant's devices in the order of their ids."""
        with self._lock:
            return [device for (owner, _), device in sorted(self._devices.items()) if owner == tenant]

    def invite(self, invitation: Invitation, now_ns: int) -> None:
        """Store an invitation, and forget the tenant's that have expired."""
        with self._lock:
            for name, one in list(self._invitations.items()):
                if one.tenant == invitation.tenant and one.expires_ns <= now_ns:
                    del self._invitations[name]
            self._invitations[invitation.tenant, invitation.code_hash] = invitation

    def invitation(self, tenant: str, code_hash: str, now_ns: int) -> Invitation | None:
        """Return an invitation that is still good."""
        found = self._invitations.get((tenant, code_hash))
        return found if found and found.expires_ns > now_ns else None

    def withdraw(self, tenant: str, subject: str) -> int:
        """Erase the invitations that name a subject."""
        with self._lock:
            named = [
                name for name, one in self._invitations.items() if one.tenant == tenant and subject in one.subjects
            ]
            for name in named:
                del self._invitations[name]
            return len(named)

    def enrol(self, device: Device, code_hash: str, now_ns: int) -> Enrolled:
        """Use an invitation up and store the device, or do neither."""
        with self._lock:
            if self.invitation(device.tenant, code_hash, now_ns) is None:
                return Enrolled.CODE_GONE
            others = [one for (owner, _), one in self._devices.items() if owner == device.tenant]
            if any(one.thumbprint == device.thumbprint for one in others):
                return Enrolled.KEY_TAKEN
            if device.ak_name and any(one.ak_name == device.ak_name for one in others):
                return Enrolled.AK_TAKEN
            del self._invitations[device.tenant, code_hash]
            self._devices[device.tenant, device.device_id] = device
            return Enrolled.OK

    def replace(self, device: Device, *, scrub: bool = False) -> bool:
        """Store ``device`` over the version before it."""
        del scrub  # nothing here outlives the process
        with self._lock:
            before = self._devices.get((device.tenant, device.device_id))
            if before is None or before.version != device.version - 1:
                return False
            self._devices[device.tenant, device.device_id] = device
            return True

    def remove(self, tenant: str, device_id: str) -> bool:
        """Erase one device."""
        with self._lock:
            return self._devices.pop((tenant, device_id), None) is not None

    def due(self, now_ns: int) -> Sequence[Device]:
        """Return the devices to be judged or told."""
        with self._lock:
            found = list(self._devices.values())
        return [one for one in found if one.standing is not one.told or 0 < one.due_ns <= now_ns]


class MemoryDeviceLog:
    """Keeps what was recorded; ``full`` makes it refuse like a log without room."""

    def __init__(self) -> None:
        """Begin empty."""
        self.records: list[tuple[str, str, dict[str, Any]]] = []
        self.full: Exception | None = None

    def record(self, device: Device, action: str, at_ns: int, told: Mapping[str, Any]) -> str:
        """Keep one record."""
        del at_ns
        if self.full is not None:
            raise self.full
        self.records.append((device.device_id, action, dict(told)))
        return f"dvc_{len(self.records)}"
