"""The room of behavioural biometrics, opened: the book always (a person's rights need no model), the rest if it is on.

Nothing that needs numpy is imported before somebody switched it on.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from ostiary.biometrics.book import TemplateBook
from ostiary.keys import EnvelopeKeys, VerifyingKey
from ostiary.server.conversations import open_wrapper
from ostiary.server.places import Places
from ostiary.server.settings import Settings
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

if TYPE_CHECKING:
    from ostiary.server.biometrics.room import BiometricsRoom
    from ostiary.server.wiring import House

OnFault = Callable[[str, BaseException], None]


def open_book(places: Places, settings: Settings, store: Store, clock: Clock) -> TemplateBook:
    """Return the book of templates: keys below ``keys/biometrics``, wrapped as conversations' keys are."""
    folder = places.keys / "biometrics"
    keys = EnvelopeKeys(folder, open_wrapper(settings.conversations, folder / "kek", clock), clock)
    return TemplateBook(store.templates, keys, clock.now_ns)


def open_biometrics(
    parts: dict[str, Any],
    book: TemplateBook,
    places: Places,
    settings: Settings,
    clock: Clock,
    on_fault: OnFault,
    opening: ExitStack,
    model_keys: Callable[[str], list[VerifyingKey]],
) -> "BiometricsRoom | None":
    """Return the room over ``parts`` of the house, or ``None`` where it is off."""
    if not settings.biometrics.enabled:
        return None
    from ostiary.biometrics.shipped import shipped_model  # noqa: PLC0415 - numpy, an extra
    from ostiary.server.biometrics.models import BehaviourModels  # noqa: PLC0415
    from ostiary.server.biometrics.records import TemplateRecords  # noqa: PLC0415
    from ostiary.server.biometrics.room import BiometricsRoom  # noqa: PLC0415

    room = BiometricsRoom(
        book,
        BehaviourModels(places.root, partial(model_keys), shipped_model, on_fault),
        parts["ledger"],
        TemplateRecords(parts["log"], parts["ring"], clock.now_ns),
        enrol_within_s=settings.biometrics.enrol_within_s,
        now_ns=clock.now_ns,
        on_fault=on_fault,
    )
    parts["ledger"].listen(room.changed)
    opening.callback(room.flush)
    return room


def forget_behaviour(house: "House", tenant: str) -> None:
    """Destroy the keys of what is kept of a deleted tenant's people, and forget its sessions."""
    house.templates.forget_tenant(tenant)
    if house.biometrics is not None:
        house.biometrics.sessions.forget_tenant(tenant)
