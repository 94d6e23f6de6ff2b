"""Shared signals in SQLite: ``SignalTable`` implements ``response.ssf.ports.SignalStore``.

A receiver's list of subjects names people, so a name that goes is overwritten with zeros; so is all of a stream or
tenant that goes. A token that was delivered is merely removed: zeroing each would cost a checkpoint a delivery.
"""

from collections.abc import Sequence

import msgspec

from ostiary.errors import UnavailableError
from ostiary.response.ssf.ports import Outgoing
from ostiary.response.ssf.streams import Stream, StreamLife
from ostiary.storage.tables.database import Database

TENANT_ERASURES = (
    "delete_tenant_ssf_streams",
    "delete_tenant_ssf_subjects",
    "delete_tenant_ssf_outbox",
    "delete_tenant_ssf_marks",
)


class SignalTable:
    """Streams, subjects, the outbox, and what receivers have met."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def add_stream(self, stream: Stream, *, of_owner: int, of_tenant: int) -> bool:
        """Keep a new stream; return false when its owner or its tenant has that many already."""
        with self._database.transaction() as database:
            ((all_of, owned),) = database.read_inside("count_ssf_streams", stream.owner, stream.tenant)
            if all_of >= of_tenant or owned >= of_owner:
                return False
            values = (stream.tenant, stream.stream_id, stream.owner, _packed(stream), stream.made_ns)
            return database.write("add_ssf_stream", *values) == 1

    def replace_stream(self, before: Stream, after: Stream) -> bool:
        """Put ``after`` where ``before`` is; return false when somebody else changed it meanwhile."""
        values = (_packed(after), before.tenant, before.stream_id, _packed(before))
        return self._database.write("replace_ssf_stream", *values) == 1

    def delete_stream(self, tenant: str, stream_id: str) -> bool:
        """Forget a stream, its subjects and what waits for it; return whether there was one."""
        with self._database.transaction() as database:
            database.erase("delete_ssf_subjects", [(tenant, stream_id)])
            database.erase("clear_ssf_outbox", [(tenant, stream_id, 1)])
            return database.erase("delete_ssf_stream", [(tenant, stream_id)]) == 1

    def find_stream(self, tenant: str, stream_id: str) -> Stream | None:
        """Return one stream."""
        rows = self._database.read("find_ssf_stream", tenant, stream_id)
        return _unpacked(rows[0][0]) if rows else None

    def streams(self, tenant: str) -> list[Stream]:
        """Return a tenant's streams, oldest first."""
        return [_unpacked(row[0]) for row in self._database.read("ssf_streams", tenant)]

    def all_streams(self) -> list[Stream]:
        """Return the streams of every tenant."""
        return [_unpacked(row[0]) for row in self._database.read("all_ssf_streams")]

    def life(self, tenant: str, stream_id: str) -> StreamLife:
        """Return what changed in a stream by itself."""
        rows = self._database.read("ssf_life", tenant, stream_id)
        return StreamLife(*rows[0]) if rows else StreamLife()

    def hear(self, tenant: str, stream_id: str, now_ns: int) -> None:
        """Remember that the receiver was heard of."""
        self._database.write("hear_ssf_stream", now_ns, tenant, stream_id)

    def may_verify(self, tenant: str, stream_id: str, now_ns: int, not_after_ns: int) -> bool:
        """Remember that a verification was asked for now, if the last one was not after ``not_after_ns``."""
        values = (now_ns, now_ns, tenant, stream_id, not_after_ns)
        return self._database.write("verify_ssf_stream", *values) == 1

    def add_subject(self, tenant: str, stream_id: str, subject: str, limit: int) -> bool:
        """List a subject with a stream; return false when ``limit`` are listed already."""
        with self._database.transaction() as database:
            database.write("add_ssf_subject", tenant, stream_id, subject)
            ((count,),) = database.read_inside("count_ssf_subjects", tenant, stream_id)
            if count > limit:
                database.write("remove_ssf_subject", tenant, stream_id, subject)
            return bool(count <= limit)

    def remove_subject(self, tenant: str, stream_id: str, subject: str) -> None:
        """Take a subject off a stream's list."""
        self._database.erase("remove_ssf_subject", [(tenant, stream_id, subject)])

    def subjects(self, tenant: str, stream_id: str) -> list[str]:
        """Return the listed subjects, in canonical JSON."""
        return [row[0] for row in self._database.read("ssf_subjects", tenant, stream_id)]

    def put_out(self, rows: Sequence[Outgoing], limit: int) -> None:
        """Keep event tokens until they are delivered; beyond ``limit`` the oldest of a stream go and are counted."""
        if not rows:
            return
        with self._database.transaction() as database:
            database.write_many("put_ssf_out", [msgspec.structs.astuple(row) for row in rows])
            for tenant, stream_id in {(row.tenant, row.stream_id): None for row in rows}:
                ((count,),) = database.read_inside("count_ssf_waiting", tenant, stream_id)
                if count > limit:
                    database.write("drop_ssf_oldest", tenant, stream_id, count - limit)
                    database.write("count_ssf_dropped", count - limit, tenant, stream_id)

    def waiting(self, tenant: str, stream_id: str, limit: int, *, only_always: bool = False) -> list[Outgoing]:
        """Return what waits for a stream, oldest first."""
        rows = self._database.read("ssf_waiting", tenant, stream_id, int(only_always), limit)
        return [Outgoing(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in rows]

    def count_waiting(self, tenant: str, stream_id: str) -> int:
        """Return how many event tokens wait for a stream."""
        return int(self._database.read("count_ssf_waiting", tenant, stream_id)[0][0])

    def count_all_waiting(self) -> int:
        """Return how many event tokens of all tenants wait."""
        return int(self._database.read("count_all_ssf_waiting")[0][0])

    def delivered(self, tenant: str, stream_id: str, jtis: Sequence[str]) -> int:
        """Forget event tokens that their receiver has; return how many of them waited here."""
        with self._database.transaction() as database:
            return sum(database.write("ssf_delivered", tenant, stream_id, jti) for jti in jtis)

    def clear(self, tenant: str, stream_id: str) -> None:
        """Forget all that waits for a stream, but what is to be said always."""
        self._database.erase("clear_ssf_outbox", [(tenant, stream_id, 0)])

    def is_marked(self, tenant: str, receiver: str, kind: str, digest: bytes, now_ns: int) -> bool:
        """Return whether this was marked and its time is not over."""
        return bool(self._database.read("is_ssf_marked", tenant, receiver, kind, digest, now_ns))

    def mark(self, tenant: str, receiver: str, kind: str, digest: bytes, expires_ns: int, limit: int) -> None:
        """Remember until ``expires_ns``.

        Raises:
            UnavailableError: ``signals_memory_full``.
        """
        with self._database.transaction() as database:
            ((count,),) = database.read_inside("count_ssf_marks", tenant, receiver)
            if count >= limit:
                raise UnavailableError("signals_memory_full", f"{limit} event tokens are remembered already")
            database.write("ssf_mark", tenant, receiver, kind, digest, expires_ns)

    def unmark(self, tenant: str, receiver: str, kind: str, digest: bytes) -> bool:
        """Forget one; return whether it was there."""
        return self._database.write("ssf_unmark", tenant, receiver, kind, digest) == 1

    def forget_marks(self, before_ns: int) -> int:
        """Forget what is over; return how many there were."""
        return self._database.write("forget_ssf_marks", before_ns)


def _packed(stream: Stream) -> bytes:
    return msgspec.json.encode(stream)


def _unpacked(data: bytes) -> Stream:
    return msgspec.json.decode(data, type=Stream)
