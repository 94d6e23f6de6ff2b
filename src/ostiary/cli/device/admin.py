"""``ostiary device list|show|invite|quarantine|release|remove``: administrators, on the data directory.

A server that runs beside sees the change in its next decision, and lets the sessions fall within a second or two.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.identity.devices import Device
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.wiring import House

DeviceId = Annotated[str, Parameter(help="The device's id, `dev_…`.")]
_SECOND_NS = 1_000_000_000
_COLUMNS = ("device", "owners", "standing", "trust")


def register(command: App) -> None:
    """Add the administrators' sub-verbs."""
    command.command(list_, name="list")
    for verb in (show, invite, quarantine, release, remove):
        command.command(verb)


def _row(house: House, device: Device) -> dict[str, Any]:
    told = house.devices.judge(device, house.clock.now_ns())
    return {
        "device": device.device_id,
        "name": device.name,
        "kind": device.kind,
        "owners": ", ".join(device.subjects),
        "standing": told.standing.value,
        "trust": told.trust,
        "why": ", ".join(told.why),
        "posture_age_s": told.posture_age_s,
        "attested_age_s": told.attested_age_s,
        "attestation_key": device.ak_trust or "none",
    }


def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's devices as they stand now."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        rows = [_row(house, one) for one in house.devices.of_tenant(tenant)]
    if json:
        print_json(rows)
    else:
        print_table("devices", _COLUMNS, rows)


def show(
    device: DeviceId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one device with its evidence."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = house.devices.find(tenant, device)
        row = _row(house, found)
    reports = {source or "itself": msgspec.to_builtins(one.posture) for source, one in found.reports.items()}
    registers = {number: value.hex() for number, value in (found.baseline or {}).items()}
    whole = {
        **row,
        "key": found.thumbprint,
        "attestation_key_name": found.ak_name.hex(),
        "enrolled_by": found.enrolled_by,
    }
    whole |= {"reports": reports, "registers": registers}
    if json:
        print_json(whole)
        return
    for name, value in whole.items():
        out.print(f"{name:22} {value}", markup=False)


def invite(
    *owner: Annotated[str, Parameter(help="Owner of the device, type:id.")],
    kind: Annotated[str, Parameter(help="Class of device, such as laptop; registers are told by class.")] = "other",
    name: Annotated[str, Parameter(help="What people call it.")] = "",
    life_s: Annotated[int, Parameter(help="Seconds for which the code is good; 0 takes the configured time.")] = 0,
    attestation_key: Annotated[str, Parameter(help="Name of its TPM's attestation key, hex; no other is taken.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Make a one-time code with which a device enrols, and show it once."""
    try:
        ak_name = bytes.fromhex(attestation_key)
    except ValueError as fault:
        raise FaultyInputError("usage", "the name of an attestation key is hex") from fault
    with open_data(data, config) as house:
        check_living(house, tenant)
        now = house.clock.now_ns()
        made, code = house.devices.draft(
            tenant,
            life_s=life_s or house.settings.devices.code_s,
            now_ns=now,
            by=COMMAND_LINE,
            subjects=owner,
            kind=kind,
            name=name,
            ak_name=ak_name,
        )
        told = {"owners": len(owner), "kind": kind, "attestation_key": attestation_key}
        record_deed(house, COMMAND_LINE, tenant, "device.invite", **told)
        house.devices.invite(made, now)
    if json:
        print_json({"code": code, "expires": made.expires_ns // _SECOND_NS})
        return
    until = datetime.fromtimestamp(made.expires_ns // _SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M UTC")
    out.print(f"good once, until {until}; on the device: ostiary device enrol {code} --url …", markup=False)


def quarantine(
    device: DeviceId,
    *,
    reason: Annotated[str, Parameter(help="Why, in snake_case.")] = "administrator",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Shut a device out; the sessions on it fall."""
    if not reason.isidentifier() or reason != reason.lower():
        raise FaultyInputError("usage", f"`{reason[:64]}` is no reason in snake_case")
    with open_data(data, config) as house:
        cause = _deed(house, tenant, device, "device.quarantine", reason=reason)
        now = house.clock.now_ns()
        row = _row(house, house.devices.quarantine(tenant, device, now_ns=now, reason=reason, cause=cause))
    _said(row, f"{device} is shut out", json=json)


def release(
    device: DeviceId,
    *,
    rebase: Annotated[bool, Parameter(negative="", help="Take the registers of its next quote for its own.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Let a device in again."""
    with open_data(data, config) as house:
        cause = _deed(house, tenant, device, "device.release", rebase=rebase)
        now = house.clock.now_ns()
        row = _row(house, house.devices.release(tenant, device, now_ns=now, cause=cause, rebase=rebase))
    _said(row, f"{device} may come in again", json=json)


def remove(
    device: DeviceId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Forget a device; it is unknown from then on."""
    with open_data(data, config) as house:
        cause = _deed(house, tenant, device, "device.remove")
        house.devices.remove(tenant, device, now_ns=house.clock.now_ns(), cause=cause)
    _said({"removed": device}, f"{device} is gone", json=json)


def _deed(house: House, tenant: str, device: str, action: str, **told: Any) -> str:
    check_living(house, tenant)
    house.devices.find(tenant, device)
    return record_deed(house, COMMAND_LINE, tenant, action, device=device, **told)


def _said(row: dict[str, Any], words: str, *, json: bool) -> None:
    if json:
        print_json(row)
    else:
        out.print(words, markup=False)
