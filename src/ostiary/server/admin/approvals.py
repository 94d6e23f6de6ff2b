"""Approvals: what is proposed and how far it has come, who may agree, by which rules; asking, and taking back.

Nothing is agreed to here: that takes a person's passkey on the page (`/approve/{tenant}/{proposal}`). Whoever asks is
the person behind the administrator's key; a key that is nobody's asks for nothing.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from ostiary.approvals.delegating import delegation_deed
from ostiary.approvals.law import law_deed, written
from ostiary.approvals.people import MAX_KIND, MOST, Person
from ostiary.approvals.proposal import MAX_AUTHORS, MAX_BOUND, MAX_TARGET, MAX_VALUE, MAX_WHY
from ostiary.approvals.rules import MAX_GROUPS, MAX_NAME, PEOPLE, RULE, Rule
from ostiary.server.admin.context import Desk, Model, Office, Tenant, Who
from ostiary.server.admins import name_of
from ostiary.server.approving.asking import Asker, ask
from ostiary.server.approving.shown import (
    APPROVE,
    chance_shown,
    changes_shown,
    evidence_shown,
    law_shown,
    proposal_shown,
    risk_shown,
)
from ostiary.server.approving.telling import tell
from ostiary.server.step_up.party import step_up_base
from ostiary.vocabulary.approvals import Deed

router = APIRouter(tags=["approvals"])
_DAY_NS = 86_400 * 10**9
_NOT_SO: dict[int | str, dict[str, Any]] = {409: {"description": "It is refused; the code says why."}}
ProposalId = Annotated[str, Path(pattern="^apr_[0-9A-Z]{26}$", description="The proposal's id.")]
Why = Annotated[str, Field(max_length=MAX_WHY, description="For whoever must agree.")]
Kind = Annotated[str, Field(min_length=1, max_length=MAX_KIND, description="The kind of deed.")]
Name = Annotated[str, Field(min_length=3, max_length=2048, description="A person as type:id.")]
Whom = Annotated[str, Query(alias="as", max_length=2048, description="Whoever looks, by any name.")]
Value = Annotated[str, Field(max_length=MAX_VALUE)]
Group = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class ProposalBody(Model):
    """A deed to agree to: what, to what, and every value that the agreement holds for."""

    kind: Kind
    target: Annotated[str, Field(min_length=1, max_length=MAX_TARGET)]
    bound: Annotated[dict[str, Annotated[str, Field(max_length=MAX_VALUE)]], Field(max_length=MAX_BOUND)] = Field(
        default_factory=dict
    )
    authors: Annotated[tuple[str, ...], Field(max_length=MAX_AUTHORS)] = ()
    why: Why = ""
    lives_s: Annotated[int, Field(ge=0, le=2_592_000)] = 0
    not_before_ns: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0


class WithdrawBody(Model):
    """Why it is taken back."""

    why: Why = ""


class PersonBody(Model):
    """One human being: name, groups, and every other name, such as `administrator:KEY_ID`."""

    name: Name
    groups: Annotated[tuple[Group, ...], Field(max_length=MAX_GROUPS)] = ()
    also: Annotated[tuple[Name, ...], Field(max_length=MAX_GROUPS)] = ()


class PeopleBody(Model):
    """All people from then on."""

    people: Annotated[list[PersonBody], Field(min_length=1, max_length=MOST)]
    why: Why = ""


class RuleBody(Model):
    """The rule of one kind from then on; what is left out is as shipped."""

    kind: Kind
    people: int = 2
    groups: tuple[Group, ...] = ()
    spread: int = 2
    of: tuple[Group, ...] = ()
    deny: int = 1
    expires_s: int = 259_200
    not_before_s: int = 0
    holds_s: int = 34_560_000
    delegation: bool = True
    why: Why = ""


class DelegationBody(Model):
    """Who signs for whom, for which kinds, for how long; it counts once who delegates has signed it."""

    giver: Name
    taker: Name
    kinds: Annotated[list[Kind], Field(min_length=1, max_length=16)]
    days: Annotated[float, Field(gt=0, le=30)] = 7.0
    why: Why = ""


def _told(desk: Office, tenant: str, proposal_id: str, whom: str = "") -> dict[str, Any]:
    room, base = desk.house.approvals.room, step_up_base(desk.house.settings)
    standing, law = room.standing(tenant, proposal_id), room.law(tenant)
    url = f"{base}{APPROVE}{tenant}/{proposal_id}" if base else ""
    told = {
        **proposal_shown(standing),
        "changes": changes_shown(standing, law),
        "evidence": evidence_shown(standing, law),
        "risk": risk_shown(standing),
        "url": url,
    }
    return {**told, "you": chance_shown(desk.house.approvals.inbox.chance(standing, whom))} if whom else told


@router.get("/tenants/{tenant}/approvals")
def list_proposals(
    tenant: Tenant,
    desk: Desk,
    state: Annotated[str, Query(max_length=16, description="Only those in this state.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    needs: Annotated[str, Query(max_length=2048, description="Only those that need this person, by any name.")] = "",
) -> list[dict[str, Any]]:
    """List the newest proposals, newest first; those that need somebody with the one that ends first in front."""
    approvals = desk.house.approvals
    found = approvals.inbox.needs(tenant, needs)[:limit] if needs else approvals.room.recent(tenant, limit)
    return [proposal_shown(one) for one in found if not state or one.state == state]


@router.post("/tenants/{tenant}/approvals", status_code=201, responses=_NOT_SO)
def propose(tenant: Tenant, body: ProposalBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Ask people to agree to a deed; it is bound to every value that is given."""
    deed = Deed(tenant, body.kind, body.target, body.bound, frozenset(body.authors))
    made = ask(
        desk.house, deed, Asker(who.key_id), why=body.why, lives_s=body.lives_s, not_before_ns=body.not_before_ns
    )
    return _told(desk, tenant, made.proposal_id)


