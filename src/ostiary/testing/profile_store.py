"""A profile store in memory, for tests and demos; the same port that storage implements on disk."""

from collections.abc import Mapping

from ostiary.signals.ports import LAST


class MemoryProfileStore:
    """Keeps profiles in dictionaries: by tenant and key, then by epoch in rising order."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[tuple[str, str], dict[int, bytes]] = {}

    def load(self, tenant: str, key: str, until: int = LAST) -> bytes | None:
        """Return the profile saved last under ``key`` in an epoch up to ``until``, or ``None``."""
        versions = self._kept.get((tenant, key), {})
        epoch = max((each for each in versions if each <= until), default=None)
        return None if epoch is None else versions[epoch]

    def save(self, tenant: str, epoch: int, profiles: Mapping[str, bytes]) -> None:
        """Keep each of ``profiles`` under its key."""
        for key, data in profiles.items():
            self._kept.setdefault((tenant, key), {})[epoch] = data

    def erase(self, tenant: str, key: str) -> None:
        """Remove what is kept under ``key``, of every epoch."""
        self._kept.pop((tenant, key), None)

    def naming(self, tenant: str, text: str) -> list[tuple[str, int]]:
        """Return key and epoch of every version that holds ``text``."""
        return sorted(
            (key, epoch)
            for (owner, key), versions in self._kept.items()
            for epoch, data in versions.items()
            if owner == tenant and text.encode() in data
        )

    def rewrite(self, tenant: str, key: str, epoch: int, data: bytes) -> None:
        """Put ``data`` in the place of a version that is there."""
        self._kept[(tenant, key)][epoch] = data

    def settle(self, tenant: str, epoch: int) -> None:
        """Remove what no return to ``epoch`` or later needs."""
        for (owner, _), versions in self._kept.items():
            past = [each for each in versions if each <= epoch]
            for each in sorted(past)[:-1] if owner == tenant else ():
                del versions[each]

    def rewind(self, tenant: str, epoch: int) -> None:
        """Remove what was saved after ``epoch``."""
        for (owner, _), versions in self._kept.items():
            for each in [each for each in versions if each > epoch] if owner == tenant else ():
                del versions[each]
