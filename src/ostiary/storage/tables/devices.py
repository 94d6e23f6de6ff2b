"""Enrolled devices; ``DeviceTable`` implements ``identity.devices.ports.DeviceRegistry``."""

from collections.abc import Sequence

import msgspec

from ostiary.identity.devices.model import Device, Invitation
from ostiary.identity.devices.ports import Enrolled
from ostiary.storage.tables.database import Database, Row


class DeviceTable:
    """Devices and invitations by tenant."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def find(self, tenant: str, device_id: str) -> Device | None:
        """Return one device."""
        rows = self._database.read("find_device", tenant, device_id)
        return _device(rows[0]) if rows else None

    def by_key(self, tenant: str, thumbprint: str) -> Device | None:
        """Return the device that holds this key."""
        rows = self._database.read("find_device_by_key", tenant, thumbprint)
        return _device(rows[0]) if rows else None

    def of_tenant(self, tenant: str) -> Sequence[Device]:
        """Return a tenant's devices in the order of their ids."""
        return [_device(row) for row in self._database.read("tenant_devices", tenant)]

    def invite(self, invitation: Invitation, now_ns: int) -> None:
        """Store an invitation, and forget the tenant's that have expired."""
        one = invitation
        with self._database.transaction() as database:
            database.write("forget_device_invitations", one.tenant, now_ns)
            database.write(
                "save_device_invitation", one.tenant, one.code_hash, one.expires_ns, msgspec.json.encode(one)
            )

    def invitation(self, tenant: str, code_hash: str, now_ns: int) -> Invitation | None:
        """Return an invitation that is still good."""
        rows = self._database.read("find_device_invitation", tenant, code_hash, now_ns)
        return msgspec.json.decode(rows[0][0], type=Invitation) if rows else None

    def withdraw(self, tenant: str, subject: str) -> int:
        """Erase the invitations that name a subject."""
        with self._database.transaction() as database:
            rows = database.read_inside("tenant_device_invitations", tenant)
            found = [msgspec.json.decode(row[0], type=Invitation) for row in rows]
            named = [(tenant, one.code_hash) for one in found if subject in one.subjects]
            return database.erase("erase_device_invitation", named) if named else 0

    def enrol(self, device: Device, code_hash: str, now_ns: int) -> Enrolled:
        """Use an invitation up and store the device, in one transaction."""
        one = device
        with self._database.transaction() as database:
            if database.read_inside("device_key_taken", one.tenant, one.thumbprint):
                return Enrolled.KEY_TAKEN
            if one.ak_name and database.read_inside("device_ak_taken", one.tenant, one.ak_name):
                return Enrolled.AK_TAKEN
            if database.write("use_device_invitation", one.tenant, code_hash, now_ns) != 1:
                return Enrolled.CODE_GONE
            values = (one.tenant, one.device_id, one.thumbprint, one.ak_name or None, one.version, *_judged(one))
            database.write("add_device", *values)
            return Enrolled.OK

    def replace(self, device: Device, *, scrub: bool = False) -> bool:
        """Store ``device`` over the version before it; with ``scrub`` what stood there is overwritten."""
        values = (device.version, *_judged(device), device.tenant, device.device_id)
        if scrub:
            return self._database.erase("replace_device", [values]) == 1
        return self._database.write("replace_device", *values) == 1

    def remove(self, tenant: str, device_id: str) -> bool:
        """Erase one device; what it was is overwritten."""
        return self._database.erase("remove_device", [(tenant, device_id)]) == 1

    def due(self, now_ns: int) -> Sequence[Device]:
        """Return the devices to be judged or told."""
        rows = [*self._database.read("untold_devices"), *self._database.read("due_devices", now_ns)]
        return [_device(row) for row in rows]


def _judged(device: Device) -> tuple[int, int, bytes]:
    return int(device.standing is not device.told), device.due_ns, msgspec.json.encode(device)


def _device(row: Row) -> Device:
    return msgspec.json.decode(row[0], type=Device)
