"""Devices: invite, list, show, quarantine, release, remove."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from ostiary.identity.devices import Device
from ostiary.server.admin.context import Desk, Model, Tenant, Who

router = APIRouter(tags=["devices"])
_SECOND_NS = 1_000_000_000


class InvitationBody(Model):
    """Whom a one-time code lets in."""

    subjects: Annotated[tuple[str, ...], Field(max_length=16)] = ()
    kind: str = "other"
    name: str = ""
    life_s: int | None = None
    attestation_key: Annotated[str, Field(pattern="^([0-9a-f]{68}|[0-9a-f]{100}|[0-9a-f]{132})?$")] = ""


class Invited(Model):
    """A fresh code, shown this once."""

    code: str
    expires: int


class SourceShown(Model):
    """What one source reported last; an empty source is the device itself."""

    source: str
    at: int
    sequence: int
    os: str
    posture: dict[str, bool | float | None]


class DeviceShown(Model):
    """A device as it stands now."""

    device_id: str
    name: str
    kind: str
    subjects: tuple[str, ...]
    standing: str
    trust: str
    why: tuple[str, ...]
    quarantined: bool
    posture_age_s: float | None
    attested_age_s: float | None
    attestation_key: str
    attestation_key_name: str
    key: str
    enrolled: int
    enrolled_by: str


class DeviceWhole(DeviceShown):
    """A device with its evidence."""

    reports: tuple[SourceShown, ...]
    registers: dict[int, str]


class QuarantineBody(Model):
    """Why a device is shut out: a code in snake_case."""

    reason: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")] = "administrator"


class ReleaseBody(Model):
    """How a device is let in again; ``rebase`` takes the registers of its next quote for its own."""

    rebase: bool = False
    reason: Annotated[str, Field(max_length=500)] = ""


def _because(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}


def _shown(desk: Desk, device: Device) -> dict[str, object]:
    told = desk.house.devices.judge(device, desk.house.clock.now_ns())
    return {
        "device_id": device.device_id,
        "name": device.name,
        "kind": device.kind,
        "subjects": device.subjects,
        "standing": told.standing.value,
        "trust": told.trust,
        "why": told.why,
        "quarantined": device.quarantined_ns > 0,
        "posture_age_s": told.posture_age_s,
        "attested_age_s": told.attested_age_s,
        "attestation_key": device.ak_trust or "none",
        "attestation_key_name": device.ak_name.hex(),
        "key": device.thumbprint,
        "enrolled": device.enrolled_ns // _SECOND_NS,
        "enrolled_by": device.enrolled_by,
    }


@router.get("/tenants/{tenant}/devices")
def list_devices(tenant: Tenant, desk: Desk) -> list[DeviceShown]:
    """List a tenant's devices as they stand now."""
    return [DeviceShown.model_validate(_shown(desk, one)) for one in desk.house.devices.of_tenant(tenant)]


@router.post("/tenants/{tenant}/devices/invitations", status_code=201)
def invite_device(tenant: Tenant, body: InvitationBody, who: Who, desk: Desk) -> Invited:
    """Make a one-time code for a device."""
    house, now = desk.house, desk.house.clock.now_ns()
    made, code = house.devices.draft(
        tenant,
        life_s=house.settings.devices.code_s if body.life_s is None else body.life_s,
        now_ns=now,
        by=who.key_id,
        subjects=body.subjects,
        kind=body.kind,
        name=body.name,
        ak_name=bytes.fromhex(body.attestation_key),
    )
    # Names of people stay out of the record: it is nobody's own, so nothing would ever erase them from it.
    told = {"owners": len(body.subjects), "kind": body.kind, "attestation_key": body.attestation_key}
    desk.record(who, tenant, "device.invite", **told)
    house.devices.invite(made, now)
    return Invited(code=code, expires=made.expires_ns // _SECOND_NS)


@router.get("/tenants/{tenant}/devices/{device_id}")
def show_device(tenant: Tenant, device_id: str, desk: Desk) -> DeviceWhole:
    """Show one device with its evidence."""
    device = desk.house.devices.find(tenant, device_id)
    reports = [
        SourceShown(
            source=source,
            at=one.at_ns // _SECOND_NS,
            sequence=one.sequence,
            os=one.os,
            posture={name: getattr(one.posture, name) for name in one.posture.__struct_fields__},
        )
        for source, one in sorted(device.reports.items())
    ]
    registers = {number: value.hex() for number, value in (device.baseline or {}).items()}
    return DeviceWhole.model_validate({**_shown(desk, device), "reports": reports, "registers": registers})


@router.post("/tenants/{tenant}/devices/{device_id}/quarantine")
def quarantine_device(tenant: Tenant, device_id: str, body: QuarantineBody, who: Who, desk: Desk) -> DeviceShown:
    """Shut a device out; the sessions on it fall."""
    book = desk.house.devices
    book.find(tenant, device_id)
    cause = desk.record(who, tenant, "device.quarantine", device=device_id, reason=body.reason)
    now = desk.house.clock.now_ns()
    device = book.quarantine(tenant, device_id, now_ns=now, reason=body.reason, cause=cause)
    return DeviceShown.model_validate(_shown(desk, device))


@router.post("/tenants/{tenant}/devices/{device_id}/release")
def release_device(tenant: Tenant, device_id: str, body: ReleaseBody, who: Who, desk: Desk) -> DeviceShown:
    """Let a device in again."""
    book = desk.house.devices
    book.find(tenant, device_id)
    cause = desk.record(who, tenant, "device.release", device=device_id, rebase=body.rebase, **_because(body.reason))
    device = book.release(tenant, device_id, now_ns=desk.house.clock.now_ns(), cause=cause, rebase=body.rebase)
    return DeviceShown.model_validate(_shown(desk, device))


@router.delete("/tenants/{tenant}/devices/{device_id}", status_code=204)
def remove_device(tenant: Tenant, device_id: str, who: Who, desk: Desk) -> None:
    """Forget a device; it is unknown from then on."""
    book = desk.house.devices
    book.find(tenant, device_id)
    cause = desk.record(who, tenant, "device.remove", device=device_id)
    book.remove(tenant, device_id, now_ns=desk.house.clock.now_ns(), cause=cause)
