"""Who approves, by which rules; and asking: for other people or rules, to let somebody sign, for any other deed.

Nothing here takes effect: each form makes a proposal in the name of whoever is signed in, who then does not agree
to it. People are changed one at a time, rules one kind at a time, so that a diff of a proposal can be understood.
"""

from collections.abc import Mapping
from typing import Any, Final

from ostiary.approvals.people import Law
from ostiary.approvals.rules import DELEGATE, KINDS, PEOPLE, RULE
from ostiary.errors import FaultyInputError
from ostiary.server.admin.approvals import (
    DelegationBody,
    PeopleBody,
    ProposalBody,
    RuleBody,
    propose,
    propose_delegation,
    propose_people,
    propose_rule,
)
from ostiary.server.approving.weighing import title_of
from ostiary.server.console.pages.approvals import HERE, rule_words
from ostiary.server.console.routes import Route
from ostiary.server.console.spans import span
from ostiary.server.console.visit import Visit
from ostiary.server.wire import Reply

_LAW: Final = "/approvals/people"
_NEW: Final = "/approvals/new"
_FORMS: Final = ("deed", "person", "rule", "delegation")
_MAX_LINES: Final = 32
_MAX_NUMBER: Final = 9


def law(visit: Visit) -> Reply:
    """Show people and rules in force."""
    found = visit.house.approvals.room.law(visit.tenant)
    passkeys = visit.house.store.authenticators
    people = [
        {
            "name": one.name,
            "groups": one.groups,
            "also": one.also,
            "passkeys": len(passkeys.of_subject(visit.tenant, one.name)),
        }
        for one in found.people
    ]
    return visit.page("approving_people.html", HERE, people=people, rules=_rules(found), digest=found.digest)


def forms(visit: Visit) -> Reply:
    """Show the form of what is to be asked for."""
    what = visit.query.get("what", "deed")
    found = visit.house.approvals.room.law(visit.tenant)
    name, kind = visit.query.get("name", ""), visit.query.get("kind", "")
    known = found.find(name)
    return visit.page(
        "approval_new.html",
        HERE,
        what=what if what in _FORMS else "deed",
        me=found.who(visit.person.subject),
        people=[one.name for one in found.people],
        name=name,
        groups=", ".join(known.groups) if known else "",
        also=", ".join(known.also) if known else "",
        kind=kind,
        rule=found.rule(kind),
        kinds=sorted({*KINDS, *found.rules}),
        target=visit.query.get("target", ""),
        bound=visit.query.get("bound", ""),
    )


def ask_deed(visit: Visit) -> Reply:
    """Ask for a deed that is bound to what was written, one ``name=value`` a line."""
    form = visit.form
    body = ProposalBody.model_validate(
        {
            "kind": form.get("kind", "").strip(),
            "target": form.get("target", "").strip(),
            "bound": _pairs(form.get("bound", "")),
            "authors": _words(form.get("authors", "")),
            "why": _why(form),
        }
    )
    return _asked(visit, propose(visit.tenant, body, visit.who, visit.desk))


def ask_person(visit: Visit) -> Reply:
    """Ask that somebody comes in, or stands for other groups."""
    form, found = visit.form, visit.house.approvals.room.law(visit.tenant)
    name = form.get("name", "").strip()
    wanted = {"name": name, "groups": _words(form.get("groups", "")), "also": _words(form.get("also", ""))}
    others = [_person(one) for one in found.people if one.name != name]
    return _ask_people(visit, [*others, wanted])


def ask_removal(visit: Visit) -> Reply:
    """Ask that somebody goes."""
    found, name = visit.house.approvals.room.law(visit.tenant), visit.form.get("name", "").strip()
    if found.find(name) is None:
        raise FaultyInputError("approval_people_invalid", "there is no such person")
    return _ask_people(visit, [_person(one) for one in found.people if one.name != name])


