"""One form of a proposal for the API and the command line: what, why, how far it has come, and what it is bound to."""

from typing import Any

from ostiary.approvals.people import Law
from ostiary.approvals.standing import Standing
from ostiary.server.approving.changes import changes_of

APPROVE = "/approve/"


def proposal_shown(standing: Standing) -> dict[str, Any]:
    """Return a proposal with its state, for machines."""
    one, count = standing.proposal, standing.tally
    names = ("kind", "target", "proposer", "by", "why", "created_ns", "not_before_ns", "expires_ns", "holds_until_ns")
    voices = [
        {name: getattr(voice, name) for name in ("person", "signer", "decision", "at_ns", "delegation", "void")}
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
        "rules": [rule.digest for rule in one.rules],
    }


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
