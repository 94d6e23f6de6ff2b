"""``ostiary rag index|sources|status|remove``: administrators, on the data directory; each deed is recorded.

A source is a folder, or a JSON or YAML file that says what the index is made of (``server.retrieval.specs``):

    {"sources": [{"kind": "feed", "name": "wiki", "path": "/srv/wiki.json"}]}
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import yaml
from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, RefusedError

if TYPE_CHECKING:
    from ostiary.pipeline.registered import Registered
    from ostiary.server.wiring import House

Name = Annotated[str, Parameter(help="The index's id.")]
MAX_FILE: Final = 262_144
TOLD_EVERY: Final = 500


def register(command: App) -> None:
    """Add the administrators' sub-verbs."""
    for verb in (index, sources, status, remove):
        command.command(verb)


def index(
    source: Annotated[Path, Parameter(help="A folder, or a JSON or YAML file with the sources.")],
    *,
    name: Name,
    sensitivity: Annotated[int, Parameter(help="0 public to 4 crown jewels: who may search at all.")] = 1,
    rebuild: Annotated[
        bool, Parameter(negative="", help="Empty the index first: after a change of the model.")
    ] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Say what would be read, and change nothing.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Register an index and read its sources now; a running server reads what changes from then on."""
    from ostiary.pipeline.registered import Registered  # noqa: PLC0415 - as `open_data`
    from ostiary.server.deeds import COMMAND_LINE, record_deed  # noqa: PLC0415

    one = Registered(type="index", id=name, sensitivity=sensitivity, spec=_spec(source))
    with open_data(data, config) as house:
        check_living(house, tenant)
        names = house.rag.check(one)  # nothing is recorded that cannot be
        if dry_run:
            told: dict[str, Any] = {"index": name, "dry_run": True, "sources": house.rag.look(one)}
        else:
            record_deed(house, COMMAND_LINE, tenant, "rag.index", index=name, sources=names, rebuild=rebuild)
            house.registry.put(tenant, one, house.clock.now_ns())
            if rebuild:
                house.rag.forget(tenant, name)
            told = {"index": name, "sources": house.rag.read(tenant, name, _progress)}
    if json:
        print_json(told)
        return
    rows = [{"source": key, **_row(value)} for key, value in told["sources"].items()]
    print_table(f"index {name}", ("source", "documents", "chunks", "rights", "gone", "skipped", "fault"), rows)


def sources(
    *, name: Name, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """List the sources of an index, and how far each has been read."""
    with open_data(data, config) as house:
        one = _find(house, tenant, name)
        states, _, _ = house.rag.states(tenant, name)
    rows = []
    for each in one.spec["sources"]:
        state = states.get(each["name"])
        told = msgspec.structs.asdict(state) if state is not None else {"fault": "not_read"}
        rows.append({"source": each["name"], "kind": each["kind"], **told})
    if json:
        print_json(rows)
    else:
        print_table(f"sources of {name}", ("source", "kind", "version", "synced_ns", "skipped", "fault"), rows)


def status(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's indexes, with how much is in them."""
    rows = []
    with open_data(data, config) as house:
        check_living(house, tenant)
        for one in house.registry.all(tenant, "index"):
            states, counts, embedder = house.rag.states(tenant, one.id)
            faults = sorted({state.fault for state in states.values() if state.fault})
            told = {"index": one.id, "sensitivity": one.sensitivity, "embedder": embedder, "faults": ", ".join(faults)}
            rows.append({**told, **msgspec.structs.asdict(counts)})
    if json:
        print_json(rows)
    else:
        print_table("indexes", ("index", "sensitivity", "documents", "chunks", "rules", "embedder", "faults"), rows)


def remove(
    *, name: Name, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Forget an index and everything in it; its sources stay as they are."""
    from ostiary.server.deeds import COMMAND_LINE, record_deed  # noqa: PLC0415

    with open_data(data, config) as house:
        _find(house, tenant, name)
        record_deed(house, COMMAND_LINE, tenant, "rag.remove", index=name)
        house.registry.remove(tenant, "index", name)
        house.rag.forget(tenant, name)
    if json:
        print_json({"removed": name})
    else:
        out.print(f"{name} is gone", markup=False)


def _spec(source: Path) -> dict[str, Any]:
    if source.is_dir():
        return {"sources": [{"kind": "filesystem", "name": "folder", "path": str(source.resolve())}]}
    try:
        with source.open("rb") as opened:
            raw = opened.read(MAX_FILE + 1)
        value = yaml.safe_load(raw) if len(raw) <= MAX_FILE else None
    except (OSError, yaml.YAMLError, RecursionError) as fault:
        raise FaultyInputError("index_invalid", f"`{source}` cannot be read: {str(fault)[:200]}") from fault
    if not isinstance(value, dict):
        raise FaultyInputError("index_invalid", f"`{source}` is no table of sources")
    return value


def _row(value: Any) -> dict[str, Any]:
    return {"fault": value} if isinstance(value, str) else msgspec.to_builtins(value)


def _progress(documents: int) -> None:
    if documents % TOLD_EVERY == 0:
        err.print(f"{documents:,} documents")


def _find(house: "House", tenant: str, name: str) -> "Registered":
    check_living(house, tenant)
    one = house.registry.get(tenant, "index", name)
    if one is None:
        raise RefusedError("index_unknown", f"there is no index `{name[:80]}`")
    return one
