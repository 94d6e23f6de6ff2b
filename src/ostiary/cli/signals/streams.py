"""``ostiary signals streams``: who listens to us, and how delivery stands.

A running server delivers what is put here; a change holds there within a second.
"""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant
from ostiary.cli.signals.shared import open_signals
from ostiary.errors import RefusedError
from ostiary.response.ssf.desk import Caller
from ostiary.response.ssf.streams import ENABLED, PAUSED, POLL, PUSH
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.signalling import secret_of
from ostiary.server.signals_shown import shown_stream

streams = App(name="streams", help="Streams: who is told what happens to sessions here.")

StreamId = Annotated[str, Parameter(help="The stream's id, `str_…`.")]
_COLUMNS = ("stream_id", "owner", "status", "method", "waiting", "dropped", "reason")


def _row(row: dict[str, Any]) -> dict[str, object]:
    return {**row, "method": "push" if row["method"] == PUSH else "poll"}


@streams.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's streams, oldest first."""
    with open_signals(data, config, tenant) as (house, signals):
        found = signals.desk.listed(Caller(tenant, COMMAND_LINE))
        rows = [shown_stream(signals, house, stream) for stream in found]
    if json:
        print_json(rows)
    else:
        print_table("streams", _COLUMNS, map(_row, rows))


@streams.command
def show(
    stream_id: StreamId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one stream; the authorisation of its pushes is never shown."""
    with open_signals(data, config, tenant) as (house, signals):
        row = shown_stream(signals, house, signals.desk.find(Caller(tenant, COMMAND_LINE), stream_id))
    _tell(row, json=json)


@streams.command
def create(
    owner: Annotated[str, Parameter(help="The enforcement point whose stream it is.")],
    *,
    push: Annotated[str, Parameter(help="Address to push to; without one the receiver polls.")] = "",
    authorization_file: Annotated[Path | None, Parameter(help="File with the header to send with each push.")] = None,
    event: Annotated[tuple[str, ...], Parameter(negative="", help="Event type by URI; none takes all.")] = (),
    audience: Annotated[str, Parameter(help="The `aud` of its tokens; the owner's id when left out.")] = "",
    description: Annotated[str, Parameter(help="What it is for.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Set up a stream for an enforcement point."""
    secret = secret_of(authorization_file) if authorization_file else ""
    delivery = {"method": PUSH, "endpoint_url": push, "authorization_header": secret} if push else {"method": POLL}
    asked = {"delivery": delivery, "description": description, **({"events_requested": list(event)} if event else {})}
    with open_signals(data, config, tenant) as (house, signals):
        if owner not in {pep.pep_id for pep in house.store.peps.of_tenant(tenant)}:
            raise RefusedError("pep_unknown", f"there is no enforcement point `{owner[:80]}`")
        stream = signals.desk.create(Caller(tenant, COMMAND_LINE), asked, owner, audience)
        row = shown_stream(signals, house, stream)
    _tell(row, json=json)


@streams.command
def pause(
    stream_id: StreamId,
    *,
    reason: Annotated[str, Parameter(help="Why; the receiver is told.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Pause a stream; what it has to tell is kept, up to a bound."""
    with open_signals(data, config, tenant) as (house, signals):
        stream = signals.desk.set_status(Caller(tenant, COMMAND_LINE), stream_id, PAUSED, reason)
        row = shown_stream(signals, house, stream)
    _tell(row, json=json)


@streams.command
def enable(
    stream_id: StreamId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Let a stream go on."""
    with open_signals(data, config, tenant) as (house, signals):
        stream = signals.desk.set_status(Caller(tenant, COMMAND_LINE), stream_id, ENABLED, "")
        row = shown_stream(signals, house, stream)
    _tell(row, json=json)


@streams.command
def delete(
    stream_id: StreamId, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Delete a stream and all that waits for it."""
    with open_signals(data, config, tenant) as (_, signals):
        signals.desk.delete(Caller(tenant, COMMAND_LINE), stream_id)
    if json:
        print_json({"deleted": stream_id})
    else:
        out.print(f"{stream_id} is gone", markup=False)


@streams.command
def verify(
    stream_id: StreamId,
    *,
    state: Annotated[str, Parameter(help="What the event carries, for whoever compares.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Send a verification event over a stream."""
    with open_signals(data, config, tenant) as (_, signals):
        signals.desk.verify(Caller(tenant, COMMAND_LINE), stream_id, state)
    if json:
        print_json({"stream_id": stream_id, "state": state})
    else:
        out.print(f"a verification event waits for {stream_id}", markup=False)


def _tell(row: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(row)
        return
    for member, value in row.items():
        if value not in {None, "", 0} if not isinstance(value, list) else value:
            out.print(f"{member:<17} {', '.join(value) if isinstance(value, list) else value}", markup=False)
