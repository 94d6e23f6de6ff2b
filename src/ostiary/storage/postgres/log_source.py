"""A PostgreSQL database as the verifier's ``LogSource``: one read-only transaction, so one snapshot."""

from pathlib import Path
from typing import Any

from ostiary.errors import UnavailableError
from ostiary.storage.log_source import TableSource, with_keys
from ostiary.storage.postgres.lines import Line, connect, hang_up
from ostiary.storage.postgres.loop import LoopThread
from ostiary.storage.postgres.place import PostgresPlace
from ostiary.storage.postgres.statements import known, shown

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresLogSource(TableSource):
    """Reads the log in one database; close it, or use it as a context manager. It changes no schema."""

    def __init__(self, place: PostgresPlace) -> None:
        """Connect and begin.

        Raises:
            FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
            UnavailableError: ``log_unavailable``.
        """
        place.parameters()
        loop = LoopThread()

        async def opened() -> Line:
            line = Line(await connect(place))
            await line.connection.execute(_BEGIN)
            return line

        def fetch(name: str, *values: object) -> list[tuple[Any, ...]]:
            statement = known()[name]
            try:
                return [shown(row) for row in loop.run(line.fetch(statement, statement.values(values)))]
            except UnavailableError as fault:
                raise UnavailableError("log_unavailable", f"the log cannot be read: {fault.message}") from None

        def close() -> None:
            if loop.runs:
                loop.run(hang_up(line.connection))
                loop.stop()

        try:
            line = loop.run(opened())
        except UnavailableError as fault:
            loop.stop()
            raise UnavailableError("log_unavailable", f"the log cannot be read: {fault.message}") from None
        try:
            super().__init__(fetch, close)
        except BaseException:
            close()
            raise


def open_source(place: PostgresPlace, keys: Path, *, payloads: bool = True) -> PostgresLogSource:
    """Open a log for verification; ``keys`` is the key folder of the data directory, which may be missing.

    Raises:
        FaultyInputError: ``store_url_invalid``, ``store_url_plain``.
        UnavailableError: ``log_unavailable``.
        RefusedError: ``key_permissions``.
    """
    return with_keys(PostgresLogSource(place), keys, payloads=payloads)
