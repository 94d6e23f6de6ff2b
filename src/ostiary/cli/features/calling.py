"""``ostiary features query|historical|online|write|explain``: callers of a running server, with a token and its key.

``ostiary token exchange`` gets the token. A file of rows is CSV or Parquet; so is a file for the answer.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Json, Tenant
from ostiary.cli.token.files import KeyFile, TokenFile
from ostiary.errors import FaultyInputError

if TYPE_CHECKING:
    from ostiary.cli.features.talking import Door

SetId = Annotated[str, Parameter(help="The feature set's id.")]
Url = Annotated[str, Parameter(help="The server's public address.")]
To = Annotated[Path | None, Parameter(help="Write the answer there, as .parquet or .csv, instead of printing it.")]
Columns = Annotated[str, Parameter(help="Names of columns, with commas between.")]
SHOWN_ROWS: Final = 100


def register(command: App) -> None:
    """Add the callers' sub-verbs."""
    for verb in (query, historical, online, write, explain):
        command.command(verb)


def query(
    feature_set: SetId,
    sql: Annotated[str, Parameter(help="One SELECT; the table has the feature set's name.")],
    *,
    url: Url,
    token_file: TokenFile,
    key: KeyFile,
    to: To = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Ask a feature set by SQL; only the columns of the token and of policy are there."""
    door = _door(url, tenant, token_file, key)
    _hand_out(door.table(f"{feature_set}/query", msgspec.json.encode({"sql": sql})), to, json=json)


def historical(
    feature_set: SetId,
    frame: Annotated[Path, Parameter(help="CSV or Parquet file with entity keys and event_timestamp.")],
    *,
    columns: Columns,
    url: Url,
    token_file: TokenFile,
    key: KeyFile,
    to: To = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Get the values of columns as they were at the times of an entity frame."""
    from ostiary.cli.features.tables import read_file  # noqa: PLC0415 - an extra of its own

    door = _door(url, tenant, token_file, key)
    _hand_out(door.table(f"{feature_set}/historical", read_file(frame), columns=columns), to, json=json)


def online(
    feature_set: SetId,
    *keys: Annotated[str, Parameter(help="One entity each: KEY=VALUE, with commas between the keys.")],
    columns: Columns,
    url: Url,
    token_file: TokenFile,
    key: KeyFile,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Get the newest values of columns for entities."""
    names = [name for name in columns.split(",") if name]
    body = msgspec.json.encode({"columns": names, "keys": [_entity(one) for one in keys]})
    rows = _door(url, tenant, token_file, key).document(f"{feature_set}/online", body)["rows"]
    if json:
        print_json(rows)
    else:
        print_table(feature_set, list(dict.fromkeys(name for row in rows for name in row)), rows)


def write(
    feature_set: SetId,
    rows: Annotated[Path, Parameter(help="CSV or Parquet file.")],
    *,
    url: Url,
    token_file: TokenFile,
    key: KeyFile,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Add rows to a feature set, offline and online."""
    from ostiary.cli.features.tables import read_file  # noqa: PLC0415 - an extra of its own

    told = _door(url, tenant, token_file, key).document(f"{feature_set}/write", read_file(rows))
    if json:
        print_json(told)
    else:
        out.print(f"{told['rows']} rows are written ({told['decision_id']})", markup=False)


def explain(
    feature_set: SetId,
    sql: Annotated[str, Parameter(help="One SELECT.")],
    *,
    url: Url,
    token_file: TokenFile,
    key: KeyFile,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Say which columns a query needs, and which of them the token lacks."""
    body = msgspec.json.encode({"sql": sql})
    told = _door(url, tenant, token_file, key).document(f"{feature_set}/explain", body)
    if json:
        print_json(told)
    else:
        out.print(told["message"], markup=False)
        out.print("it has " + ", ".join(told["you_have"]["columns"]), markup=False)


def _door(url: str, tenant: str, token_file: Path, key: Path) -> "Door":
    from ostiary.cli.features.talking import Door  # noqa: PLC0415 - what a verb does not need
    from ostiary.cli.token.files import holder_key, read_token  # noqa: PLC0415

    return Door(url, tenant, read_token(token_file), holder_key(key))


def _entity(text: str) -> dict[str, Any]:
    parts = [part.partition("=") for part in text.split(",")]
    if not all(name and equals for name, equals, _ in parts):
        raise FaultyInputError("usage", f"`{text[:80]}` is no entity: write KEY=VALUE")
    return {name: int(value) if value.lstrip("-").isdigit() else value for name, _, value in parts}


def _hand_out(table: Any, to: Path | None, *, json: bool) -> None:
    from ostiary.cli.features.tables import write_file  # noqa: PLC0415 - an extra of its own

    if to is not None:
        write_file(table, to)
        out.print(f"{table.num_rows} rows are in {to}", markup=False)
    elif json:
        print_json(table.to_pylist())
    else:
        print_table(f"{table.num_rows} rows", table.column_names, table.slice(0, SHOWN_ROWS).to_pylist())
