"""``ostiary sigma``: Sigma rules over decisions and imported events: check them, run them, hits become detections."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.artifacts.shipped import policies_dir
from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.signals.sigma.document import MAX_BYTES
from ostiary.signals.sigma.rule import SigmaRule, read_rule

command = App(name="sigma", help="Sigma rules over decisions and imported events.")
MAX_FILES: Final = 5_000
_ENDINGS: Final = (".yml", ".yaml")
Files = Annotated[Path, Parameter(help="Rules, or folders of rules; without any, the shipped ones.")]


@command.command
def check(*files: Files, json: Json = False) -> None:
    """Read rules and say of each whether it can run here; what is not supported is an error with its line."""
    rows, faults = list[dict[str, object]](), list[OstiaryError]()
    for path in _paths(files):
        try:
            rule = _read(path)
            rows.append({"file": str(path), "id": rule.rule_id, "level": rule.level, "attack": list(rule.attack)})
        except OstiaryError as fault:
            faults.append(fault)
            rows.append({"file": str(path), "code": fault.code, "fault": fault.message})
    if json:
        print_json(rows)
    else:
        for one in faults:
            out.print(one.message, markup=False)
        out.print(f"{len(rows) - len(faults)} rules can run, {len(faults)} cannot")
    if faults:
        raise FaultyInputError(faults[0].code, f"{len(faults)} of {len(rows)} rules cannot run")


@command.command
def run(
    *files: Files,
    since: Annotated[timedelta, Parameter(help="How far back, such as 7d or 12h.")] = timedelta(days=7),
    dry_run: Annotated[bool, Parameter(negative="", help="Tell hits and write none down.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Run rules over what is on record; hits become detections, each once however often it is run.

    One rule that cannot run stops the run before it begins.
    """
    from ostiary.server.sigma import Hit, SigmaRun, run_rules  # noqa: PLC0415 - the server, which checks do not need

    rules, told = [_read(path) for path in _paths(files)], SigmaRun()
    with open_data(data, config) as house:
        check_living(house, tenant)
        since_ns = max(0, house.clock.now_ns() - int(since.total_seconds() * 1e9))
        hits: list[Hit] = list(run_rules(house, tenant, rules, since_ns, told, record=not dry_run))
    for loud in told.too_loud:
        err.print(f"the rule {loud} hit too often: only its first hits are told", style="yellow", markup=False)
    if json:
        print_json({"run": told, "hits": hits})
        return
    rows = [{"rule": hit.title, "level": hit.level, "about": hit.about, "subject": hit.subject} for hit in hits]
    print_table("hits", ("rule", "level", "about", "subject"), rows)
    looked_at = ", ".join(f"{count} {store}" for store, count in told.looked_at.items()) or "nothing"
    out.print(f"{len(rules)} rules over {looked_at}: {len(hits)} hits, {told.recorded} new", markup=False)


def _paths(files: tuple[Path, ...]) -> list[Path]:
    found: list[Path] = []
    for one in files or (policies_dir() / "sigma",):
        inside = sorted(path for path in one.rglob("*") if path.suffix in _ENDINGS) if one.is_dir() else [one]
        found += inside
    if len(found) > MAX_FILES:
        raise FaultyInputError("sigma_too_many", f"at most {MAX_FILES} rules at once")
    return found


def _read(path: Path) -> SigmaRule:
    try:
        with path.open("rb") as file:
            return read_rule(str(path), file.read(MAX_BYTES + 1))
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{str(path)[:200]}` cannot be read") from fault
