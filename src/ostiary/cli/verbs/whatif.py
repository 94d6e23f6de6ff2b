"""``ostiary whatif``: one hypothetical request, decided now and under a draft, side by side."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ostiary.cli.output import out, plain, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.server.assembly import restore_profiles
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.impact.supposed import Facts
from ostiary.server.impact.whatif import Side, load_draft, what_if
from ostiary.server.wiring import House, trusted_model_keys
from ostiary.vocabulary.scoring import Scorer

_SHOWN = 12


def command(
    *,
    facts: Annotated[str, Parameter(help="What is supposed, as JSON: at_ns, score, signals, session, device.")] = "{}",
    bundle: Annotated[Path | None, Parameter(help="Draft bundle, a folder or OPA archive.")] = None,
    model: Annotated[Path | None, Parameter(help="Folder of a draft model, signed.")] = None,
    phase: Annotated[list[str] | None, Parameter(help="A draft phase, `control=phase`; may be given again.")] = None,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Decide one AuthZEN request from stdin as things are, and as they would be under a draft; nothing comes of it."""
    limits = BodyLimits()
    body = parse_object(sys.stdin.buffer.read(limits.max_bytes + 1), limits)
    told = _facts(facts)
    phases = dict(_phase(each) for each in phase or ())
    with open_data(data, config) as house:
        check_living(house, tenant)
        restore_profiles(house)
        scorer = None if model is None else _scorer(house, tenant, model)
        found = what_if(house, COMMAND_LINE, tenant, body, told, load_draft(bundle, phases, scorer))
    if json:
        print_json(found)
        return
    _show("now", found.current)
    if found.projected is not None:
        _show("under the draft", found.projected)
        out.print("the decision would change" if found.changed else "the decision would be the same")


def _facts(text: str) -> Facts:
    try:
        return msgspec.json.decode(text.encode(), type=Facts)
    except (msgspec.MsgspecError, ValueError) as fault:
        raise FaultyInputError("fact_invalid", f"the facts cannot be supposed: {str(fault)[:200]}") from fault


def _phase(told: str) -> tuple[str, str]:
    control, _, phase = told.partition("=")
    if not phase:
        raise FaultyInputError("fact_invalid", "a phase is told as `control=phase`")
    return control, phase


def _scorer(house: House, tenant: str, source: Path) -> Scorer:
    from ostiary.risk.model import load_scorer  # noqa: PLC0415 - the risk extra may be absent
    from ostiary.signals import features  # noqa: PLC0415

    keys = trusted_model_keys(house.places, house.ring, tenant)
    return load_scorer(
        source, keys, feature_set=features.SET_DIGEST, names=features.NAMES, words=lambda name, _value, _event: name
    )


def _show(title: str, side: Side) -> None:
    out.print(f"{title}: {side.effect}, {', '.join(side.reasons)}", markup=False, style="bold")
    out.print(f"  floor {side.floor}, models propose {side.proposal}, ceiling {side.ceiling}", markup=False)
    for rule in side.rules:
        if rule.applies:
            out.print(f"  applies   {rule.rule} ({rule.effect})", markup=False)
    unmet: list[Any] = [rule for rule in side.rules if not rule.applies]
    for rule in unmet[:_SHOWN]:
        out.print(plain(f"  does not  {rule.rule} ({rule.effect}): {rule.condition}"), markup=False)
    if len(unmet) > _SHOWN:
        out.print(f"  and {len(unmet) - _SHOWN} more rules do not apply: see --json", markup=False)
