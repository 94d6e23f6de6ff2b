"""``ostiary train proxy``: the egress proxy by itself, beside a run that another wall holds (Kubernetes).

It prints one JSON object a connection, until it is told to end.
"""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.output import err
from ostiary.errors import FaultyInputError
from ostiary.pipeline.training.accounts import Connection
from ostiary.pipeline.training.standing import MAX_CONFIG, ProxyConfig, StandingProxy, read_config
from ostiary.vocabulary.clock import SystemClock


def proxy(
    *,
    config: Annotated[Path, Parameter(help="File with `run`, `tenant`, `listen`, `rules`, `max_upload_bytes`.")],
) -> None:
    """Let a run call the listed places, and nobody else."""
    told = read_config(_read(config))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_told: ended.set())
    with StandingProxy(told, SystemClock(), lambda entry: _print(told, entry), _fault) as standing:
        err.print(f"listening on port {standing.port} for {told.run}, {len(told.rules)} places", markup=False)
        ended.wait()


def mount(command: App) -> None:
    """Put it into ``ostiary train``."""
    command.command(proxy)


def _print(config: ProxyConfig, entry: Connection) -> None:
    line = {"run": config.run, "tenant": config.tenant, **msgspec.to_builtins(entry)}
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def _fault(reason: str, fault: BaseException) -> None:
    err.print(f"{reason}: {fault}", style="yellow", markup=False)


def _read(place: Path) -> bytes:
    try:
        with place.open("rb") as file:
            return file.read(MAX_CONFIG + 1)
    except OSError as fault:
        raise FaultyInputError("file_unreadable", f"`{place}` cannot be read: {fault.strerror}") from fault
