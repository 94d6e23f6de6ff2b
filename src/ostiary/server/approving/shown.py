"""One form of a proposal for the API and the command line: what, why, how far it has come, and what it is bound to."""

from typing import Any

from ostiary.approvals.people import Law
from ostiary.approvals.standing import Standing
from ostiary.server.approving.changes import changes_of
from ostiary.server.approving.inbox import Chance
from ostiary.server.approving.weighing import risk_of, title_of

APPROVE = "/approve/"


def proposal_shown(standing: Standing) -> dict[str, Any]:
    """Return a proposal with its state, for machines."""
    one, count = standing.proposal, standing.tally
    names = ("kind", "target", "proposer", "by", "why", "created_ns", "not_before_ns", "expires_ns", "holds_until_ns")
    voices = [
        {
            name: getattr(voice, name)
            for name in ("person", "signer", "decision", "at_ns", "delegation", "void", "comment")
        }
        for voice in standing.voices
    ]
    return {
        "id": one.proposal_id,
        **{name: getattr(one, name) for name in names},
        "bound": dict(one.bound),
        "authors": list(one.authors),
        "digest": one.digest,
        "words": one.words,
        "state": standing.state,
        "standing": standing.words,
        "why_not": standing.why,
        "needed": count.needed,
        "agreed": list(count.agreed),
        "missing": count.missing,
        "missing_groups": list(count.groups),
        "voices": voices,
        "used_ns": standing.used_ns,
        "withdrawn_by": standing.withdrawn_by,
        "withdrawn_why": standing.withdrawn_why,
        "rules": [rule.digest for rule in one.rules],
    }


def evidence_shown(standing: Standing, law: Law) -> list[dict[str, str]]:
    """Return what else it is bound to: reports, digests, ends."""
    _, rest = changes_of(standing.proposal, law)
    return [{"what": what, "value": value} for what, value in rest]


def risk_shown(standing: Standing) -> dict[str, str]:
    """Return what the deed is, and what it means when it was wrong."""
    weight, words = risk_of(standing.proposal)
    return {"title": title_of(standing.proposal.kind), "weight": weight, "words": words}


def chance_shown(chance: Chance) -> dict[str, Any]:
    """Return what somebody can do about a proposal."""
    names = ("person", "signer", "delegation")
    hands = [{name: getattr(hand, name) for name in names} for hand in chance.yes]
    return {"person": chance.person, "yes": hands, "no": chance.no, "why_not": chance.why_not}


def changes_shown(standing: Standing, law: Law) -> list[dict[str, str]]:
    """Return what it would change, against the law in force."""
    pairs, _ = changes_of(standing.proposal, law)
    return [{"what": what, "before": before, "after": after} for what, before, after in pairs]


def law_shown(law: Law) -> dict[str, Any]:
    """Return people and rules, for machines."""
    people = [{"name": one.name, "groups": list(one.groups), "also": list(one.also)} for one in law.people]
    rules = {kind: _rule(law, kind) for kind in sorted(law.rules)}
    return {"digest": law.digest, "people": people, "rules": rules}


def _rule(law: Law, kind: str) -> dict[str, Any]:
    rule = law.rule(kind)
    return {name: getattr(rule, name) for name in rule.__struct_fields__}
