"""``ostiary dataset register|list|show|remove|budget``: administrators, on the data directory."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, open_data
from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.identity.exchange.issuing import session_of
from ostiary.pipeline.datasets.book import Dataset
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import DatasetParts, open_datasets
from ostiary.server.datasets.tending import register as register_one
from ostiary.server.datasets.tending import remove as remove_one
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.wiring import House

DatasetId = Annotated[str, Parameter(help="The dataset's id.")]
Many = Annotated[tuple[str, ...], Parameter(negative="")]
_MAX_KEY = 16_384


def register(command: App) -> None:
    """Add these verbs."""
    command.command(add, name="register")
    command.command(list_, name="list")
    for verb in (show, remove, budget):
        command.command(verb)


def living(house: House, tenant: str) -> None:
    """Refuse a tenant that is not there.

    Raises:
        RefusedError: ``tenant_unknown``.
    """
    if house.tenants.find(tenant) is None:
        raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")


def shown(parts: DatasetParts, dataset: Dataset) -> dict[str, Any]:
    """Return a dataset for a table or as JSON."""
    try:
        digest = parts.book.manifest_of(dataset.tenant, dataset.id).digest
    except VerificationError:
        digest = ""
    return {
        "dataset": dataset.id,
        "sensitivity": dataset.registered.sensitivity,
        "labels": dataset.registered.labels,
        "owner": dataset.registered.owner,
        "manifest": parts.book.manifest_state(dataset),
        "digest": digest,
        **msgspec.to_builtins(dataset.spec),
    }


def _producers(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        name, _, path = one.partition("=")
        try:
            with Path(path).open("rb") as file:
                found[name] = file.read(_MAX_KEY).decode("ascii")
        except (OSError, UnicodeDecodeError) as fault:
            text = f"`{one[:80]}` is no producer: use NAME=FILE with the file of a public key"
            raise FaultyInputError("usage", text) from fault
    return found


def add(
    dataset: DatasetId,
    store: Annotated[str, Parameter(help="file:///folder, s3://bucket, gs://bucket or az://account/container.")],
    *,
    prefix: Annotated[str, Parameter(help="Folder inside the store.")] = "",
    credentials: Annotated[
        str, Parameter(help="Where the store's secret is kept: env:OSTIARY_DATASET_… or file:NAME.")
    ] = "",
    endpoint: Annotated[str, Parameter(help="Another server that speaks the store's protocol.")] = "",
    region: Annotated[str, Parameter(help="Region of an S3 bucket.")] = "",
    purpose: Annotated[Many, Parameter(help="What it may be read for; repeat.")] = (),
    stage: Annotated[Many, Parameter(help="Stage that may read it; repeat.")] = (),
    produced_by: Annotated[Many, Parameter(help="Stage that may write it; repeat.")] = (),
    producer: Annotated[Many, Parameter(help="NAME=FILE, whose key signs its manifest; repeat.")] = (),
    verified: Annotated[bool, Parameter(negative="", help="Hand out only what agrees with a signed manifest.")] = False,
    max_read_bytes: Annotated[int, Parameter(help="Most bytes of one read; 0 for no bound.")] = 0,
    max_object_bytes: Annotated[int, Parameter(help="Largest object that is taken in; 0 for the door's bound.")] = 0,
    sensitivity: Annotated[int | None, Parameter(help="0 public … 4 crown jewels.")] = None,
    label: Annotated[Many, Parameter(help="Label for policy; repeat.")] = (),
    owner: Annotated[str, Parameter(help="Who answers for it, type:id.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Register a dataset, or change it."""
    spec = {
        "store": store,
        "prefix": prefix,
        "credentials": credentials,
        "endpoint": endpoint,
        "region": region,
        "purposes": purpose,
        "stages": stage,
        "produced_by": produced_by,
        "producers": _producers(producer),
        "reads": "verified" if verified else "any",
        "max_read_bytes": max_read_bytes,
        "max_object_bytes": max_object_bytes,
    }
    wanted = Registered(type="dataset", id=dataset, sensitivity=sensitivity, labels=label, owner=owner, spec=spec)
    with open_data(data, config) as house:
        living(house, tenant)
        parts = open_datasets(house)
        register_one(house, parts, COMMAND_LINE, tenant, wanted)
        row = shown(parts, parts.book.find(tenant, dataset))
    if json:
        print_json(row)
    else:
        out.print(f"{dataset} is registered: {row['store']}", markup=False)


def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's datasets."""
    with open_data(data, config) as house:
        living(house, tenant)
        parts = open_datasets(house)
        rows = [shown(parts, one) for one in parts.book.all(tenant)]
    if json:
        print_json(rows)
    else:
        print_table("datasets", ("dataset", "store", "prefix", "sensitivity", "reads", "manifest"), rows)


def show(
    dataset: DatasetId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one dataset."""
    with open_data(data, config) as house:
        living(house, tenant)
        parts = open_datasets(house)
        row = shown(parts, parts.book.find(tenant, dataset))
    if json:
        print_json(row)
        return
    for name, value in row.items():
        out.print(f"{name:18} {value}", markup=False)


def remove(
    dataset: DatasetId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Forget a dataset; its objects stay where they are."""
    with open_data(data, config) as house:
        living(house, tenant)
        remove_one(house, open_datasets(house), COMMAND_LINE, tenant, dataset)
    if json:
        print_json({"removed": dataset})
    else:
        out.print(f"{dataset} is gone", markup=False)


def budget(
    token: Annotated[str, Parameter(help="The token's id, its `jti`.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Show what was read with a token that has a budget."""
    with open_data(data, config) as house:
        living(house, tenant)
        used = house.store.dataset_budgets.used(tenant, session_of(token))
    if json:
        print_json(used)
    else:
        out.print(f"{used.bytes} bytes of {used.objects} objects", markup=False)
