"""Remembers for a moment which enforcement point has which id, so that not every request reads the database.

An enforcement point that was removed is unknown after ``TTL_NS`` at the latest, in every process. Only found ones are
remembered: asking for ids that nobody has fills no memory.
"""

import time
from typing import Final

from ostiary.identity.ports import PepRegistry, RegisteredPep

TTL_NS: Final = 50_000_000
MAX_KEPT: Final = 4096


class RememberedRegistry:
    """A ``PepRegistry`` in front of another one; thread-safe as single dictionary operations are."""

    def __init__(self, inner: PepRegistry) -> None:
        """Remember what ``inner`` answers."""
        self._inner = inner
        self._known: dict[str, tuple[int, RegisteredPep]] = {}

    def find(self, pep_id: str) -> RegisteredPep | None:
        """Return the enforcement point with this id."""
        known = self._known.get(pep_id)
        now = time.monotonic_ns()
        if known is not None and now - known[0] < TTL_NS:
            return known[1]
        pep = self._inner.find(pep_id)
        if pep is None:
            self._known.pop(pep_id, None)
            return None
        if len(self._known) >= MAX_KEPT:
            self._known.clear()
        self._known[pep_id] = (now, pep)
        return pep

    def find_by_certificate(self, thumbprint: str) -> RegisteredPep | None:
        """Return the one that registered this thumbprint."""
        return self._inner.find_by_certificate(thumbprint)

    def find_by_workload(self, issuer: str, subject: str) -> RegisteredPep | None:
        """Return the one that authenticates by JWTs of ``issuer`` with this ``sub``."""
        return self._inner.find_by_workload(issuer, subject)
