"""Remembers which bundles were admitted: each is tried out once."""

from typing import Final

import msgspec

from ostiary.audit import SYSTEM_TENANT
from ostiary.storage.tables import Store
from ostiary.vocabulary.clock import Clock

_ADMITTED: Final = "policy_admitted"


class _Passed(msgspec.Struct, frozen=True):
    """By which report a bundle passed."""

    report: str = ""


class Admitted:
    """Remembers admitted bundles in the store, under the tenant ``system``."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Keep it in ``store``."""
        self._store = store
        self._clock = clock

    def knows(self, digest: str) -> bool:
        """Return whether a bundle has passed before."""
        return self._store.snapshots.load(SYSTEM_TENANT, _ADMITTED, digest) is not None

    def remember(self, digest: str, report: str) -> None:
        """Note that a bundle has passed, by the report with this digest."""
        data = msgspec.json.encode(_Passed(report))
        self._store.snapshots.save(SYSTEM_TENANT, _ADMITTED, digest, data, self._clock.now_ns())

    def report(self, digest: str) -> str:
        """Return the digest of the report by which a bundle passed, or an empty string."""
        data = self._store.snapshots.load(SYSTEM_TENANT, _ADMITTED, digest)
        return msgspec.json.decode(data, type=_Passed).report if data is not None else ""
