"""``ostiary migrate``: bring the store's schema up to date, or say what that would do."""

from typing import Annotated

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json
from ostiary.cli.places import Config, Data, Json, settings_of
from ostiary.server.places import Places, data_dir
from ostiary.server.storing import open_store, pending
from ostiary.vocabulary.clock import SystemClock

command = App(name="migrate", help="Bring the store's schema up to date.")


@command.default
def migrate(
    *,
    data: Data = None,
    config: Config = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Only say what would be run.")] = False,
    json: Json = False,
) -> None:
    """Run the migrations that have not run yet, all or none of them.

    Every verb that opens a store does so by itself. On PostgreSQL they run as whom `store.url` names, who then needs
    rights that a server's own login need not have.
    """
    places, settings = Places(data_dir(data)), settings_of(data, config).settings.store
    steps = pending(places, settings)
    if steps and not dry_run:
        open_store(places, settings, SystemClock()).close()
    if json:
        told = [{"version": one.version, "name": one.name, "digest": one.digest} for one in steps]
        print_json({"backend": settings.backend, "dry_run": dry_run, "migrations": told})
        return
    for one in steps:
        out.print(f"{one.version:04d} {one.name}{' would be run' if dry_run else ''}", markup=False)
    if not steps:
        out.print("the schema is up to date")
