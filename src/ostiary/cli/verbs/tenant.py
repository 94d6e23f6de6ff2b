"""``ostiary tenant``: make, list and delete tenants. Deleting destroys the tenant's keys: its data is gone for good."""

from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Proposal, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.training.runs import forget_runs

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
    from ostiary.server.auditing.packing import remove_packs  # noqa: PLC0415 - as below
    from ostiary.server.biometrics.opening import forget_behaviour  # noqa: PLC0415 - as below
    from ostiary.server.consented import may_erase  # noqa: PLC0415 - as below
    from ostiary.server.conversations import forget_conversations  # noqa: PLC0415 - as below
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415 - as below
    from ostiary.server.features import forget_features  # noqa: PLC0415 - half a second that not every verb needs

    with open_data(data, config) as house:
        may_erase(house, COMMAND_LINE, tenant, f"tenant:{tenant}", reason, proposal)
        erased = house.tenants.delete(tenant)
        house.ledger.forget_tenant(tenant)  # before its rows go, or the next flush writes them anew
        house.rag.forget_tenant(tenant)
        house.store.forget_tenant(tenant)
        forget_conversations(house, tenant)
        forget_behaviour(house, tenant)
        forget_features(house, tenant)
        house.knowledge.forget_tenant(tenant)
        house.models.forget_tenant(tenant)
        house.approvals.room.forget(tenant)
        house.rollout.forget_tenant(tenant)
        forget_runs(house, tenant)
        remove_packs(house.places, tenant)
    if json:
        print_json(erased)
    else:
        out.print(f"tenant {tenant} is gone, {erased.count:,} payloads erased", markup=False)
