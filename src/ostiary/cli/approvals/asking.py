"""``ostiary approvals propose|people|rules|delegate``: what is asked for, and the first people of a tenant."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ostiary.approvals.delegating import delegation_deed
from ostiary.approvals.law import law_deed, written
from ostiary.approvals.people import Person
from ostiary.approvals.rules import KINDS, PEOPLE, RULE, Rule
from ostiary.cli.approvals.shared import As, KeyFile, Why, day, loud, opened, say, told
from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.pipeline.registry.changing import release_wanted
from ostiary.pipeline.registry.promoting import Asked
from ostiary.policy.plain_yaml import parse_yaml
from ostiary.server.approving.asking import Asker, ask
from ostiary.server.approving.shown import law_shown
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.model_approvals import evidence_of, model_deed
from ostiary.server.wiring import House
from ostiary.vocabulary.approvals import Deed

_DAY_NS = 86_400 * 10**9
_HOUR_S = 3600
_MAX_FILE = 1 << 20


def propose(
    kind: Annotated[str, Parameter(help="The kind of deed, such as phase.change or model.promote.")],
    target: Annotated[str, Parameter(help="To what: a control with its scope, a bundle; NAME/VERSION of a model.")],
    *,
    bind: Annotated[tuple[str, ...], Parameter(negative="", help="What it is bound to, `name=value`; repeat.")] = (),
    author: Annotated[tuple[str, ...], Parameter(negative="", help="Who made it, type:id; repeat.")] = (),
    stage: Annotated[str, Parameter(help="Of a model: where it goes.")] = "",
    report: Annotated[Path | None, Parameter(help="Of a model: the signed validation report.")] = None,
    hours: Annotated[
        float, Parameter(help="Hours in which to agree and do it; 0 for as long as the rule lets it.")
    ] = 0,
    why: Why = "",
    me: As = "",
    key_file: KeyFile = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Ask people to agree to a deed; for a model everything that it is bound to comes from the registry."""
    with opened(data, config, tenant) as house:
        who = _who(house, tenant, me, key_file)
        if kind.startswith("model."):
            deed = _model(house, tenant, kind, target, stage, report)
        else:
            bound = dict(_pair(one) for one in bind)
            deed = Deed(tenant, kind, target, bound, frozenset(author))
        made = ask(house, deed, who, why=why, lives_s=round(hours * _HOUR_S))
        one = told(house, tenant, made.proposal_id)
    if kind.startswith("model."):
        one["evidence"] = evidence_of(made.proposal_id).decode()
    _tell(one, json=json)


