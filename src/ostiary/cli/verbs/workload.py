"""``ostiary workload``: see what a CI job's, pod's or service's token would meet, and what rules can say.

Nothing is decided or recorded; the server need not run. The token is never printed. It is read from a file, because
what stands on a command line can be seen by others.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, settings_of
from ostiary.errors import FaultyInputError, RefusedError
from ostiary.identity.settings import IssuerConfig
from ostiary.identity.tokens import MAX_LENGTH
from ostiary.identity.workloads.explain import Explanation, describe, explain
from ostiary.identity.workloads.found import kind_of, kinds
from ostiary.server.settings.workloads import WorkloadSection
from ostiary.vocabulary.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence

command = App(name="workload", help="CI jobs, pods and services: what their tokens would meet.")

Kind = Annotated[str, Parameter(help="github, gitlab, kubernetes or spiffe.")]
_EXIT_REFUSED = RefusedError.exit_code


@command.command
def check(
    *,
    kind: Kind,
    token_file: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="File with the token; - reads standard input.")
    ],
    name: Annotated[str, Parameter(help="Which issuer, where the configuration has several of the kind.")] = "",
    rule: Annotated[
        list[str] | None,
        Parameter(negative="", help="Try this rule instead of the configured ones: KEY=VALUE, once a key and value."),
    ] = None,
    jwks: Annotated[
        Path | None, Parameter(help="File with the issuer's keys, instead of the configured place.")
    ] = None,
    issuer: Annotated[str, Parameter(help="The `iss`, where nothing is configured.")] = "",
    trust_domain: Annotated[str, Parameter(help="The SPIFFE trust domain, where nothing is configured.")] = "",
    audience: Annotated[str, Parameter(help="The `aud`, where nothing is configured.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Explain which restrictions hold for a token; exit code 3 when it would be refused."""
    kind_of(kind)
    configured = settings_of(data, config).settings.identity.workloads
    sections = [one for one in configured if (one.kind, one.tenant) == (kind, tenant) and name in {"", one.name}]
    changes = {"issuer": issuer, "trust_domain": trust_domain, "audience": audience}
    changed: dict[str, Any] = {key: value for key, value in changes.items() if value}
    if rule:
        changed["rules"] = ({"name": "tried", **_rule(rule)},)
    if jwks:
        changed |= {"jwks_path": jwks, "jwks_url": "", "discovery_url": "", "discovery_path": None}
    found = explain(_token(token_file), _issuer(kind, tenant, sections, changed), SystemClock().now_ns())
    if json:
        print_json(found)
    else:
        _tell(found)
    if not found.accepted:
        sys.exit(_EXIT_REFUSED)


@command.command(name="kinds")
def kinds_(*, json: Json = False) -> None:
    """Tell the kinds of workload, and what their rules can say."""
    told = [describe(kind) for kind in kinds().values()]
    if json:
        print_json(told)
        return
    for one in told:
        out.print(f"{one['kind']}: {one['text']}, as subjects of type {one['subject_type']}", markup=False)
        rows = [
            {
                "key": key,
                "needed": "yes" if spec["needed"] else "",
                "default": " ".join(spec["default"]),
                "meaning": f"{spec['text']} Each is {spec['form']}.",
            }
            for key, spec in one["keys"].items()
        ]
        print_table(f"rules of {one['kind']}", ("key", "needed", "default", "meaning"), rows)


def _issuer(kind: str, tenant: str, sections: "Sequence[WorkloadSection]", changed: dict[str, Any]) -> IssuerConfig:
    if len(sections) > 1:
        names = ", ".join(one.name or one.trust_domain or one.kind for one in sections)
        raise FaultyInputError("workload_issuer_ambiguous", f"there are several: say which by --name ({names})")
    given = sections[0].model_dump() if sections else {"kind": kind, "tenant": tenant, "audience": "ostiary"}
    try:
        return WorkloadSection(**{**given, **changed}).issuer_config(loopback=False)
    except ValueError as fault:
        text = str(fault).partition("Value error, ")[2].partition(" [type=")[0] or "the options do not fit together"
        raise FaultyInputError("identity_config_invalid", text) from None


def _rule(pairs: list[str]) -> dict[str, list[str]]:
    rule: dict[str, list[str]] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise FaultyInputError("workload_rule_malformed", f"`{pair[:80]}` is not KEY=VALUE")
        rule.setdefault(key, []).append(value)
    return rule


def _token(path: Path) -> str:
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            raw = file.read(MAX_LENGTH + 2)
        return raw.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise FaultyInputError("token_unreadable", f"no token can be read from `{path}`") from fault


def _tell(found: Explanation) -> None:
    for rule in found.rules:
        out.print(f"rule {rule.rule}: {'holds' if rule.holds else 'does not hold'}", markup=False)
        for one in rule.checks:
            what = one.demands.get("claim", "")
            out.print(f"  {'ok' if one.holds else 'NO'}  {one.restriction} {what}".rstrip(), markup=False)
            if not one.holds:
                out.print(f"      {one.text} ({one.reason})", markup=False)
    if found.accepted:
        out.print(f"let in as {found.subject_type} {found.subject_id}", markup=False)
    else:
        out.print(f"refused: {found.text} ({found.reason})", markup=False)
