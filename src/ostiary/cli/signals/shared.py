"""What the parts of ``ostiary signals`` share: opening a data directory with its signals, for a living tenant."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ostiary.cli.places import open_data
from ostiary.errors import RefusedError
from ostiary.server.signalling import SharedSignals, shared_signals
from ostiary.server.wiring import House


@contextmanager
def open_signals(data: Path | None, config: Path | None, tenant: str) -> Iterator[tuple[House, SharedSignals]]:
    """Open both.

    Raises:
        RefusedError: ``tenant_unknown``.
    """

    def on_fault(_reason: str, fault: BaseException) -> None:
        raise fault  # nothing runs beside a command: what fails is its own end

    with open_data(data, config) as house:
        if house.tenants.find(tenant) is None:
            raise RefusedError("tenant_unknown", f"there is no tenant `{tenant[:80]}`")
        yield house, shared_signals(house, on_fault)
