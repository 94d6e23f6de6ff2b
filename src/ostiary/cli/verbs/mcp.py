"""``ostiary mcp``: wrap a local MCP server so that the gateway judges it; approve definitions; show what is configured.

- ``wrap`` stands in an MCP client's configuration in the place of the server's own command. What cannot be judged is
  refused.
- ``pins`` prints the digests of a server's tools as they are now: whoever keeps them has looked at the tools.
"""

import sys
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from ostiary.cli.output import err, print_json, print_table
from ostiary.cli.places import Config, Json
from ostiary.cli.signing_in import DEFAULT_LOGIN, Login, login_folder
from ostiary.errors import FaultyInputError
from ostiary.vocabulary.clock import SystemClock

command = App(name="mcp", help="MCP servers behind the gateway's proxy.")

_CONNECTION_BYTES: Final = 16


@command.command
def wrap(
    *run: Annotated[str, Parameter(allow_leading_hyphen=True, help="The server's command.")],
    url: Annotated[str, Parameter(help="The gateway's public address.")],
    server: Annotated[str, Parameter(help="The server's name in the gateway's settings.")],
    tenant: Annotated[str, Parameter(help="Tenant.")] = "default",
    as_: Login = DEFAULT_LOGIN,
) -> None:
    """Run an MCP server that speaks over its standard streams; every message is judged by the gateway, as you."""
    from ostiary.cli.device.talking import check_url  # noqa: PLC0415 - what other verbs do not need
    from ostiary.identity.login.session import SignedIn  # noqa: PLC0415
    from ostiary.identity.login.store import LoginStore  # noqa: PLC0415
    from ostiary.identity.login.talking import HttpTalk  # noqa: PLC0415
    from ostiary.keys import random_bytes  # noqa: PLC0415
    from ostiary.server.mcp.judging import Judge  # noqa: PLC0415
    from ostiary.server.mcp.running import run as run_server  # noqa: PLC0415
    from ostiary.server.settings.mcp import check_server_name  # noqa: PLC0415
    from ostiary.vocabulary.ids import check_tenant  # noqa: PLC0415

    if not run:
        raise FaultyInputError("command_unknown", "give the server's command after `--`")
    path = f"{check_url(url)}/mcp/{check_tenant(tenant)}/{check_server_name(server)}/guard"
    identity = SignedIn(LoginStore(login_folder(as_)), HttpTalk(), SystemClock())
    judge = Judge(path, random_bytes(_CONNECTION_BYTES).hex(), identity)
    sys.exit(run_server(run, judge, lambda text: err.print(text, markup=False)))


@command.command
def pins(
    url: Annotated[str, Parameter(help="Where the server answers streamable HTTP.")],
    *,
    token_file: Annotated[Path | None, Parameter(help="File with the token that the server wants.")] = None,
) -> None:
    """Print the digest of each tool's definition, as the settings' `pins` file wants it. Look at the tools first."""
    from ostiary.cli.device.talking import check_url  # noqa: PLC0415
    from ostiary.keys.files import read_private  # noqa: PLC0415
    from ostiary.server.mcp.listing import pins_from  # noqa: PLC0415

    token = "" if token_file is None else read_private(token_file).decode("ascii", "replace").strip()
    print_json(pins_from(check_url(url), token))


@command.command(name="list")
def list_(*, config: Config = None, json: Json = False) -> None:
    """Show the configured servers."""
    from ostiary.server.settings import load  # noqa: PLC0415

    rows = [
        {
            "server": name,
            "at": one.url or "ostiary mcp wrap",
            "tenants": list(one.tenants),
            "sensitivity": one.sensitivity,
            "manifest": one.manifest is not None,
            "pins": one.pins is not None,
        }
        for name, one in sorted(load(config).settings.mcp.servers.items())
    ]
    if json:
        print_json(rows)
        return
    print_table("MCP servers", ["server", "at", "tenants", "sensitivity", "manifest", "pins"], rows)
