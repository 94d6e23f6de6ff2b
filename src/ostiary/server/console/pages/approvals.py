"""What waits for agreement: the inbox, one proposal with its diff, evidence and signatures; withdrawing and enacting.

1. Whoever looks is one of the people who approve when the people file knows the name that they signed in with.
2. Signing is the ceremony of ``/approve/{tenant}/{proposal}``, run by the page's script: the console has no say in it.
3. Who asked takes it back; anybody else's is taken back by whoever may change approvals. Either way a reason is needed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from ostiary.approvals.rules import PEOPLE, RULE
from ostiary.approvals.standing import Standing
from ostiary.errors import RefusedError
from ostiary.server.admin.approvals import WithdrawBody, enact, show_proposal, withdraw
from ostiary.server.approving.weighing import title_of
from ostiary.server.console.asked import reason_of
from ostiary.server.console.routes import Route
from ostiary.server.console.spans import since
from ostiary.server.console.stamps import stamp
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

HERE: Final = "/approvals"
_SHOWN: Final[Mapping[str, frozenset[str]]] = {
    "open": frozenset({"open", "approved"}),
    "decided": frozenset({"used", "rejected", "withdrawn"}),
    "expired": frozenset({"expired", "void"}),
}
STATES: Final = {
    "open": ("waits", ""),
    "approved": ("agreed", "good"),
    "used": ("done", "good"),
    "rejected": ("rejected", "bad"),
    "withdrawn": ("withdrawn", ""),
    "expired": ("expired", "wait"),
    "void": ("void: the rule has changed", "wait"),
}
_NS: Final = 1_000_000_000


def inbox(visit: Visit) -> Reply:
    """Show what needs the person, and everything else by its state."""
    book, me = visit.house.approvals.inbox, visit.person.subject
    show, kind = visit.query.get("show", "open"), visit.query.get("kind", "")
    wanted = _SHOWN.get(show)
    every = book.recent(visit.tenant)
    needs = book.needs(visit.tenant, me)
    mine = {one.proposal.proposal_id for one in needs}
    rows = [
        _row(one, visit.now_ns)
        for one in every
        if (wanted is None or one.state in wanted) and (not kind or one.proposal.kind == kind)
    ]
    counts = {name: sum(one.state in states for one in every) for name, states in _SHOWN.items()}
    return visit.page(
        "approvals.html",
        HERE,
        me=book.person(visit.tenant, me),
        has_people=bool(visit.house.approvals.room.law(visit.tenant).people),
        needs=[_row(one, visit.now_ns) for one in needs],
        rows=[one for one in rows if show != "open" or one["id"] not in mine],
        show=show if wanted is not None else "all",
        kind=kind,
        kinds=sorted({one.proposal.kind for one in every}),
        tallies=counts,
    )


def proposal(visit: Visit) -> Reply:
    """Show one proposal as the person meets it."""
    told = show_proposal(visit.tenant, visit.told["proposal"], visit.desk, visit.person.subject)
    now_ns = visit.now_ns
    mine = told["you"]["person"]
    return visit.page(
        "approval.html",
        HERE,
        one=told,
        state=STATES[told["state"]],
        voices=[{**voice, "at": stamp(voice["at_ns"])} for voice in told["voices"]],
        asked=stamp(told["created_ns"]),
        age=since(told["created_ns"], now_ns),
        begins=stamp(told["not_before_ns"]) if now_ns < told["not_before_ns"] else "",
        until=stamp(told["expires_ns"]),
        left=since(told["expires_ns"], now_ns) if now_ns < told["expires_ns"] else "",
        holds=stamp(told["holds_until_ns"]),
        expires_in_s=max(0, -(-(told["expires_ns"] - now_ns) // _NS)),
        living=told["state"] in _SHOWN["open"],
        sign_at=urlsplit(told["url"]).path,
        rules=_rules(visit, told),
        may_withdraw=told["state"] != "withdrawn" and bool(mine) and mine in _concerned(told),
        may_enact=told["state"] == "approved" and told["kind"] in {RULE, PEOPLE} and told["why_not"] == "",
        reports=_reports(told["evidence"]),
    )


def take_back(visit: Visit) -> Reply:
    """Withdraw what the person itself has asked for, or a delegation that it gave or got."""
    told = show_proposal(visit.tenant, visit.told["proposal"], visit.desk, visit.person.subject)
    if not told["you"]["person"] or told["you"]["person"] not in _concerned(told):
        raise RefusedError("approval_not_yours", "you did not ask for this: an owner can stop it")
    return _withdrawn(visit)


def stop(visit: Visit) -> Reply:
    """Withdraw anybody's proposal."""
    return _withdrawn(visit)


