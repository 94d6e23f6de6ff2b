"""``ostiary rag``: indexes whose documents keep the rights of their sources, and searches as whoever signed in.

- ``index``, ``sources``, ``status`` and ``remove`` are an administrator's, against the data directory, and recorded.
- ``search`` asks a running server with the person's own token: nobody searches as somebody else.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import err, out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.cli.signing_in import DEFAULT_LOGIN, Login, login_folder
from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.vocabulary.clock import SystemClock

if TYPE_CHECKING:
    from ostiary.server.wiring import House

command = App(name="rag", help="Retrieval under the asker's own rights.")

Name = Annotated[str, Parameter(help="The index's id.")]
_OK: Final = 200
_FORBIDDEN: Final = frozenset({401, 403})
_MAX_SPEC: Final = 1_048_576
_MAX_ANSWER: Final = 16_777_216
_TIMEOUT_S: Final = 30.0
_SHOWN: Final = 160


@command.command
def index(
    name: Name,
    *,
    folder: Annotated[Path | None, Parameter(help="A folder whose files keep their modes and ACLs.")] = None,
    spec: Annotated[Path | None, Parameter(help="JSON file with `sources`, for anything else.")] = None,
    confidentiality: Annotated[int, Parameter(help="Of the folder's files, 0 public … 4 crown jewels.")] = 0,
    sensitivity: Annotated[int, Parameter(help="Of the index, 0 … 4.")] = 1,
    dry_run: Annotated[bool, Parameter(negative="", help="Check it and say what would be read; do nothing.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Register an index, or change it, and read its sources; without a source, read those it has anew."""
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415 - the server's parts
    from ostiary.server.retrieval.registering import read_index, register_index  # noqa: PLC0415

    told = _told(name, folder, spec, confidentiality, sensitivity)
    with open_data(data, config) as house:
        check_living(house, tenant)
        if dry_run:
            checked = None if told is None else read_index(house, told)
            _say({"index": name, "sources": house.rag.check(checked) if checked else []}, json=json)
            return
        if told is not None:
            register_index(house, COMMAND_LINE, tenant, told)
        _say({"index": name, "read": _read(house, tenant, name)}, json=json)


@command.command
def sources(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's indexes and their sources."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        found = [
            {"index": one.id, "source": source.get("name"), "kind": source.get("kind"), "sensitivity": one.sensitivity}
            for one in house.registry.all(tenant, "index")
            for source in one.spec.get("sources", ())
        ]
    if json:
        print_json(found)
    else:
        print_table("indexes", ("index", "source", "kind", "sensitivity"), found)


@command.command
def status(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show how far an index's sources are read, and how much it holds."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        if house.registry.get(tenant, "index", name) is None:
            raise RefusedError("index_unknown", f"there is no index `{name[:80]}`")
        states, counts, embedder = house.rag.states(tenant, name)
    told = {"index": name, "embedder": embedder, **msgspec.structs.asdict(counts), "sources": states}
    if json:
        print_json(told)
        return
    out.print(
        f"{counts.documents} documents, {counts.chunks} passages, vectors by {embedder or 'nobody'}", markup=False
    )
    rows = [{"source": source, **msgspec.structs.asdict(state)} for source, state in states.items()]
    print_table("sources", ("source", "version", "fault", "skipped"), rows)


@command.command
def remove(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Remove an index and erase what it holds."""
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415
    from ostiary.server.retrieval.registering import remove_index  # noqa: PLC0415

    with open_data(data, config) as house:
        check_living(house, tenant)
        remove_index(house, COMMAND_LINE, tenant, name)
    _say({"removed": name}, json=json)


@command.command
def search(
    query: Annotated[str, Parameter(help="What to look for; - reads standard input.")],
    *,
    index: Name,
    url: Annotated[str, Parameter(help="The server's public address.")],
    k: Annotated[int, Parameter(help="Most passages.")] = 10,
    as_: Login = DEFAULT_LOGIN,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Search as whoever signed in (`ostiary login`)."""
    text = sys.stdin.read() if query == "-" else query
    told = _ask(url, tenant, {"index": index, "query": text, "k": k}, as_)
    if json:
        print_json(told)
        return
    for one in told["passages"]:
        shown = " ".join(str(one["text"]).split())[:_SHOWN]
        out.print(f"{one['score']:.3f}  {one['document']}  {shown}", markup=False)


def _told(
    name: str, folder: Path | None, spec: Path | None, confidentiality: int, sensitivity: int
) -> dict[str, Any] | None:
    if folder is not None and spec is not None:
        raise FaultyInputError("usage", "give a folder or a spec, not both")
    if folder is None and spec is None:
        return None
    if spec is not None:
        try:
            whole = msgspec.json.decode(spec.read_bytes()[: _MAX_SPEC + 1])
        except (OSError, msgspec.DecodeError) as fault:
            raise FaultyInputError("index_invalid", f"`{spec}` is no JSON file that can be read") from fault
    else:
        one = {"kind": "filesystem", "name": "folder", "path": str(folder.resolve()) if folder else ""}
        whole = {"sources": [{**one, "confidentiality": confidentiality}]}
    return {"id": name, "sensitivity": sensitivity, "spec": whole}


def _read(house: "House", tenant: str, name: str) -> dict[str, Any]:
    def progress(done: int) -> None:
        err.print(f"{done} documents read", end="\r", markup=False)

    found = house.rag.read(tenant, name, progress)
    return {source: one if isinstance(one, str) else msgspec.structs.asdict(one) for source, one in found.items()}


def _ask(url: str, tenant: str, body: dict[str, Any], login: str) -> dict[str, Any]:
    import httpx  # noqa: PLC0415 - a third of a second that other commands do not need

    from ostiary.cli.device.talking import check_url  # noqa: PLC0415
    from ostiary.identity.login.session import SignedIn  # noqa: PLC0415
    from ostiary.identity.login.store import LoginStore  # noqa: PLC0415
    from ostiary.identity.login.talking import HttpTalk  # noqa: PLC0415

    address = f"{check_url(url)}/rag/{tenant}/search"
    headers = SignedIn(LoginStore(login_folder(login)), HttpTalk(), SystemClock()).headers("POST", address)
    try:
        answer = httpx.post(address, json=body, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False)
        told = answer.json() if len(answer.content) <= _MAX_ANSWER else None
    except (httpx.HTTPError, ValueError) as fault:
        raise UnavailableError("server_unavailable", f"`{address}` does not answer: {type(fault).__name__}") from fault
    if not isinstance(told, dict):
        raise UnavailableError("server_unavailable", f"`{address}` answers something else than a server of ours")
    if answer.status_code != _OK:
        code, text = str(told.get("code", "refused"))[:64], str(told.get("message", "the server refused"))[:300]
        raise (RefusedError if answer.status_code in _FORBIDDEN else UnavailableError)(code, text)
    return told


def _say(told: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(told)
        return
    for name, value in told.items():
        out.print(f"{name}: {value}", markup=False)
