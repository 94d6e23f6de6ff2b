"""``ostiary model list|show|history|live``: what the registry knows, and what was live when."""

from typing import Annotated, Any

from cyclopts import Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.registry.shared import Config, Data, Json, Name, Stage, Tenant, moment, opened, when
from ostiary.errors import RefusedError
from ostiary.pipeline.registry.history import events, live_at
from ostiary.pipeline.registry.naming import check_name, check_stage
from ostiary.server.model_door.promotions import shown as live_shown
from ostiary.server.model_door.readings import event_shown
from ostiary.server.model_door.uploads import shown


def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's models with what is live."""
    with opened(data, config, tenant) as house:
        models = house.models
        rows: list[dict[str, Any]] = [
            {
                "model": name,
                "versions": len(models.book.versions(tenant, name)),
                "live": {one.stage: one.number for one in models.journal.lives(tenant, name) if one.number},
            }
            for name in models.book.names(tenant)
        ]
    if json:
        print_json(rows)
        return
    told = [{**row, "live": ", ".join(f"{stage} {number}" for stage, number in row["live"].items())} for row in rows]
    print_table("models", ("model", "versions", "live"), told)


def show(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show every version and stage of a model."""
    with opened(data, config, tenant) as house:
        versions = [shown(one) for one in house.models.journal.versions(tenant, check_name(name))]
        lives = [live_shown(one) for one in house.models.journal.lives(tenant, name)]
    if not versions:
        raise RefusedError("model_unknown", f"there is no model `{name}`")
    if json:
        print_json({"model": name, "versions": versions, "live": lives})
        return
    print_table("versions", ("version", "state", "format", "signer", "run", "digest"), versions)
    rows = [{**one, "since": when(one["since_ns"]), "until": when(one["expires_ns"])} for one in lives]
    print_table("live", ("stage", "version", "action", "since", "until", "counter"), rows)


def history(
    name: Name,
    *,
    stage: Stage = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Tell everything that happened to a model, refusals too, from the log alone."""
    with opened(data, config, tenant) as house:
        found = list(events(house.log, tenant, check_name(name)))
    rows = [event_shown(one) for one in found if not stage or one.event.stage == stage]
    if json:
        print_json(rows)
        return
    told = [{**row, "at": when(row["at_ns"])} for row in rows]
    print_table("history", ("at", "action", "number", "stage", "code", "decision_id"), told)


def live(
    name: Name,
    *,
    stage: Stage = "production",
    at: Annotated[str, Parameter(help="Date or time, UTC; a day stands for its end. Default: now.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Tell which version was live at a moment, from the log alone; exit code 3 when none could be loaded."""
    with opened(data, config, tenant) as house:
        at_ns = moment(at) if at else house.clock.now_ns()
        found = live_at(house.log, tenant, check_name(name), check_stage(stage), at_ns)
    if json:
        print_json(found)
    elif found.number:
        could = "" if found.loadable else f", and could not be loaded: {found.why}"
        out.print(f"version {found.number} since {when(found.since_ns)}{could}: {found.digest}", markup=False)
    if not found.loadable:
        raise RefusedError("model_not_live", f"nothing could be loaded from `{stage}` then: {found.why}")
