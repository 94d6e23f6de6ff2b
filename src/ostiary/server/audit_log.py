"""The audit log of a house, as configured: alone in its store, or one of several writers."""

from collections.abc import Callable

from ostiary.audit import AuditLog, AuditSettings, DiskReserve
from ostiary.keys import KeyRing, SubjectVault
from ostiary.server.places import Places
from ostiary.server.replicas import Together
from ostiary.server.settings.audit import AuditSection
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

_MIB = 1 << 20


def open_log(
    places: Places,
    settings: AuditSection,
    store: Store,
    vault: SubjectVault,
    ring: KeyRing,
    clock: Clock,
    together: Together,
    on_fault: Callable[[str, BaseException], None],
) -> AuditLog:
    """Open it.

    Raises:
        UnavailableError: the store cannot be written.
        RefusedError: ``origin_changed`` when a log with entries is to be renamed.
    """
    reserve = DiskReserve(places.root, settings.reserve_mb * _MIB, settings.min_free_mb * _MIB)
    wanted = AuditSettings(
        origin=settings.origin,
        durability=settings.durability,
        reserve_mib=settings.reserve_mb,
        min_free_mib=settings.min_free_mb,
    )
    shared = together.sequencing(store)
    return AuditLog(store, vault, ring, clock, wanted, reserve, shared=shared, on_fault=on_fault)
