"""Tokens that were used and may not be used again; ``UsedTokenTable`` implements ``identity.ports.ReplayMemory``.

- Inserting a key that is there changes nothing, in one transaction that excludes every other writer: of two uses, in
  two processes even, one is the first.
- Bounded per tenant: when full it refuses, so that nobody's token is forgotten early. Counting is dear, so it is done
  once in a thousand uses; a second process can add as many beyond the bound.
"""

from typing import Final

from ostiary.errors import UnavailableError
from ostiary.storage.tables.database import Database

MAX_PER_TENANT: Final = 200_000
_UNCOUNTED: Final = 1000
_GRACE_NS: Final = 60_000_000_000  # requests are judged by the time of their receipt, and some wait


class UsedTokenTable:
    """Used tokens by tenant."""

    def __init__(self, database: Database, max_per_tenant: int = MAX_PER_TENANT) -> None:
        """Keep them in ``database``."""
        self._database = database
        self._max = max_per_tenant
        self._room: dict[str, int] = {}

    @property
    def since_ns(self) -> int:
        """Always 0: a restart forgets nothing."""
        return 0

    def remember(self, tenant: str, key: bytes, expires_ns: int, now_ns: int) -> bool:
        """Return whether ``key`` is new, and remember it until ``expires_ns``; it is on disk when this returns.

        Raises:
            UnavailableError: ``used_tokens_full``, or what the database cannot do.
        """
        with self._database.transaction() as database:
            database.write("forget_used_tokens", now_ns - _GRACE_NS)
            self._take_room(database, tenant)
            return database.write("save_used_token", tenant, key, expires_ns) == 1

    def _take_room(self, database: Database, tenant: str) -> None:
        """Take the place of one token, inside the transaction, which lets in one thread at a time."""
        room = self._room.get(tenant, 0)
        if room <= 0:
            room = min(_UNCOUNTED, self._max - database.read_inside("count_used_tokens", tenant)[0][0])
        if room <= 0:
            raise UnavailableError("used_tokens_full", f"{self._max} used tokens are remembered, and no more")
        self._room[tenant] = room - 1
