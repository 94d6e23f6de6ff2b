"""Devices: how each stands and why, its evidence; inviting, shutting out and letting in again.

Shutting out is one click with a code for the log; letting in again says why in words: somebody once shut it out.
"""

from typing import Any, Final

from ostiary.server.admin.devices import (
    DeviceShown,
    InvitationBody,
    QuarantineBody,
    ReleaseBody,
    invite_device,
    list_devices,
    quarantine_device,
    release_device,
    remove_device,
    show_device,
)
from ostiary.server.console.asked import check_typed, reason_of
from ostiary.server.console.routes import Route
from ostiary.server.console.spans import span
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/devices"
_NS: Final = 1_000_000_000
_DAY_S: Final = 86_400
_MOST: Final = 500
REASONS: Final = {
    "lost_or_stolen": "lost or stolen",
    "compromised": "compromised",
    "out_of_compliance": "out of compliance",
    "under_investigation": "under investigation",
}
_TRUST: Final = {"attested": "good", "enrolled": "wait"}


def show(visit: Visit) -> Reply:
    """Show all devices that fit the filters."""
    query = visit.query
    every = [_row(one, visit) for one in list_devices(visit.tenant, visit.desk)]
    rows = [
        one
        for one in every
        if _holds(one["standing"], query.get("standing", ""))
        and _holds(one["kind"], query.get("kind", ""))
        and query.get("text", "").casefold() in _text(one)
    ]
    return visit.page(
        "devices.html",
        HERE,
        rows=rows[:_MOST],
        found=len(rows),
        every=len(every),
        standings=sorted({one["standing"] for one in every}),
        kinds=sorted({one["kind"] for one in every}),
        filters={name: query.get(name, "") for name in ("standing", "kind", "text")},
        reasons=REASONS,
    )


def device(visit: Visit) -> Reply:
    """Show one device with its evidence."""
    found = show_device(visit.tenant, visit.told["device"], visit.desk)
    reports = [{**one.model_dump(), "when": stamp(one.at * _NS)} for one in found.reports]
    registers = {str(number): value for number, value in sorted(found.registers.items())}
    return visit.page(
        "device.html", HERE, one=_row(found, visit), reports=reports, registers=registers, reasons=REASONS
    )


def invite(visit: Visit) -> Reply:
    """Make a code for a device and show it this once."""
    form = visit.form
    owners = tuple(word for part in form.get("subjects", "").replace("\n", ",").split(",") if (word := part.strip()))
    body = InvitationBody.model_validate(
        {
            "subjects": owners,
            "kind": form.get("kind", "").strip() or "other",
            "name": form.get("name", "").strip(),
            "attestation_key": form.get("attestation_key", "").strip().lower(),
        }
    )
    made = invite_device(visit.tenant, body, visit.who, visit.desk)
    return visit.once(f"This code lets one device in, until {stamp(made.expires * _NS)}", made.code)


def quarantine(visit: Visit) -> Reply:
    """Shut a device out; the sessions on it fall."""
    name = visit.told["device"]
    body = QuarantineBody(reason=visit.form.get("reason", ""))
    quarantine_device(visit.tenant, name, body, visit.who, visit.desk)
    return visit.done(f"{HERE}/{name}", "It is shut out, and its sessions fall")


def release(visit: Visit) -> Reply:
    """Let a device in again."""
    name = visit.told["device"]
    body = ReleaseBody(rebase=bool(visit.form.get("rebase")), reason=reason_of(visit.form))
    release_device(visit.tenant, name, body, visit.who, visit.desk)
    return visit.done(f"{HERE}/{name}", "It is let in again")


def remove(visit: Visit) -> Reply:
    """Forget a device; its id is typed again."""
    name = visit.told["device"]
    check_typed(visit.form, name)
    remove_device(visit.tenant, name, visit.who, visit.desk)
    return visit.done(HERE, "The device is unknown from now on")


def _row(one: DeviceShown, visit: Visit) -> dict[str, Any]:
    told = one.model_dump(exclude={"reports", "registers"})
    return {
        **told,
        "trust_kind": _TRUST.get(one.trust, ""),
        "posture": "" if one.posture_age_s is None else span(one.posture_age_s),
        "attested": "" if one.attested_age_s is None else span(one.attested_age_s),
        "stale": one.posture_age_s is None or one.posture_age_s > _DAY_S,
        "since": stamp(one.enrolled * _NS),
        "others": len(one.subjects) > 1,
        "mine": bool(visit.own_names & set(one.subjects)),
    }


def _holds(value: str, wanted: str) -> bool:
    return not wanted or value == wanted


def _text(one: dict[str, Any]) -> str:
    return f"{one['device_id']} {one['name']} {' '.join(one['subjects'])}".casefold()


ROUTES = (
    Route("GET", HERE, "devices", show),
    Route("GET", "/devices/{device}", "devices", device),
    Route("POST", "/devices/invitations", "devices", invite, "change"),
    Route("POST", "/devices/{device}/quarantine", "devices", quarantine, "respond"),
    Route("POST", "/devices/{device}/release", "devices", release, "respond"),
    Route("POST", "/devices/{device}/remove", "devices", remove, "change"),
)
