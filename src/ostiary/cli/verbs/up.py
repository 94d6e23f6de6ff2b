"""``ostiary up``: serve everything embedded and supervised; the first start makes keys."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from ostiary.cli.extras import need
from ostiary.cli.output import err, out
from ostiary.cli.places import Config, Data, settings_of
from ostiary.errors import UnavailableError
from ostiary.server.addresses import local_url
from ostiary.server.places import FIRST_PEP, FirstKeys, Places, data_dir
from ostiary.server.settings.sections import Settings
from ostiary.server.supervisor import Supervisor, SupervisorSettings, bind, environment, worker_command

_GRACE_S = 8.0


def listen(settings: Settings) -> Any:
    """Return the listening socket.

    Raises:
        UnavailableError: ``address_in_use``: it cannot be had.
    """
    server = settings.server
    try:
        return bind(server.host, server.port)
    except OSError as fault:
        text = f"`{server.host}` port {server.port} cannot be listened on: {os.strerror(fault.errno or 0)}"
        raise UnavailableError("address_in_use", text) from fault


def command(
    *,
    data: Data = None,
    config: Config = None,
    host: Annotated[str | None, Parameter(help="Address to listen on.")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve everything embedded: one process, SQLite, real OPA. The first start makes keys and prints them once."""
    need("uvicorn", "structlog", "fastapi")
    values = {"server": {k: v for k, v in (("host", host), ("port", port)) if v is not None}}
    settings = settings_of(data, config, values).settings
    places = Places(data_dir(data))
    listener = listen(settings)
    values["server"]["port"] = listener.getsockname()[1]
    options = {
        "data": str(places.root.resolve()),
        "config": str(config.resolve()) if config else "",
        "values": values,
        "bootstrap": True,
    }
    url = local_url(settings_of(data, config, values).settings.server)
    keys: list[FirstKeys] = []
    supervisor = Supervisor(
        worker_command(options),
        listener,
        SupervisorSettings(drain_s=settings.server.drain_s + _GRACE_S),
        log=_log,
        on_line=lambda line: keys.append(msgspec.json.decode(line, type=FirstKeys)),
        on_ready=lambda: _welcome(url, places, keys),
        environ=environment(),
    )
    sys.exit(supervisor.run())


def _log(event: str, **members: object) -> None:
    err.print(event, *(f"{name}={value}" for name, value in members.items()), style="dim", markup=False)


def _welcome(url: str, places: Places, keys: list[FirstKeys]) -> None:
    """Print where it serves and a command that works."""
    out.print(f"Ostiary serves {url}", markup=False)
    for made in keys:
        out.print(f"  enforcement point `{FIRST_PEP}`, key shown once: {made.pep_key}", markup=False)
        out.print(f"  administrator, key shown once: {made.admin_key}", markup=False)
        out.print(f"  both lie in {places.root}, readable by you alone", markup=False)
        if made.owner_link:
            out.print(f"Open the console; this link adds your passkey, once: {made.owner_link}", markup=False)
    out.print("Ask it something:", markup=False)
    out.print(sample(url, places.pep_key), markup=False)
    sys.stdout.flush()


def sample(url: str, key_file: Path) -> str:
    """Return a ``curl`` that works."""
    body = (
        '{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},'
        '"resource":{"type":"document","id":"handbook"}}'
    )
    return (
        f'  curl -s {url}/access/v1/evaluation -H "Authorization: Bearer $(cat {key_file})" \\\n'
        f"    -H 'Content-Type: application/json' -d '{body}'"
    )
