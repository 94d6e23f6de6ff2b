"""``ostiary approvals approve|reject|withdraw|enact``: where to decide, taking back, and making law."""

from typing import Annotated

from cyclopts import Parameter

from ostiary.cli.approvals.shared import ProposalId, link, loud, opened, say, told
from ostiary.cli.output import out, print_json
from ostiary.cli.places import Config, Data, Json, Tenant
from ostiary.errors import RefusedError
from ostiary.server.approving.shown import law_shown
from ostiary.server.approving.telling import tell
from ostiary.server.deeds import COMMAND_LINE, record_deed

Me = Annotated[str, Parameter(name="--as", help="The person who will sign, as type:id.")]
For = Annotated[str, Parameter(name="--for", help="For whom, by a delegation.")]
Delegation = Annotated[str, Parameter(help="The delegation's id.")]
_ONLY = "A person signs with a passkey, and a passkey answers to a browser: there is no other way, for nobody."


def approve(
    proposal: ProposalId,
    *,
    me: Me = "",
    giver: For = "",
    delegation: Delegation = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Print where to approve with a passkey, and the words that the page must show."""
    _where(proposal, {"as": me, "for": giver, "delegation": delegation}, data, config, tenant, json=json)


def reject(
    proposal: ProposalId,
    *,
    me: Me = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Print where to say no with a passkey, and the words that the page must show."""
    _where(proposal, {"as": me}, data, config, tenant, json=json)


def _where(proposal: str, query: dict[str, str], data: Data, config: Config, tenant: str, *, json: bool) -> None:
    with opened(data, config, tenant) as house:
        one = told(house, tenant, proposal)
        url = link(house, tenant, proposal, **query)
    if not url:
        raise RefusedError("step_up_unknown", "this server has no page: set `server.public_url` to a name with HTTPS")
    if json:
        print_json({"url": url, "words": one["words"], "digest": one["digest"], "state": one["state"]})
        return
    say(one)
    out.print(f"\nDecide here, and compare the words:\n{url}", markup=False)
    loud(_ONLY)


def withdraw(
    proposal: ProposalId,
    *,
    why: Annotated[str, Parameter(help="Why it is taken back.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Take a proposal back; what was done by it holds no more."""
    with opened(data, config, tenant) as house:
        house.approvals.room.standing(tenant, proposal)
        record_deed(house, COMMAND_LINE, tenant, "approval.withdraw", proposal=proposal)
        tell(house, house.approvals.room.withdraw(tenant, proposal, COMMAND_LINE, why))
        one = told(house, tenant, proposal)
    if json:
        print_json(one)
        return
    say(one)


def enact(
    proposal: ProposalId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Make agreed rules or people the law."""
    with opened(data, config, tenant) as house:
        house.approvals.room.standing(tenant, proposal)
        record_deed(house, COMMAND_LINE, tenant, "approval.enact", proposal=proposal)
        law = house.approvals.room.enact(tenant, proposal, COMMAND_LINE)
        tell(house, house.approvals.room.standing(tenant, proposal))
    if json:
        print_json(law_shown(law))
        return
    out.print(f"in force: {len(law.people)} people, {len(law.rules)} rules of their own", markup=False)