@router.get("/tenants/{tenant}/approvals/people")
def show_people(tenant: Tenant, desk: Desk) -> dict[str, Any]:
    """Show who may agree, and the rules that the tenant has made."""
    return law_shown(desk.house.approvals.room.law(tenant))


@router.post("/tenants/{tenant}/approvals/people", status_code=201, responses=_NOT_SO)
def propose_people(tenant: Tenant, body: PeopleBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Ask for other people; those that there are must agree, by the rule that they have."""
    people = tuple(Person(one.name, one.groups, one.also) for one in body.people)
    return _propose_law(desk, who.key_id, tenant, PEOPLE, "people", written(people), body.why)


@router.post("/tenants/{tenant}/approvals/rules", status_code=201, responses=_NOT_SO)
def propose_rule(tenant: Tenant, body: RuleBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Ask for another rule of a kind; it takes the rule of changing rules, and the old rule of that kind."""
    rule = Rule(**body.model_dump(exclude={"kind", "why"}))
    return _propose_law(desk, who.key_id, tenant, RULE, body.kind, written(rule), body.why)


@router.post("/tenants/{tenant}/approvals/delegations", status_code=201, responses=_NOT_SO)
def propose_delegation(tenant: Tenant, body: DelegationBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Ask somebody to let another one sign; it counts once the giver has signed it."""
    now = desk.house.clock.now_ns()
    deed = delegation_deed(tenant, body.giver, body.taker, body.kinds, now, now + round(body.days * _DAY_NS))
    return _told(desk, tenant, ask(desk.house, deed, Asker(who.key_id), why=body.why).proposal_id)


@router.get("/tenants/{tenant}/approvals/{proposal_id}")
def show_proposal(tenant: Tenant, proposal_id: ProposalId, desk: Desk, whom: Whom = "") -> dict[str, Any]:
    """Show a proposal with its state, every signature verified again; ``as`` adds what that person can do about it."""
    return _told(desk, tenant, proposal_id, whom)


@router.post("/tenants/{tenant}/approvals/{proposal_id}/withdraw", responses=_NOT_SO)
def withdraw(tenant: Tenant, proposal_id: ProposalId, body: WithdrawBody, who: Who, desk: Desk) -> dict[str, Any]:
    """Take a proposal back; what was done by it holds no more."""
    desk.house.approvals.room.standing(tenant, proposal_id)
    desk.record(who, tenant, "approval.withdraw", proposal=proposal_id)
    tell(desk.house, desk.house.approvals.room.withdraw(tenant, proposal_id, name_of(who.key_id), body.why))
    return _told(desk, tenant, proposal_id)


@router.post("/tenants/{tenant}/approvals/{proposal_id}/enact", responses=_NOT_SO)
def enact(tenant: Tenant, proposal_id: ProposalId, who: Who, desk: Desk) -> dict[str, Any]:
    """Make agreed rules or people the law."""
    desk.house.approvals.room.standing(tenant, proposal_id)
    desk.record(who, tenant, "approval.enact", proposal=proposal_id)
    law = desk.house.approvals.room.enact(tenant, proposal_id, name_of(who.key_id))
    tell(desk.house, desk.house.approvals.room.standing(tenant, proposal_id))
    return law_shown(law)


def _propose_law(
    desk: Office, key_id: str, tenant: str, kind: str, target: str, change: str, why: str
) -> dict[str, Any]:
    deed = law_deed(tenant, desk.house.approvals.room.law(tenant), kind, target, change)
    return _told(desk, tenant, ask(desk.house, deed, Asker(key_id), why=why, change=change).proposal_id)
