"""``ostiary features register|list|show|remove``: administrators, on the data directory; each deed is recorded.

A file for ``register`` is YAML or JSON: ``id``, ``sensitivity``, ``labels``, ``owner``, ``attributes`` and ``spec``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import yaml
from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, RefusedError

if TYPE_CHECKING:
    from ostiary.pipeline.registered import Registered
    from ostiary.server.wiring import House

SetId = Annotated[str, Parameter(help="The feature set's id.")]
MAX_FILE: Final = 262_144


def register(command: App) -> None:
    """Add the administrators' sub-verbs."""
    command.command(register_, name="register")
    command.command(list_, name="list")
    for verb in (show, remove):
        command.command(verb)


def register_(
    file: Annotated[Path, Parameter(help="YAML or JSON file.")],
    *,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Register a feature set, or change it."""
    from ostiary.server.deeds import COMMAND_LINE, record_deed  # noqa: PLC0415 - as `open_data`
    from ostiary.server.features import open_features  # noqa: PLC0415

    one = _read(file)
    with open_data(data, config) as house:
        check_living(house, tenant)
        door = open_features(house, ready=0)
        spec = door.check(tenant, one)  # nothing is recorded that cannot be
        told = {"feature_set": one.id, "columns": list(spec.names), "tags": {n: list(spec.tags(n)) for n in spec.names}}
        record_deed(house, COMMAND_LINE, tenant, "features.register", **told)
        door.register(tenant, one, house.clock.now_ns())
    if json:
        print_json(told)
    else:
        out.print(f"{one.id} is registered with {len(spec.names)} columns", markup=False)


def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's feature sets."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        rows = [_row(one) for one in house.registry.all(tenant, "feature_set")]
    if json:
        print_json(rows)
    else:
        print_table("feature sets", ("id", "columns", "offline", "online", "sensitivity", "labels"), rows)


def show(
    feature_set: SetId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one feature set with its columns, tags and closures."""
    with open_data(data, config) as house:
        one = _find(house, tenant, feature_set)
    if json:
        print_json(one)
        return
    columns: dict[str, Any] = one.attributes.get("columns", {})
    rows = [
        {"column": name, "tags": ", ".join(told["tags"]), "reads": ", ".join(told["reads"])}
        for name, told in columns.items()
    ]
    print_table(one.id, ("column", "tags", "reads"), rows)


def remove(
    feature_set: SetId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Forget a feature set and its online values; what lies in its files or tables stays there."""
    from ostiary.server.deeds import COMMAND_LINE, record_deed  # noqa: PLC0415
    from ostiary.server.features import open_features  # noqa: PLC0415

    with open_data(data, config) as house:
        _find(house, tenant, feature_set)
        record_deed(house, COMMAND_LINE, tenant, "features.remove", feature_set=feature_set)
        open_features(house, ready=0).forget(tenant, feature_set)
    if json:
        print_json({"removed": feature_set})
    else:
        out.print(f"{feature_set} is gone", markup=False)


def _read(file: Path) -> "Registered":
    from ostiary.pipeline.registered import Registered  # noqa: PLC0415

    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE + 1)
        if len(raw) > MAX_FILE:
            raise FaultyInputError("feature_set_invalid", f"`{file}` is longer than {MAX_FILE} bytes")
        value = yaml.safe_load(raw)
        return msgspec.convert({**value, "type": "feature_set"}, Registered)
    except (OSError, yaml.YAMLError, msgspec.ValidationError, TypeError, RecursionError) as fault:
        raise FaultyInputError("feature_set_invalid", f"`{file}` is no feature set: {str(fault)[:200]}") from fault


def _row(one: "Registered") -> dict[str, Any]:
    spec = one.spec
    return {
        "id": one.id,
        "columns": len(one.attributes.get("columns", {})),
        "offline": spec.get("offline", {}).get("kind", ""),
        "online": bool(spec.get("online")),
        "sensitivity": one.sensitivity,
        "labels": ", ".join(one.labels),
    }


def _find(house: "House", tenant: str, name: str) -> "Registered":
    check_living(house, tenant)
    one = house.registry.get(tenant, "feature_set", name)
    if one is None:
        raise RefusedError("feature_set_unknown", f"there is no feature set `{name[:80]}`")
    return one
