"""``ostiary signals receivers``: whom we listen to. Receivers are set up in ``ostiary.toml``, section ``ssf``."""

from typing import Annotated

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant
from ostiary.cli.signals.shared import open_signals
from ostiary.server.deeds import COMMAND_LINE, record_deed
from ostiary.server.signals_shown import shown_receiver

receivers = App(name="receivers", help="Receivers: the transmitters of other domains that are listened to.")

Name = Annotated[str, Parameter(help="The receiver's name.")]


@receivers.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List a tenant's receivers."""
    with open_signals(data, config, tenant) as (_, signals):
        mine = sorted(name for name, one in signals.intake.receivers.items() if one.tenant == tenant)
        rows = [shown_receiver(signals, tenant, name) for name in mine]
    if json:
        print_json(rows)
    else:
        print_table("receivers", ("name", "issuer", "audience", "push_url", "poll_url"), rows)


@receivers.command
def show(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Show one receiver; its secrets are never shown."""
    with open_signals(data, config, tenant) as (_, signals):
        row = shown_receiver(signals, tenant, name)
    if json:
        print_json(row)
        return
    for member, value in row.items():
        out.print(f"{member:<18} {', '.join(value) if isinstance(value, list) else value}", markup=False)


@receivers.command
def poll(
    name: Name, *, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False
) -> None:
    """Fetch what waits at a transmitter now, record it and act on it."""
    with open_signals(data, config, tenant) as (house, signals):
        shown_receiver(signals, tenant, name)
        record_deed(house, COMMAND_LINE, tenant, "signals.poll", receiver=name)
        polled = signals.poller.poll(name)
    if json:
        print_json(polled)
        return
    rows = [{"event": one.event, "subject": one.subject, "outcome": one.outcome} for one in polled.taken]
    print_table(f"from {name}", ("event", "subject", "outcome"), rows)
    for jti, code in polled.refused.items():
        out.print(f"refused {jti}: {code}", markup=False)
