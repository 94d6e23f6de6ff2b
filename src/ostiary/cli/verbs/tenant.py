"""``ostiary tenant``: make, list and delete tenants. Deleting destroys the tenant's keys: its data is gone for good."""

from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Proposal, open_data
from ostiary.errors import FaultyInputError

_SECOND_NS: Final = 1_000_000_000

command = App(name="tenant", help="Tenants: separate keys, policies, models and records.")

TenantId = Annotated[str, Parameter(help="The tenant's id: 1 to 63 of a-z, 0-9 and inner hyphens.")]


@command.command
def create(tenant: TenantId, *, data: Data = None, config: Config = None, json: Json = False) -> None:
    """Make a tenant; an id that was ever used is refused."""
    with open_data(data, config) as house:
        row = house.tenants.create(tenant)
    if json:
        print_json({"tenant": row.tenant, "created": row.created_ns // _SECOND_NS})
    else:
        out.print(f"tenant {row.tenant} is there", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, json: Json = False) -> None:
    """List the tenants."""
    with open_data(data, config) as house:
        rows = [{"tenant": row.tenant, "created": row.created_ns // _SECOND_NS} for row in house.tenants.living()]
    if json:
        print_json(rows)
    else:
        print_table("tenants", ["tenant", "created"], rows)


@command.command
def delete(
    tenant: TenantId,
    *,
    data: Data = None,
    config: Config = None,
    yes: Annotated[bool, Parameter(negative="", help="Do it: this cannot be undone.")] = False,
    reason: Annotated[str, Parameter(help="The legal reason; needed where the tenant has people.")] = "",
    proposal: Proposal = "",
    json: Json = False,
) -> None:
    """Delete a tenant and make everything that was sealed for it unreadable; proofs of its records stay valid."""
    if not yes:
        raise FaultyInputError("not_confirmed", "this cannot be undone: say `--yes`")
    from ostiary.server.consented import may_erase  # noqa: PLC0415 - half a second that not every verb needs
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415 - as above
    from ostiary.server.forgetting import forget_tenant  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        may_erase(house, COMMAND_LINE, tenant, f"tenant:{tenant}", reason, proposal)
        erased = forget_tenant(house, tenant)
    if json:
        print_json(erased)
    else:
        out.print(f"tenant {tenant} is gone, {erased.count:,} payloads erased", markup=False)
