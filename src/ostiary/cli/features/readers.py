"""``ostiary features readers``: who may read which column, by the tables in force; it decides nothing."""

from typing import Annotated

from cyclopts import App, Parameter

from ostiary.cli.features.registering import SetId
from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data


def register(command: App) -> None:
    """Add the verb."""
    command.command(readers)


def readers(
    feature_set: SetId,
    *,
    column: Annotated[str, Parameter(help="Only this column: who may read it.")] = "",
    stage: Annotated[str, Parameter(help="Stage of the access; left out where it tells none.")] = "",
    purpose: Annotated[str, Parameter(help="Purpose of the access.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Tell who may read which column, and what that does not cover."""
    from ostiary.server.column_access.readers import access_of, readers_of  # noqa: PLC0415 - as `open_data`

    with open_data(data, config) as house:
        check_living(house, tenant)
        access = access_of(house, tenant, feature_set, purpose)
        found = readers_of(access, column, stage) if column else ()
    if json:
        told = {"column": column, "stage": stage, "readers": found, "not_covered": access.not_covered}
        print_json(told if column else access)
        return
    if column:
        rows = [{"who": one.subject, "by": one.through, "role": one.role, "if": ", ".join(one.when)} for one in found]
        print_table(column, ("who", "by", "role", "if"), rows)
    else:
        cells = access.cells.get(stage, {})
        shown = [{"column": name, "is": one.state, "because": ", ".join(one.because)} for name, one in cells.items()]
        print_table(feature_set, ("column", "is", "because"), shown)
    for words in access.not_covered:
        out.print(f"not covered: {words}", markup=False)
