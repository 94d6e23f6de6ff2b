"""A connection that asks one query in one round and takes its rows one by one, as they come.

- What is sent together: begin a transaction that reads, the query, commit. It costs one journey, not one a statement.
- The query is run to its end, so the server may plan it with parallel workers as it does for anybody; for a cursor it
  may not. What comes is bounded on this side: a row that is too long is refused by its length, before it is read, and
  so are the server's words: a fault may hold a whole value of the query's making, up to a gigabyte.
- It can be nothing but a query: it stands where a table stands. No other statement can stand there, and no part of one
  that writes.
"""

from typing import Any, Final, Protocol

from pg8000 import core, native

BEGIN: Final = "BEGIN READ ONLY"
COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"
_HEAD: Final = 5
_LENGTH: Final = 4
Columns = list[dict[str, Any]]


class Taker(Protocol):
    """Takes an answer as it comes. What it raises leaves the line in the middle of one: it is of no more use."""

    def described(self, columns: Columns) -> None:
        """Take what the columns are."""
        ...

    def check(self, length: int, *, row: bool) -> None:
        """Raise when so many bytes, a row or the server's words, are not even to be read."""
        ...

    def row(self, data: bytes) -> None:
        """Take the message of one row."""
        ...


class StreamingConnection(native.Connection):  # type: ignore[misc] # the driver has no types
    """A connection of the driver that can also stream."""

    def stream(self, query: str, taker: Taker) -> None:
        """Ask ``query`` and give its answer to ``taker``; a fault of the server leaves the line as it was.

        Raises:
            native.Error: what the server or the line says.
        """
        context = core.Context("SELECT")
        self._say(BEGIN)
        self._say(f"SELECT * FROM ({query}\n) AS answer", describe=True)  # noqa: S608 - it was read and written anew
        self._say(COMMIT)
        core._write(self._sock, core.SYNC_MSG)  # noqa: SLF001 - the driver has no word for several at once
        core._flush(self._sock)  # noqa: SLF001
        code = b""
        while code != core.READY_FOR_QUERY:
            code, length = core.ci_unpack(self._exactly(_HEAD))
            is_row = code == core.DATA_ROW
            taker.check(length, row=is_row)
            data = self._exactly(length - _LENGTH)
            if is_row:
                taker.row(data)
                continue
            self._hear(code, data, context)
            if code == core.ROW_DESCRIPTION:
                taker.described(context.columns)
        if context.error is not None:
            if self._transaction_status == core.IN_FAILED_TRANSACTION:
                self.execute_simple(ROLLBACK)
            raise context.error

    def _say(self, statement: str, *, describe: bool = False) -> None:
        self.send_PARSE(core.NULL_BYTE, statement)
        self.send_BIND(core.NULL_BYTE, ())
        if describe:
            self._send_message(core.DESCRIBE, core.PORTAL + core.NULL_BYTE)
        self.send_EXECUTE()

    def _hear(self, code: bytes, data: bytes, context: Any) -> None:
        heard = self.message_types.get(code)
        if heard is None:
            raise native.InterfaceError("the server says what is no part of an answer")
        heard(data, context)

    def _exactly(self, count: int) -> bytes:
        if count < 0:  # it would be read to the end of the line
            raise native.InterfaceError("the server says a length that is none")
        try:
            found: bytes = self._sock.read(count)
        except OSError as fault:
            raise native.InterfaceError("network error") from fault
        if len(found) < count:
            raise native.InterfaceError("network error")
        return found
