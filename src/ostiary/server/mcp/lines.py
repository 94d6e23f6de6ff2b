r"""Messages of MCP over pipes, one a line, read from bytes without waiting for more than a line; bounded.

>>> import os
>>> out, into = os.pipe()
>>> _ = os.write(into, b'{"a": 1}\n\n{"b"')
>>> os.close(into)
>>> list(lines_of(out))
[b'{"a": 1}']
"""

import os
from collections.abc import Iterator
from io import RawIOBase
from typing import IO, Final

from ostiary.errors import FaultyInputError
from ostiary.gateway.mcp.message import MAX_BYTES, TOO_LARGE

_PIECE: Final = 65_536


def lines_of(descriptor: int) -> Iterator[bytes]:
    """Yield whole lines until the end; one that the end cuts off is none.

    Raises:
        FaultyInputError: ``mcp_message_too_large``: a line that does not end.
    """
    rest = bytearray()
    while piece := os.read(descriptor, _PIECE):
        first, *more = piece.split(b"\n")
        rest += first
        for following in more:
            line = bytes(rest).strip()
            rest = bytearray(following)
            if line:
                yield line
        if len(rest) > MAX_BYTES:
            raise FaultyInputError(TOO_LARGE, f"a message has at most {MAX_BYTES} bytes")


def write_line(file: RawIOBase | IO[bytes], line: bytes) -> None:
    """Write a line, all of it, to a file that buffers nothing.

    Raises:
        ValueError: the file is closed.
    """
    rest = memoryview(line + b"\n")
    while rest:
        rest = rest[file.write(rest) or 0 :]
