"""Profiles on disk as a process beside the server sees them: it reads them, erases a person, and keeps its own apart.

- ``ostiary decide`` and ``ostiary subject erase`` may run while the server does. What they learn is not kept, and must
  not stand where the server's profiles stand.
- Erasing, and taking a name out of a profile, go through: a person is forgotten everywhere.
"""

from collections.abc import Iterable, Mapping

from ostiary.signals.ports import LAST, ProfileStore


class Borrowed:
    """A ``ProfileStore`` that writes into memory, over one that somebody else writes to."""

    def __init__(self, owner: ProfileStore) -> None:
        """Lie over ``owner``."""
        self._owner = owner
        self._mine: dict[tuple[str, str], bytes] = {}
        self._epochs: dict[str, int] = {}

    def load(self, tenant: str, key: str, until: int = LAST) -> bytes | None:
        """Return this process's own version, else what the owner had when the snapshot was taken."""
        until = min(until, self._epochs.get(tenant, LAST))
        return self._mine.get((tenant, key)) or self._owner.load(tenant, key, until)

    def save(self, tenant: str, epoch: int, profiles: Mapping[str, bytes]) -> None:  # noqa: ARG002 - ends with the process
        """Keep profiles for as long as this process runs."""
        self._mine.update({(tenant, key): data for key, data in profiles.items()})

    def erase(self, tenant: str, key: str) -> None:
        """Remove what is kept under ``key``, the owner's too."""
        self._mine.pop((tenant, key), None)
        self._owner.erase(tenant, key)

    def naming(self, tenant: str, text: str) -> Iterable[tuple[str, int]]:
        """Return the owner's versions that hold ``text``; this process's own end with it."""
        return self._owner.naming(tenant, text)

    def rewrite(self, tenant: str, key: str, epoch: int, data: bytes) -> None:
        """Rewrite the owner's version."""
        self._owner.rewrite(tenant, key, epoch, data)

    def settle(self, tenant: str, epoch: int) -> None:
        """Leave that to the owner."""

    def rewind(self, tenant: str, epoch: int) -> None:
        """See the owner's profiles as they were in ``epoch`` from now on, and none of this process's own."""
        self._epochs[tenant] = epoch
        self._mine = {place: data for place, data in self._mine.items() if place[0] != tenant}
