"""Profiles that no longer fit in memory; ``ProfileTable`` implements ``signals.ports.ProfileStore``."""

from collections.abc import Mapping

from ostiary.signals.ports import LAST
from ostiary.storage.tables.database import Database


class ProfileTable:
    """Spilled profiles by tenant, key and epoch."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def load(self, tenant: str, key: str, until: int = LAST) -> bytes | None:
        """Return the profile saved last under ``key`` in an epoch up to ``until``, or ``None``."""
        rows = self._database.read("load_profile", tenant, key, until)
        return rows[0][0] if rows else None

    def save(self, tenant: str, epoch: int, profiles: Mapping[str, bytes]) -> None:
        """Keep each of ``profiles`` under its key, all in one transaction."""
        self._database.write_many("save_profile", [(tenant, key, epoch, data) for key, data in profiles.items()])

    def erase(self, tenant: str, key: str) -> None:
        """Overwrite what is kept under ``key``, of every epoch."""
        self._database.erase("erase_profile", [(tenant, key)])

    def naming(self, tenant: str, text: str) -> list[tuple[str, int]]:
        """Return key and epoch of every version that holds ``text``; reads all of the tenant's."""
        return [(row[0], row[1]) for row in self._database.read("profiles_naming", tenant, text.encode())]

    def rewrite(self, tenant: str, key: str, epoch: int, data: bytes) -> None:
        """Put ``data`` in the place of a version that is there, and overwrite what stood there."""
        self._database.erase("rewrite_profile", [(data, tenant, key, epoch)])

    def settle(self, tenant: str, epoch: int) -> None:
        """Remove what no return to ``epoch`` or later needs."""
        self._database.write("settle_profiles", tenant, epoch)

    def rewind(self, tenant: str, epoch: int) -> None:
        """Remove what was saved after ``epoch``."""
        self._database.write("rewind_profiles", tenant, epoch)
