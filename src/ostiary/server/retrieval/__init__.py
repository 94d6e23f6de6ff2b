"""Retrieval in the server: which indexes and sources there are, who searches, and the record of what was found."""

from collections.abc import Callable
from contextlib import ExitStack

from ostiary.audit import AuditLog
from ostiary.pipeline.registered import Registry
from ostiary.server.places import Places
from ostiary.server.policies import Policies
from ostiary.server.retrieval.room import RagRoom
from ostiary.server.settings.rag import RagSection
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

__all__ = ["RagRoom", "open_rag"]


def open_rag(
    places: Places,
    settings: RagSection,
    store: Store,
    policies: Policies,
    log: AuditLog,
    clock: Clock,
    on_fault: Callable[[str, BaseException], None],
    opening: ExitStack,
) -> RagRoom:
    """Return the room of retrieval, closed with ``opening``; nothing of it is opened before it is used."""
    room = RagRoom(places, settings, store.rag, Registry(store.snapshots), policies, log, clock, on_fault)
    opening.callback(room.close)
    return room
