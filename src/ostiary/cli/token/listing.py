"""``ostiary token list``: what became of tokens, newest first, from the log."""

from typing import Annotated

from cyclopts import App, Parameter

from ostiary.cli.output import print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data


def mount(command: App) -> None:
    """Add the verb."""
    command.command(list_, name="list")


def list_(
    *,
    resource: Annotated[str, Parameter(help="Only tokens for the resource of this id.")] = "",
    subject: Annotated[str, Parameter(help="Only those of this subject, type:id.")] = "",
    limit: Annotated[int, Parameter(help="How many, newest first.")] = 50,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """List tokens that were exchanged, minted or taken back; never a token itself."""
    from ostiary.server.lineage.tokens import newest_tokens  # noqa: PLC0415 - as `open_data`

    with open_data(data, config) as house:
        check_living(house, tenant)
        found = newest_tokens(house, tenant, limit=max(1, limit), resource=resource, subject=subject).found
    if json:
        print_json(list(found))
        return
    rows = [
        {**one, "resource": (one.get("detail") or {}).get("identifier", ""), "token": one.get("token_id", "")}
        for one in found
    ]
    print_table("tokens", ("record_id", "action", "subject", "resource", "token"), rows)
