"""Serves the loopback helper until it is told to end."""

import asyncio
import ipaddress
import socket
from typing import Final

import httpx
import uvicorn

from ostiary.errors import FaultyInputError
from ostiary.server.connect.guard import Guard
from ostiary.server.connect.relay import Identity, Relay

_TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=600.0, write=60.0, pool=10.0)
_CONNECTIONS: Final = 64


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this machine's loopback alone.

    Raises:
        FaultyInputError: ``address_not_loopback``; ``port_taken``.
    """
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise FaultyInputError("address_not_loopback", f"`{host[:80]}` is not this machine's loopback address")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as fault:
        listener.close()
        raise FaultyInputError("port_taken", f"cannot listen on port {port}: {fault.strerror}") from fault
    return listener


async def serve(listener: socket.socket, base_url: str, prefix: str, key: str, identity: Identity) -> None:
    """Pass requests on until SIGINT or SIGTERM."""
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    async with httpx.AsyncClient(timeout=_TIMEOUTS, limits=limits, trust_env=False) as client:
        relay = Relay(base_url, prefix, Guard(key, listener.getsockname()[1]), identity, client)
        config = uvicorn.Config(
            relay, lifespan="off", interface="asgi3", access_log=False, log_config=None, server_header=False, ws="none"
        )
        await uvicorn.Server(config).serve(sockets=[listener])


def run(listener: socket.socket, base_url: str, prefix: str, key: str, identity: Identity) -> None:
    """Serve in this thread."""
    asyncio.run(serve(listener, base_url, prefix, key, identity))
