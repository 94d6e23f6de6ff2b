"""``ostiary config``: every setting, where it came from, and the schema."""

from typing import Annotated

from cyclopts import App, Parameter

from ostiary.cli.output import print_json, print_table
from ostiary.cli.places import Config, Data, Json, settings_of
from ostiary.server.settings.load import schema as json_schema

command = App(name="config", help="Settings: what they are, and where each came from.")


@command.command
def show(
    *,
    data: Data = None,
    config: Config = None,
    origin: Annotated[bool, Parameter(negative="", help="Say where each value came from.")] = False,
    json: Json = False,
) -> None:
    """Show every setting; secrets are masked."""
    rows = list(settings_of(data, config).rows())
    columns = ("key", "value", "origin") if origin else ("key", "value")
    told = [{name: row[name] for name in columns} for row in rows]
    if json:
        print_json(told)
    else:
        print_table("settings", columns, told)


@command.command
def schema() -> None:
    """Print the JSON Schema of the configuration file."""
    print_json(json_schema())
