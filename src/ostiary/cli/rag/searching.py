"""``ostiary rag search``: whoever has a token searches a server; an administrator may look as somebody else would.

With ``--as`` the data directory is opened, nothing is asked of policy but its filter, and the deed is recorded: it
shows what that person would find, for finding out why.
"""

from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import out, plain, print_json
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError

TIMEOUT_S: Final = 30.0
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})
_SHOWN: Final = 300


def register(command: App) -> None:
    """Add the searchers' sub-verb."""
    command.command(search)


def search(
    query: Annotated[str, Parameter(help="What to look for.")],
    *,
    name: Annotated[str, Parameter(help="The index's id.")],
    k: Annotated[int, Parameter(help="Most passages.")] = 10,
    url: Annotated[str, Parameter(help="The server's public address.")] = "",
    token_file: Annotated[Path | None, Parameter(help="File with your token; - reads standard input.")] = None,
    key: Annotated[
        Path | None, Parameter(help="PEM file of the key to which the token is bound; none sends it bare.")
    ] = None,
    as_: Annotated[str, Parameter(name="--as", help="Instead of a server: what TYPE:ID would find.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Search an index; you find what you may read, and nothing says what else there is."""
    if bool(as_) == bool(url) or (url and token_file is None):
        raise FaultyInputError("usage", "name a server by `--url` and your `--token-file`, or somebody by `--as`")
    if as_:
        told = _as_somebody(as_, query, name, k, tenant, data, config)
    else:
        told = _ask(url, tenant, {"index": name, "query": query, "k": k}, token_file or Path("-"), key)
    if json:
        print_json(told)
        return
    for one in told["passages"]:
        out.print(f"{one['score']:.3f}  {plain(one['document'])}", style="bold", markup=False)
        out.print(plain(one["text"][:_SHOWN]), markup=False)


def _ask(url: str, tenant: str, body: dict[str, Any], token_file: Path, key: Path | None) -> dict[str, Any]:
    from ostiary.cli.token.files import holder_key, read_token  # noqa: PLC0415 - what `--as` does not need
    from ostiary.identity.exchange.proving import make_proof  # noqa: PLC0415
    from ostiary.vocabulary.clock import SystemClock  # noqa: PLC0415

    place, token = f"{url.rstrip('/')}/rag/{tenant}/search", read_token(token_file)
    headers = {"Authorization": f"Bearer {token}"}
    if key is not None:
        proof = make_proof(holder_key(key), "POST", place, SystemClock().now_ns(), token=token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
            answer = http.post(place, json=body, headers=headers)
        told = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise UnavailableError("door_unreachable", "the retrieval door did not answer") from fault
    if answer.status_code != _OK:
        raise _fault(answer.status_code, told)
    return told


def _fault(status: int, told: dict[str, Any]) -> OstiaryError:
    code, message = str(told.get("code", "door_answer_invalid"))[:64], plain(str(told.get("message", "refused"))[:300])
    if status in _REFUSED:
        return RefusedError(code, message)
    return FaultyInputError(code, message) if status < 500 else UnavailableError(code, message)  # noqa: PLR2004


def _as_somebody(
    who: str, query: str, name: str, k: int, tenant: str, data: Path | None, config: Path | None
) -> dict[str, Any]:
    from ostiary.decision.moments import CatalogueDirectory  # noqa: PLC0415 - as `open_data`
    from ostiary.rag.ports import Asker  # noqa: PLC0415
    from ostiary.server.deeds import COMMAND_LINE, record_deed  # noqa: PLC0415
    from ostiary.server.faces.rag import shown  # noqa: PLC0415

    kind, colon, ident = who.partition(":")
    if not (kind and colon and ident):
        raise FaultyInputError("usage", f"`{who[:80]}` is nobody: write TYPE:ID")
    with open_data(data, config) as house:
        check_living(house, tenant)
        if house.registry.get(tenant, "index", name) is None:
            raise RefusedError("index_unknown", f"there is no index `{name[:80]}`")
        house.policies.load(tenant)
        facts = CatalogueDirectory(house.knowledge).subject(tenant, kind, ident)
        subject = {"type": kind, "id": ident, "known": facts.known, "groups": list(facts.groups)}
        document = {"tenant": tenant, "subject": {**subject, "attributes": dict(facts.attributes)}}
        deed = record_deed(house, COMMAND_LINE, tenant, "rag.search_as", index=name, subject=who, passages=k)
        passages, record = house.rag.search(
            Asker(tenant, who, facts.groups, {}, document), name, query, k, decision=deed
        )
        return {"deed_id": deed, "retrieval_id": record, "passages": [shown(one) for one in passages]}
