"""``ostiary approvals list|show``: what is proposed, and how far it has come."""

from typing import Annotated, Literal

from cyclopts import Parameter

from ostiary.cli.approvals.shared import ProposalId, opened, say, told
from ostiary.cli.output import print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant
from ostiary.server.approving.shown import proposal_shown

State = Literal["open", "approved", "rejected", "withdrawn", "used", "expired", "void"]
_MOST = 200


def list_(
    *,
    state: Annotated[State | None, Parameter(help="Only those in this state.")] = None,
    kind: Annotated[str, Parameter(help="Only those of this kind.")] = "",
    limit: Annotated[int, Parameter(help="How many of the newest are looked at, 200 at most.")] = 50,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List the newest proposals, newest first."""
    with opened(data, config, tenant) as house:
        found = house.approvals.room.recent(tenant, max(1, min(limit, _MOST)))
    rows = [proposal_shown(one) for one in found if state in {None, one.state} and kind in {"", one.proposal.kind}]
    if json:
        print_json(rows)
        return
    print_table("proposals", ("id", "kind", "target", "state"), rows)


def show(
    proposal: ProposalId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show a proposal, every signature verified again."""
    with opened(data, config, tenant) as house:
        one = told(house, tenant, proposal)
    if json:
        print_json(one)
        return
    say(one)
