"""The ``--data``, ``--config`` and ``--tenant`` that many verbs share, and opening a data directory for them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ostiary.cli.output import err
from ostiary.errors import RefusedError
from ostiary.server.places import Places, data_dir
from ostiary.server.settings import Loaded, load
from ostiary.vocabulary.clock import SystemClock

if TYPE_CHECKING:
    from ostiary.server.wiring import House

Data = Annotated[Path | None, Parameter(help="Data directory. Default: $OSTIARY_DATA, else ./.ostiary.")]
Config = Annotated[Path | None, Parameter(help="Configuration file. Default: ostiary.toml in the data directory.")]
Tenant = Annotated[str, Parameter(help="Tenant.")]
Proposal = Annotated[str, Parameter(help="What people agreed to; needed where the tenant has people.")]
Json = Annotated[bool, Parameter(negative="", help="Machine-readable output.")]


def settings_of(data: Path | None, config: Path | None, values: dict[str, Any] | None = None) -> Loaded:
    """Load the configuration of a data directory."""
    return load(config or Places(data_dir(data)).settings, options=values)


def open_data(data: Path | None, config: Path | None = None, *, bundle: Path | None = None) -> "House":
    """Open a data directory; faults go to stderr in words."""
    from ostiary.server.wiring import open_house  # noqa: PLC0415 - half a second that not every verb needs

    places = Places(data_dir(data))
    settings = settings_of(data, config).settings

    def on_fault(reason: str, fault: BaseException) -> None:
        err.print(f"{reason}: {fault}", style="yellow", markup=False)

    return open_house(places, settings, SystemClock(), on_fault, bundle=bundle)


def check_living(house: "House", tenant: str) -> None:
    """Check that a tenant is there; a deleted one is as unknown as one that never was.

    Raises:
        RefusedError: ``tenant_unknown``.
    """
    if house.tenants.find(tenant) is None:
        raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
