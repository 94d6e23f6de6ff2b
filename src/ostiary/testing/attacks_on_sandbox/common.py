"""What attacks are made with: plain system calls, connections, files; and what they are told of the host."""

from __future__ import annotations

import ctypes
import os
import socket
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
TOLD: dict[str, Any] = {}
BITS_64 = os.uname().machine == "x86_64"


def call(number: int, *arguments: Any) -> int:
    """Make a system call; return what it returned, ``-1`` for a refusal."""
    return int(LIBC.syscall(ctypes.c_long(number), *arguments))


def reach(family: int, address: Any, kind: int = socket.SOCK_STREAM) -> str:
    """Return words when something can be connected to."""
    with socket.socket(family, kind) as one:
        one.settimeout(2)
        one.connect(address)
        one.send(b"out")
    return f"reached {address}"


def opens(path: str, flags: int = os.O_RDONLY) -> str:
    """Return words when a file can be opened."""
    os.close(os.open(path, flags))
    return f"opened {path}"
