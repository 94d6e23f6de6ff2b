"""Whether bytes move on a connection, as this machine's TCP tells (tcp(7), ``TCP_INFO``; Linux).

What is large and slow to arrive is no silence: until all of a statement is there its server is at nothing, and so it is
again when it has said all and the answer is on its way.
"""

import socket
import struct
import sys
from typing import Final

_SIZE: Final = 60
_LAST: Final = struct.Struct("=II")
_LAST_AT: Final = 52
"""Where ``struct tcp_info`` has milliseconds since data came, and after it since the other end took some."""


def is_moving(line: socket.socket | None, within_s: float) -> bool:
    """Return whether anything was heard within so many seconds; no where it is no TCP or nobody tells."""
    if line is None or sys.platform != "linux":
        return False
    try:
        told = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
    except OSError:  # a Unix socket, or one that is closed
        return False
    return len(told) == _SIZE and min(_LAST.unpack_from(told, _LAST_AT)) < within_s * 1000
