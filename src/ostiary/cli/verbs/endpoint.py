"""``ostiary endpoint``: models behind the inference door: register, list, show, remove, budget, schema.

A server that runs beside sees the change in its next request.
"""

import csv
import json as json_
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.pipeline.registered import Registered
from ostiary.server.deeds import COMMAND_LINE

command = App(name="endpoint", help="Models behind the inference door.")
MAX_FILE: Final = 1 << 28
Name = Annotated[str, Parameter(help="The endpoint's id.")]
Labels = Annotated[tuple[str, ...], Parameter(negative="", help="A label, such as `high-value`; may come again.")]
BudgetText = Annotated[str, Parameter(help="So much in so many seconds, `1000/3600`.")]


def _row(one: Registered) -> dict[str, Any]:
    return {
        "endpoint": one.id,
        "model": one.spec.get("model", "")[:23],
        "url": one.spec.get("url", ""),
        "sensitivity": one.sensitivity,
        "labels": ", ".join(one.labels),
    }


@command.command
def register(
    name: Name,
    *,
    schema: Annotated[Path, Parameter(help="JSON file of what the model may be asked; `endpoint schema` makes one.")],
    url: Annotated[str, Parameter(help="Where the model answers; without it, only inside its own program.")] = "",
    model: Annotated[str, Parameter(help="The model's digest, `sha256:…` or `blake3:…`.")] = "",
    sensitivity: Annotated[int | None, Parameter(help="0 public … 4 crown jewels.")] = None,
    label: Labels = (),
    owner: Annotated[str, Parameter(help="Who answers for it, as `type:id`.")] = "",
    coarse: Annotated[str, Parameter(help="How coarse answers are: rounded, top_k or label.")] = "",
    classes: Annotated[
        tuple[str, ...], Parameter(negative="", help="Names of the classes, in the model's order.")
    ] = (),
    threshold: Annotated[float | None, Parameter(help="From which number on the second class is meant.")] = None,
    subject_budget: BudgetText = "10000/86400",
    device_budget: BudgetText = "10000/86400",
    network_budget: BudgetText = "100000/86400",
    tenant_budget: BudgetText = "1000000/86400",
    rate: BudgetText = "50/1",
    timeout_s: Annotated[float, Parameter(help="How long the model may take.")] = 10.0,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Register an endpoint, or change it whole."""
    from ostiary.server.inference.registering import register_endpoint  # noqa: PLC0415 - the server's parts

    output = {"classes": list(classes), **({} if threshold is None else {"threshold": threshold})}
    spec = {"schema": _json_file(schema), "url": url, "model": model, "output": output, "timeout_s": timeout_s}
    budgets = {
        "subject": _budget(subject_budget),
        "device": _budget(device_budget),
        "network": _budget(network_budget),
        "tenant": _budget(tenant_budget),
        "rate": _budget(rate),
    }
    told = {
        "id": name,
        "sensitivity": sensitivity,
        "labels": list(label),
        "owner": owner,
        "attributes": {"coarse_output": coarse} if coarse else {},
        "spec": {**spec, **budgets},
    }
    with open_data(data, config) as house:
        check_living(house, tenant)
        one = register_endpoint(house, COMMAND_LINE, tenant, told)
    if json:
        print_json(one)
    else:
        out.print(f"{name} answers at /pipeline/{tenant}/inference/{name}/predict", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's endpoints."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = house.registry.all(tenant, "endpoint")
    if json:
        print_json(found)
    else:
        print_table("endpoints", ("endpoint", "model", "url", "sensitivity", "labels"), map(_row, found))


@command.command
def show(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one endpoint with its schema."""
    from ostiary.server.inference.registering import find_endpoint  # noqa: PLC0415

    with open_data(data, config) as house:
        check_living(house, tenant)
        one, spec = find_endpoint(house, tenant, name)
    if json:
        print_json(one)
        return
    print_table("endpoint", ("endpoint", "model", "url", "sensitivity", "labels"), [_row(one)])
    columns = [{"column": c.name, "type": c.type, "from": c.min, "to": c.max} for c in spec.schema.columns]
    print_table("columns", ("column", "type", "from", "to"), columns)


@command.command
def remove(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Remove an endpoint; it is unknown from then on."""
    from ostiary.server.inference.registering import remove_endpoint  # noqa: PLC0415

    with open_data(data, config) as house:
        check_living(house, tenant)
        remove_endpoint(house, COMMAND_LINE, tenant, name)
    if json:
        print_json({"removed": name})
    else:
        out.print(f"{name} is gone", markup=False)


@command.command
def budget(
    name: Name,
    *,
    subject: Annotated[str, Parameter(help="A subject, as `type:id`.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show how much of an endpoint's budgets is taken, with what servers have taken ahead."""
    from ostiary.server.inference.registering import budget_of  # noqa: PLC0415

    with open_data(data, config) as house:
        check_living(house, tenant)
        told = budget_of(house, tenant, name, subject)
    if json:
        print_json(told)
        return
    rows = [{"whose": "all subjects", **told["tenant"]}]
    rows += [{"whose": subject, **told["subject"]}] if subject else []
    print_table(f"budgets of {name}", ("whose", "taken", "limit", "window_s"), rows)


@command.command
def schema(
    training: Annotated[Path, Parameter(help="Training rows: .jsonl, .csv or .parquet.")],
    *,
    drop: Annotated[tuple[str, ...], Parameter(negative="", help="A column to leave out, such as the label.")] = (),
    max_rows: Annotated[int, Parameter(help="Most rows of one request.")] = 16,
) -> None:
    """Work out from training rows what a model may be asked, and print it as JSON."""
    from ostiary.pipeline.inference.describing import describe  # noqa: PLC0415

    rows = [{name: value for name, value in row.items() if name not in drop} for row in _rows(training)]
    print_json(describe(rows, max_rows=max_rows))


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    if not path.is_file() or path.stat().st_size > MAX_FILE:
        raise FaultyInputError("file_unreadable", f"`{path}` is no file, or longer than {MAX_FILE} bytes")
    if path.suffix == ".parquet":
        from pyarrow import parquet  # noqa: PLC0415 - an extra

        yield from parquet.read_table(path).to_pylist()
        return
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            yield from ({name: _value(text) for name, text in row.items()} for row in csv.DictReader(file))
        else:
            yield from (json_.loads(line) for line in file if line.strip())


def _value(text: str | None) -> Any:
    """Return a cell of a table of texts as what it is: nothing, a boolean, a number or a text."""
    if text is None or text == "":
        return None
    if text in {"true", "false"}:
        return text == "true"
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text and "e" not in text.lower() else number


def _json_file(path: Path) -> Any:
    try:
        return json_.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise FaultyInputError("file_unreadable", f"`{path}` cannot be read as JSON") from fault


def _budget(text: str) -> dict[str, int]:
    limit, slash, window = text.partition("/")
    if not slash or not limit.isdecimal() or not window.isdecimal() or len(text) > 32:  # noqa: PLR2004
        raise FaultyInputError("budget_invalid", f"`{text[:40]}` is no budget: write `1000/3600`")
    return {"limit": int(limit), "window_s": int(window)}
