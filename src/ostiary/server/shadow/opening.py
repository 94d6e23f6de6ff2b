"""The shadow put together over the rest of a house."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from ostiary.policy.bundle import Bundle
from ostiary.policy.sandbox import admit, report_digest
from ostiary.server.admitted import Admitted
from ostiary.server.places import Places
from ostiary.server.settings.shadow import ShadowSection
from ostiary.server.shadow.candidates import Candidates, Keys
from ostiary.server.shadow.room import ShadowRoom
from ostiary.vocabulary.clock import Clock

OnFault = Callable[[str, BaseException], None]


def open_shadow(
    parts: dict[str, Any],
    places: Places,
    settings: ShadowSection,
    clock: Clock,
    on_fault: OnFault,
    opening: ExitStack,
    keys: Keys,
) -> ShadowRoom:
    """Open it; what it runs ends with ``opening``. ``keys`` are those whose models a tenant believes."""
    store, scorers, policies = parts["store"], parts["scorers"], parts["policies"]
    admitted = Admitted(store, clock)

    def admit_once(bundle: Bundle) -> None:
        # As for live bundles: what has passed is known by its digest, and is quick the next time.
        if not admitted.knows(bundle.digest):
            admitted.remember(bundle.digest, report_digest(admit(bundle)))

    room = ShadowRoom(
        Candidates(places, store.snapshots, keys, admit_once, clock),
        store,
        parts["log"],
        settings,
        clock,
        live_bundle=policies.source,
        reference=partial(_drifting, scorers, keys),
        on_fault=on_fault,
    )
    opening.callback(room.close)
    return room


def _drifting(scorers: Any, keys: Keys, tenant: str, digest: str) -> Any:
    """Return what counts the drift of a tenant's live model, or ``None`` when nothing can."""
    from ostiary.server.shadow.drifting import Drifting, reference_in  # noqa: PLC0415 - an extra, and only with a model

    source = scorers.source(tenant)
    found = None if source is None else reference_in(source, keys(tenant), digest)
    return None if found is None else Drifting(found)
