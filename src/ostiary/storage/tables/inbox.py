"""Records on their way into the log, and who may put them there: see ``audit.sequencing.ports`` for the contract."""

from collections.abc import Sequence
from typing import Final

from ostiary.audit.sequencing import Handed, Lease
from ostiary.storage.tables.database import Database

_FORGET_MS: Final = 7 * 86_400_000


class InboxTable:
    """Implements ``Inbox``."""

    def __init__(self, database: Database) -> None:
        """Keep rows in ``database``, which has the log's records too."""
        self._database = database

    def hand_over(self, rows: Sequence[Handed], epoch: int) -> bool:
        """Keep rows, if the epoch is still the one they were sealed under."""
        with self._database.beside() as database:
            if database.read_inside("log_epoch")[0][0] != epoch:
                return False
            database.write_many("hand_over", rows)
            return True

    def shut(self) -> None:
        """Keep hand-overs out until the transaction ends."""
        self._database.alone()

    def take(self, most: int) -> list[Handed]:
        """Remove and return the oldest rows; those whose number was taken before are dropped."""
        database = self._database
        found = sorted(database.read_inside("take_inbox", most))
        if not found:
            return []
        before: dict[str, int] = dict(database.read_inside("inbox_taken"))
        taken: dict[str, int] = {}
        rows: list[Handed] = []
        for row in (Handed(*one[1:]) for one in found):
            if row.seq > taken.get(row.replica, before.get(row.replica, 0)):
                taken[row.replica] = row.seq
                rows.append(row)
        database.write_many("note_taken", list(taken.items()))
        if not taken.keys() <= before.keys():  # a replica that is new: a good moment to forget those long gone
            database.write("forget_taken", _FORGET_MS)
        return rows

    def waiting(self) -> int:
        """Return how many rows wait."""
        return int(self._database.read("inbox_waiting")[0][0])


class LeaseTable:
    """Implements ``Leases``."""

    def __init__(self, database: Database) -> None:
        """Keep leases in ``database``, by its own time."""
        self._database = database

    def take(self, name: str, holder: str, ttl_ms: int) -> int:
        """Take or renew a lease; return its token, 0 when another holds it."""
        with self._database.transaction() as database:
            if database.write_named("take_lease", {"name": name, "holder": holder, "ttl_ms": ttl_ms}) != 1:
                return 0
            return int(database.read_inside("lease_of", name, holder)[0][0])

    def holds(self, name: str, holder: str, token: int) -> bool:
        """Return whether this is still the newest token."""
        return bool(self._database.read_inside("lease_holds", name, holder, token))

    def give_back(self, name: str, holder: str) -> None:
        """End a lease."""
        self._database.write("end_lease", name, holder)

    def all(self) -> list[Lease]:
        """Return every lease."""
        return [Lease(*row) for row in self._database.read("leases")]