def people(
    file: Annotated[Path | None, Parameter(help="YAML or JSON list of {name, groups, also}.")] = None,
    *,
    why: Why = "",
    me: As = "",
    key_file: KeyFile = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show who may agree; with a file name the first ones, or, when there are some, propose others."""
    with opened(data, config, tenant) as house:
        room = house.approvals.room
        if file is None:
            _tell_law(law_shown(room.law(tenant)), json=json)
            return
        wanted = _read_people(file)
        if not room.law(tenant).people:
            record_deed(house, COMMAND_LINE, tenant, "approval.bootstrap", people=len(wanted))
            law = room.bootstrap(tenant, wanted, COMMAND_LINE)
            loud(f"These {len(wanted)} people decide from now on, on themselves too. This way does not open again.")
            _tell_law(law_shown(law), json=json)
            return
        one = _ask_law(house, tenant, PEOPLE, "people", written(wanted), why, _who(house, tenant, me, key_file))
    _tell(one, json=json)


def rules(
    kind: Annotated[str, Parameter(help="The kind whose rule is to change; without one, all are shown.")] = "",
    *,
    count: Annotated[int | None, Parameter(name="--people", help="How many different people.")] = None,
    group: Annotated[tuple[str, ...] | None, Parameter(negative="", help="A group that must be there; repeat.")] = None,
    spread: Annotated[int | None, Parameter(help="From how many different groups at least.")] = None,
    of: Annotated[tuple[str, ...] | None, Parameter(negative="", help="Only these groups agree; repeat.")] = None,
    deny: Annotated[int | None, Parameter(help="So many noes end it.")] = None,
    hours: Annotated[float | None, Parameter(help="Hours in which to agree and do it.")] = None,
    wait_hours: Annotated[float | None, Parameter(help="Hours that must pass before it can be done.")] = None,
    delegation: Annotated[bool | None, Parameter(help="Whether somebody may sign for another.")] = None,
    why: Why = "",
    me: As = "",
    key_file: KeyFile = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show how many people each kind takes, or propose another rule for one: that takes the old rule."""
    given = {"people": count, "groups": group, "spread": spread, "of": of, "deny": deny, "delegation": delegation}
    given |= {"expires_s": _seconds(hours), "not_before_s": _seconds(wait_hours)}
    changed = {name: value for name, value in given.items() if value is not None}
    with opened(data, config, tenant) as house:
        law = house.approvals.room.law(tenant)
        if not kind or not changed:
            named = (kind,) if kind else sorted({*KINDS, *law.rules})
            _tell_rules({name: law.rule(name) for name in named}, json=json)
            return
        rule = msgspec.structs.replace(law.rule(kind), **changed)
        one = _ask_law(house, tenant, RULE, kind, written(rule), why, _who(house, tenant, me, key_file))
    _tell(one, json=json)


def delegate(
    giver: Annotated[str, Parameter(help="For whom, type:id; this person must sign it.")],
    taker: Annotated[str, Parameter(help="Who will sign for them, type:id.")],
    *,
    kind: Annotated[tuple[str, ...], Parameter(negative="", help="For which kinds; repeat.")],
    days: Annotated[float, Parameter(help="For how many days, 30 at most.")] = 7.0,
    why: Why = "",
    me: As = "",
    key_file: KeyFile = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Ask that one person may sign for another; it counts once the giver has signed it on the page."""
    with opened(data, config, tenant) as house:
        now = house.clock.now_ns()
        deed = delegation_deed(tenant, giver, taker, kind, now, now + round(days * _DAY_NS))
        who = _who(house, tenant, me or giver, key_file)
        one = told(house, tenant, ask(house, deed, who, why=why).proposal_id)
    _tell(one, json=json)


def _who(house: House, tenant: str, me: str, key_file: Path | None) -> Asker:
    if key_file is None:
        if not me:
            raise FaultyInputError("approval_malformed", "say in whose name you ask: `--as type:id`, or `--key-file`")
        return Asker(proposer=me)
    who = house.admins.authenticate(f"Bearer {_read(key_file).decode(errors='replace').strip()}")
    if not who.may(tenant):
        raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
    return Asker(who.key_id)


def _model(house: House, tenant: str, kind: str, target: str, stage: str, report: Path | None) -> Deed:
    name, _, number = target.rpartition("/")
    if not number.isascii() or not number.isdigit():
        raise FaultyInputError("approval_malformed", "a model is NAME/VERSION")
    action, models = kind.removeprefix("model."), house.models
    if action == "release":
        wanted = release_wanted(models.journal.version(tenant, name, int(number)))
    else:
        sealed = _read(report) if report else b""
        wanted = models.promoter.wanted(Asked(tenant, name, int(number), stage, action, sealed, b""))
    return model_deed(wanted, models.people.of(tenant))


def _ask_law(house: House, tenant: str, kind: str, target: str, change: str, why: str, who: Asker) -> dict[str, Any]:
    deed = law_deed(tenant, house.approvals.room.law(tenant), kind, target, change)
    return told(house, tenant, ask(house, deed, who, why=why, change=change).proposal_id)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE)
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{path}` cannot be read: {fault.strerror}") from fault


def _read_people(path: Path) -> tuple[Person, ...]:
    try:
        return msgspec.convert(parse_yaml(_read(path).decode()), tuple[Person, ...])
    except (msgspec.ValidationError, UnicodeError) as fault:
        raise FaultyInputError("approval_people_invalid", f"{path.name}: {fault}") from fault


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise FaultyInputError("approval_malformed", f"`{text[:80]}` is no name=value")
    return name, value


def _seconds(hours: float | None) -> int | None:
    return None if hours is None else round(hours * _HOUR_S)


def _tell(one: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(one)
        return
    say(one)
    if "evidence" in one:
        out.print(f"\nOnce they agree, promote with this as the approval: {one['evidence']}", markup=False)
    if one["url"]:
        out.print(f"\nPeople decide here until {day(one['expires_ns'])}:\n{one['url']}", markup=False)


def _tell_law(law: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(law)
        return
    rows = [{**one, "groups": ", ".join(one["groups"]), "also": ", ".join(one["also"])} for one in law["people"]]
    print_table("people", ("name", "groups", "also"), rows)


def _tell_rules(found: dict[str, Rule], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    told_ = [{"kind": kind, **msgspec.to_builtins(rule)} for kind, rule in found.items()]
    rows = [
        {**one, "groups": ", ".join(one["groups"]) or f"any {one['spread']}", "hours": one["expires_s"] // _HOUR_S}
        for one in told_
    ]
    print_table("rules", ("kind", "people", "groups", "deny", "hours", "delegation"), rows)
