"""Chooses what the replicas share, by the settings."""

from collections.abc import Callable
from contextlib import ExitStack

from ostiary.server.settings.valkey import ValkeySection
from ostiary.server.shared.alone import Alone
from ostiary.server.shared.ports import Shared
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

_MS = 1000


def open_shared(
    settings: ValkeySection,
    store: Store,
    clock: Clock,
    on_fault: Callable[[str, BaseException], None],
    opening: ExitStack,
) -> Shared:
    """Return what is shared, over ``store`` already; it is closed with ``opening``.

    Valkey need not be there: without it the house is degraded, and says so.

    Raises:
        FaultyInputError: ``valkey_url_invalid`` or ``tls_invalid``.
    """
    if not settings.on:
        return Alone(clock)
    from ostiary.server.shared.replicated import Replicated  # noqa: PLC0415 - one process needs none of it
    from ostiary.storage.valkey.address import read_address, tls_for  # noqa: PLC0415 - the same
    from ostiary.storage.valkey.link import Limits, Link  # noqa: PLC0415 - the same

    address = read_address(settings.url.get_secret_value())
    tls = tls_for(settings.ca, settings.cert, settings.key) if address.tls else None
    limits = Limits(settings.connect_ms / _MS, settings.answer_ms / _MS, settings.connections)
    shared = Replicated(Link(address, tls, limits), settings, store, clock, on_fault)
    opening.callback(shared.close)
    shared.look()
    shared.over(store)
    return shared
