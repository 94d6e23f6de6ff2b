"""Chooses what the replicas share, by the settings."""

from collections.abc import Callable
from contextlib import ExitStack

from ostiary.keys import SubjectVault
from ostiary.server.settings.sections import Settings
from ostiary.server.shared.alone import Alone
from ostiary.server.shared.over_store import OverStore
from ostiary.server.shared.ports import Shared
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

_MS = 1000


def open_shared(
    settings: Settings,
    store: Store,
    vault: SubjectVault,
    clock: Clock,
    on_fault: Callable[[str, BaseException], None],
    opening: ExitStack,
) -> Shared:
    """Return what is shared, over ``store`` already; it is closed with ``opening``.

    Valkey need not be there: without it the house is degraded, and says so.

    Raises:
        FaultyInputError: ``valkey_url_invalid`` or ``tls_invalid``.
    """
    if not settings.valkey.on:
        return OverStore(store, vault, clock, settings.replicas.session_lag_ms) if settings.several else Alone(clock)
    from ostiary.server.shared.replicated import Replicated  # noqa: PLC0415 - one process needs none of it
    from ostiary.storage.valkey.address import read_address, tls_for  # noqa: PLC0415 - the same
    from ostiary.storage.valkey.link import Limits, Link  # noqa: PLC0415 - the same

    valkey = settings.valkey
    address = read_address(valkey.url.get_secret_value())
    tls = tls_for(valkey.ca, valkey.cert, valkey.key) if address.tls else None
    limits = Limits(valkey.connect_ms / _MS, valkey.answer_ms / _MS, valkey.connections)
    shared = Replicated(Link(address, tls, limits), valkey, store, clock, on_fault)
    opening.callback(shared.close)
    shared.look()
    shared.over(store)
    return shared