def make_law(visit: Visit) -> Reply:
    """Put agreed rules or people in force."""
    enact(visit.tenant, visit.told["proposal"], visit.who, visit.desk)
    return visit.done(f"{HERE}/people", "What was agreed to is in force")


def _withdrawn(visit: Visit) -> Reply:
    why, name = reason_of(visit.form), visit.told["proposal"]
    withdraw(visit.tenant, name, WithdrawBody(why=why), visit.who, visit.desk)
    return visit.done(f"{HERE}/{name}", "It is withdrawn: what was done by it holds no more")


def _concerned(told: Mapping[str, Any]) -> set[str]:
    return {told["proposer"], *((told["bound"].get("from"), told["bound"].get("to")) if _is_delegation(told) else ())}


def _is_delegation(told: Mapping[str, Any]) -> bool:
    return bool(told["kind"] == "approvals.delegate")


def _row(standing: Standing, now_ns: int) -> dict[str, Any]:
    one = standing.proposal
    words, kind = STATES[standing.state]
    return {
        "id": one.proposal_id,
        "kind": one.kind,
        "title": title_of(one.kind),
        "target": one.target,
        "proposer": one.proposer,
        "why": one.why,
        "state": words,
        "state_kind": kind,
        "standing": standing.words,
        "agreed": len(standing.tally.agreed),
        "needed": standing.tally.needed,
        "asked": stamp(one.created_ns),
        "age": since(one.created_ns, now_ns),
        "until": stamp(one.expires_ns),
        "left": since(one.expires_ns, now_ns) if standing.state in _SHOWN["open"] else "",
        "early": now_ns < one.not_before_ns,
    }


def _rules(visit: Visit, told: Mapping[str, Any]) -> list[str]:
    """Return what it takes, in sentences."""
    standing = visit.house.approvals.room.standing(visit.tenant, told["id"])
    return [rule_words(rule) for rule in standing.proposal.rules]


def rule_words(rule: Any) -> str:
    """Return a rule in a sentence."""
    many = f"{rule.people} {'person' if rule.people == 1 else 'people'}"
    spread = f" from {rule.spread} groups" if rule.spread > 1 else ""
    seats = f", one of each of {', '.join(rule.groups)}" if rule.groups else ""
    only = f", members of {', '.join(rule.of)} alone" if rule.of else ""
    noes = "one no ends it" if rule.deny == 1 else f"{rule.deny} noes end it"
    return f"{many}{spread}{seats}{only}; {noes}; {'delegates may sign' if rule.delegation else 'no delegates'}"


def _reports(evidence: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return evidence with where it can be looked at: reports of impact have a page."""
    return [{**one, "href": f"/impact/{one['value']}" if one["what"] == "impact" else ""} for one in evidence]


ROUTES = (
    Route("GET", HERE, "approvals", inbox),
    Route("GET", "/approvals/{proposal}", "approvals", proposal),
    Route("POST", "/approvals/{proposal}/withdraw", "approvals", take_back, "propose"),
    Route("POST", "/approvals/{proposal}/stop", "approvals", stop, "change"),
    Route("POST", "/approvals/{proposal}/enact", "approvals", make_law, "propose"),
)
