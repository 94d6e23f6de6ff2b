"""One worker: a process of its own that serves the socket it is handed, until it is told to end.

Started by the supervisor through ``ostiary.server.start``; ``ostiary serve`` calls ``serve`` in its own process.
Told to end it stops accepting, lets every answer close its connection, answers what is in flight, saves what was
learned and writes what is queued. If a thread is stuck in the policy engine it still ends: the process leaves without
waiting for it.
"""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec
import uvicorn
from typing_extensions import override

from ostiary.errors import FaultyInputError, OstiaryError
from ostiary.server.assembly import Assembly, Faults, restore_profiles
from ostiary.server.bootstrap import bootstrap
from ostiary.server.places import DEFAULT_TENANT, FirstKeys, Places
from ostiary.server.protocol import limited
from ostiary.server.settings import load
from ostiary.server.settings.sections import ServerSection
from ostiary.server.telemetry import logs
from ostiary.server.telemetry.metrics import Metrics
from ostiary.server.tuning import tune
from ostiary.server.wiring import open_house
from ostiary.vocabulary.clock import SystemClock

LAST_WORDS_S: Final = 0.3
MANY: Final = 1000
EXIT_STUCK: Final = 75  # EX_TEMPFAIL of sysexits.h: start me again


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a worker is told at its start.

    Attributes:
        data: the data directory.
        config: the configuration file, when it lies elsewhere.
        values: nested settings of the command line.
        bootstrap: whether a fresh data directory gets its first keys.
    """

    data: str
    config: str = ""
    values: dict[str, Any] = {}
    bootstrap: bool = False


class WorkerServer(uvicorn.Server):
    """uvicorn's server with our own way to start and to end."""

    def __init__(self, config: uvicorn.Config, assembly: Assembly, on_ready: Callable[[], None]) -> None:
        """Serve what ``assembly`` put together; ``on_ready`` is called when it listens."""
        super().__init__(config)
        self._assembly = assembly
        self._on_ready = on_ready

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # uvicorn would raise the signal again at the end, and with it kill us before the log is closed.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._assembly.app.draining = True
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        await asyncio.sleep(LAST_WORDS_S)  # busy connections hear `connection: close` before they are cut
        await super().shutdown(sockets)


def tls_context(settings: ServerSection) -> ssl.SSLContext | None:
    """Return the TLS configuration, or ``None`` for plain HTTP.

    Raises:
        FaultyInputError: ``tls_invalid``: a file is missing or is not what it should be.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            required = settings.client_cert == "required"
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as fault:
        raise FaultyInputError("tls_invalid", f"TLS cannot be set up: {fault.strerror or fault}") from fault
    return context


def server_config(settings: ServerSection, assembly: Assembly, metrics: Metrics) -> uvicorn.Config:
    """Return uvicorn's configuration: our protocol with its limits, our logs, no trust in any header."""
    config = uvicorn.Config(
        assembly.app,
        http=limited(settings.max_header_bytes, settings.receive_timeout_s, metrics.rubbish),
        ws="none",
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        lifespan="on",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.drain_s,
        backlog=2048,
    )
    config.load()
    config.ssl = tls_context(settings)
    return config


def serve(
    options: Options,
    listener: socket.socket,
    *,
    on_ready: Callable[[], None],
    on_stuck: Callable[[], None],
    on_keys: Callable[[FirstKeys], None] = lambda _keys: None,
) -> int:
    """Serve ``listener`` until told to end; return the exit code.

    Raises:
        OstiaryError: something needed is missing; nothing was served.
    """
    places = Places(Path(options.data))
    settings = load(Path(options.config) if options.config else places.settings, options=options.values).settings
    logs.configure(settings.telemetry.log_level, as_json=settings.telemetry.log_json)
    log = logs.get_logger("ostiary.server")
    metrics = Metrics()
    faults = Faults(log, metrics)
    with open_house(places, settings, SystemClock(), faults, serving=True) as house:
        house.log.check()
        house.policies.load(DEFAULT_TENANT)
        keys = bootstrap(house) if options.bootstrap else None
        if keys is not None:
            on_keys(keys)
        house.knowledge.enricher(DEFAULT_TENANT)
        house.warm_up(faults)
        learned = restore_profiles(house)
        assembly = Assembly(house, metrics, log, on_stuck)
        if learned > MANY:  # so that a worker that dies again and again does not learn more each time
            assembly.save_profiles()
        tune()
        server = WorkerServer(server_config(settings.server, assembly, metrics), assembly, on_ready)
        log.info(
            "serving", pid=os.getpid(), learned_from_log=learned, bundle=house.policies.status(DEFAULT_TENANT).digest
        )
        server.run(sockets=[listener])
        log.info("served", pid=os.getpid())
        return EXIT_STUCK if assembly.stuck else 0


def _tell(channel: socket.socket, word: bytes) -> None:
    with contextlib.suppress(OSError):  # the parent is gone; its silence will end us
        channel.sendall(word + b"\n")


def _end_with_parent(channel: socket.socket) -> None:
    """Ask this process to end when the channel closes: the parent is gone."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            while channel.recv(1):
                continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="ostiary-parent", daemon=True).start()


def main(arguments: list[str]) -> int:
    """Run one worker from its command line."""
    listener = socket.socket(fileno=int(arguments[0]))
    channel = socket.socket(fileno=int(arguments[1]))
    options = msgspec.json.decode(arguments[2], type=Options)
    _end_with_parent(channel)
    try:
        return serve(
            options,
            listener,
            on_ready=lambda: _tell(channel, b"ready"),
            on_stuck=lambda: _tell(channel, b"stuck"),
            on_keys=lambda keys: _tell(channel, msgspec.json.encode(keys)),
        )
    except OstiaryError as fault:
        sys.stderr.write(f"error: {fault.message} ({fault.code})\n")
        return fault.exit_code
