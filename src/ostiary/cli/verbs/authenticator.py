"""``ostiary authenticator``: people's passkeys for step-up.

Inviting prints a link, once: bring it to the person by a way that you trust. Who has lost all passkeys needs
``recover`` by one administrator and ``approve`` by another. Whoever may open the data directory is one and the same
administrator, ``command line``; with ``--key-file`` you act as the administrator whose key lies there.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Proposal, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.webauthn.ports import Recovery
from ostiary.identity.webauthn.types import Authenticator, clean_subject
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up import inviting
from ostiary.server.wiring import House

command = App(name="authenticator", help="Passkeys: who has which, invitations, and beginning anew.")

Subject = Annotated[str, Parameter(help="The person, as type:id, such as user:ann.")]
KeyFile = Annotated[Path | None, Parameter(help="File with the administrator's key to act as.")]
_NS = 1_000_000_000


def _who(house: House, tenant: str, key_file: Path | None) -> str:
    """Return as whom a deed is done."""
    if key_file is None:
        return COMMAND_LINE
    try:
        key = key_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise FaultyInputError("key_file_unreadable", f"the key in `{key_file}` cannot be read") from None
    who = house.admins.authenticate(f"Bearer {key}")
    if not who.may(tenant):
        raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
    return who.key_id


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // _NS, UTC).strftime("%Y-%m-%d %H:%M UTC") if at_ns else "never"


def _shown(one: Authenticator) -> dict[str, Any]:
    return {
        "id": one.credential_id,
        "name": one.name,
        "model": one.aaguid,
        "attestation": one.attestation,
        "attested": one.attested,
        "backed_up": one.backed_up,
        "created_ns": one.created_ns,
        "used_ns": one.used_ns,
    }


def _waiting(one: Recovery) -> dict[str, Any]:
    names = ("subject", "requested_by", "reason", "created_ns", "expires_ns")
    return {"id": one.recovery_id, **{name: getattr(one, name) for name in names}}


@command.command(name="list")
def list_(
    subject: Annotated[str, Parameter(help="The person; without one, recoveries that wait are listed.")] = "",
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List a person's passkeys, or the recoveries that wait for a second administrator."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        kept = house.store.authenticators.of_subject(tenant, clean_subject(subject)) if subject else []
        waiting = [] if subject else inviting.open_recoveries(house, tenant)
    if json:
        print_json([_shown(one) for one in kept] if subject else [_waiting(one) for one in waiting])
    elif subject:
        rows = [{**_shown(one), "created": _day(one.created_ns), "used": _day(one.used_ns)} for one in kept]
        print_table(f"passkeys of {subject}", ("name", "created", "used", "attestation", "id"), rows)
    else:
        rows = [{**_waiting(one), "until": _day(one.expires_ns)} for one in waiting]
        print_table("recoveries that wait", ("id", "subject", "requested_by", "reason", "until"), rows)


@command.command
def invite(
    subject: Subject,
    *,
    key_file: KeyFile = None,
    proposal: Proposal = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Make a one-time link by which a person adds a passkey."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        made = inviting.invite(house, tenant, subject, _who(house, tenant, key_file), proposal=proposal)
    _tell_link(made, json=json)


@command.command
def remove(
    subject: Subject,
    credential_id: Annotated[str, Parameter(help="The passkey's id, as listed.")],
    *,
    key_file: KeyFile = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Forget a passkey; from then on it confirms nothing."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        inviting.remove(house, tenant, subject, credential_id, _who(house, tenant, key_file))
    if json:
        print_json({"removed": credential_id})
    else:
        out.print(f"{credential_id} confirms nothing any more", markup=False)


@command.command
def recover(
    subject: Subject,
    *,
    reason: Annotated[str, Parameter(help="How it is known that this is really that person.")] = "",
    key_file: KeyFile = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Ask that a person who has lost all passkeys may begin anew."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        made = inviting.request_recovery(house, tenant, subject, _who(house, tenant, key_file), reason)
    if json:
        print_json(_waiting(made))
    else:
        out.print(f"{made.recovery_id} waits for another administrator until {_day(made.expires_ns)}", markup=False)


@command.command
def approve(
    recovery_id: Annotated[str, Parameter(help="The recovery's id.")],
    *,
    key_file: KeyFile = None,
    proposal: Proposal = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Approve a recovery as the second administrator, or by people's agreement: lost passkeys go, a link comes."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        done = inviting.approve_recovery(house, tenant, recovery_id, _who(house, tenant, key_file), proposal)
    if not json:
        out.print(f"{done.removed} passkeys of {done.invited.subject} are gone", markup=False)
    _tell_link(done.invited, json=json, removed=done.removed)


def _tell_link(made: inviting.Invited, *, json: bool, **more: int) -> None:
    if json:
        print_json({"url": made.url, "subject": made.subject, "expires_ns": made.expires_ns, **more})
        return
    out.print(f"{made.subject} can add a passkey here, once, until {_day(made.expires_ns)}:", markup=False)
    out.print(made.url, markup=False)
