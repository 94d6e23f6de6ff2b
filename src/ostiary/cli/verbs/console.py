"""``ostiary console``: who may sign in at the console, and as what.

Inviting enters a person with roles and prints a link, once, by which the person adds a passkey: bring it by a way that
you trust. Who has a passkey already signs in with it, and gets no link.
"""

from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Proposal, Tenant, check_living, open_data
from ostiary.server.console.leaving import give_roles, let_go
from ostiary.server.console.people import ROLES, ConsolePerson, people_of
from ostiary.server.console.stamps import stamp
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import invite as invite_passkey
from ostiary.server.step_up.party import page_base

command = App(name="console", help="The console's people: who may sign in, and as what.")

Subject = Annotated[str, Parameter(help="The person, such as user:ann.")]
Roles = Annotated[
    list[str], Parameter(name="--role", help=f"One or more of {', '.join(ROLES)}; repeat it for several.")
]


def _shown(one: ConsolePerson) -> dict[str, Any]:
    return {**msgspec.to_builtins(one), "since": stamp(one.since_ns)}


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List who may sign in."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        people = [_shown(one) for one in people_of(house).all(tenant)]
    if json:
        print_json(people)
    else:
        rows = [{**one, "roles": ", ".join(one["roles"])} for one in people]
        print_table("people of the console", ("subject", "roles", "deployment", "since", "by"), rows)


@command.command
def invite(
    subject: Subject,
    *,
    role: Roles | None = None,
    deployment: Annotated[bool, Parameter(help="The person also looks after the whole deployment.")] = False,
    proposal: Proposal = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Enter a person, or give it other roles (without any it keeps its own); print a link if it has no passkey."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        known = people_of(house).find(tenant, subject)
        roles = tuple(role or ()) or (known.roles if known else ())
        both = deployment or (known is not None and known.deployment)
        person = give_roles(house, tenant, subject, roles, COMMAND_LINE, deployment=both)
        link = ""
        if not house.store.authenticators.of_subject(tenant, subject):
            link = invite_passkey(house, tenant, subject, COMMAND_LINE, proposal=proposal).url
        base = page_base(house.settings)
    if json:
        print_json({**_shown(person), "link": link, "sign_in": f"{base}/sign-in"})
        return
    out.print(f"{subject} is {', '.join(person.roles)}.", markup=False)
    text = f"This link adds a passkey, once: {link}" if link else f"Sign in with a passkey at {base}/sign-in"
    out.print(text, markup=False, soft_wrap=True)


@command.command
def remove(
    subject: Subject, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Take all roles from a person; its sessions end, and the keys that it made."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        let_go(house, tenant, subject, COMMAND_LINE)
    if json:
        print_json({"subject": subject, "roles": []})
    else:
        out.print(f"{subject} has no role any more.", markup=False)