def ask_rule(visit: Visit) -> Reply:
    """Ask for another rule of a kind; what the form leaves out stays as it is."""
    form = visit.form
    kind = form.get("kind", "").strip()
    old = visit.house.approvals.room.law(visit.tenant).rule(kind)
    wanted: dict[str, Any] = {
        "kind": kind,
        "people": _number(form, "people", old.people),
        "spread": _number(form, "spread", old.spread),
        "deny": _number(form, "deny", old.deny),
        "expires_s": _number(form, "expires_s", old.expires_s),
        "not_before_s": _number(form, "not_before_s", old.not_before_s),
        "holds_s": _number(form, "holds_s", old.holds_s),
        "groups": _words(form.get("groups", "")),
        "of": _words(form.get("of", "")),
        "delegation": bool(form.get("delegation")),
        "why": _why(form),
    }
    return _asked(visit, propose_rule(visit.tenant, RuleBody.model_validate(wanted), visit.who, visit.desk))


def ask_delegation(visit: Visit) -> Reply:
    """Ask to let somebody sign for the person itself; it counts once the person has signed it."""
    form = visit.form
    wanted = {
        "giver": visit.house.approvals.room.law(visit.tenant).who(visit.person.subject) or visit.person.subject,
        "taker": form.get("taker", "").strip(),
        "kinds": _words(form.get("kinds", "")),
        "days": form.get("days", "7").strip(),
        "why": _why(form),
    }
    body = DelegationBody.model_validate(wanted)
    return _asked(visit, propose_delegation(visit.tenant, body, visit.who, visit.desk))


def _ask_people(visit: Visit, people: list[dict[str, Any]]) -> Reply:
    body = PeopleBody.model_validate({"people": people, "why": _why(visit.form)})
    return _asked(visit, propose_people(visit.tenant, body, visit.who, visit.desk))


def _asked(visit: Visit, told: Mapping[str, Any]) -> Reply:
    return visit.done(f"{HERE}/{told['id']}", f"Asked: {told['standing']}")


def _person(one: Any) -> dict[str, Any]:
    return {"name": one.name, "groups": one.groups, "also": one.also}


def _rules(found: Law) -> list[dict[str, Any]]:
    return [
        {
            "kind": kind,
            "title": title_of(kind),
            "words": rule_words(rule := found.rule(kind)),
            "expires": span(rule.expires_s),
            "own": kind in found.rules,
        }
        for kind in sorted({*KINDS, DELEGATE, PEOPLE, RULE, *found.rules})
    ]


def _why(form: Mapping[str, str]) -> str:
    why = form.get("why", "").strip()
    if not why:
        raise FaultyInputError("reason_missing", "say why: whoever must agree reads it")
    return why


def _words(text: str) -> tuple[str, ...]:
    """Return what is written with commas or line ends between.

    >>> _words("risk, ops")
    ('risk', 'ops')
    """
    return tuple(word for part in text.replace("\n", ",").split(",") if (word := part.strip()))


def _pairs(text: str) -> dict[str, str]:
    """Return what is written as ``name=value``, one a line.

    >>> _pairs("from=shadow")
    {'from': 'shadow'}
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > _MAX_LINES or not all("=" in line for line in lines):
        raise FaultyInputError("approval_malformed", f"write `name=value`, one a line, {_MAX_LINES} lines at most")
    found = [(name.strip(), value.strip()) for name, _, value in (line.partition("=") for line in lines)]
    if len(dict(found)) < len(found):
        raise FaultyInputError("approval_malformed", "a name stands there twice")
    return dict(found)


def _number(form: Mapping[str, str], name: str, usual: int) -> int:
    text = form.get(name, "").strip()
    if not text:
        return usual
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_NUMBER:
        raise FaultyInputError("request_invalid", f"`{name}` is a whole number")
    return int(text)


ROUTES = (
    Route("GET", _LAW, "approvals", law),
    Route("GET", _NEW, "approvals", forms, "propose"),
    Route("POST", "/approvals/propose", "approvals", ask_deed, "propose"),
    Route("POST", _LAW, "approvals", ask_person, "propose"),
    Route("POST", "/approvals/people/remove", "approvals", ask_removal, "propose"),
    Route("POST", "/approvals/rules", "approvals", ask_rule, "propose"),
    Route("POST", "/approvals/delegations", "approvals", ask_delegation, "propose"),
)
