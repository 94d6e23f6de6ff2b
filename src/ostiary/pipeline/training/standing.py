"""The egress proxy by itself, where another wall holds the run.

It stands beside a Kubernetes Job, whose network policy lets it reach nothing else. What it is told stands in one
file, and cannot change while it runs:

>>> told = b'{"run": "r", "tenant": "default", "listen": "0.0.0.0:3128", "rules": [{"host": "a.example", "port": 443}]}'
>>> read_config(told).rules[0].host
'a.example'
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Annotated, Any, Final, Self

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.pipeline.training.accounts import Budget, Connection, ConnectionLog, EgressLimits
from ostiary.pipeline.training.egress import EgressRule, read_rules
from ostiary.pipeline.training.pinning import Pins, Resolve, ask_system
from ostiary.pipeline.training.proxy import EgressProxy
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.unreadable import UNREADABLE

MAX_CONFIG: Final = 65_536
MALFORMED: Final = "egress_config_malformed"
_USUAL: Final = EgressLimits()
_MAX_PORT: Final = 65_535
Amount = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]


class ProxyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one proxy is told.

    Attributes:
        run, tenant: whose it is, for the log.
        listen: ``address:port``.
        rules: whom the run may call.
        max_upload_bytes: how much it may send in all.
    """

    run: Word
    tenant: Word
    listen: Word
    rules: tuple[EgressRule, ...]
    max_upload_bytes: Amount = _USUAL.bytes_up


class _Raw(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    run: Word
    tenant: Word
    listen: Word
    rules: list[Any]
    max_upload_bytes: Amount = _USUAL.bytes_up


def read_config(data: bytes) -> ProxyConfig:
    """Read the file.

    Raises:
        FaultyInputError: ``egress_config_malformed``, ``egress_malformed``, ``egress_ip_literal``.
    """
    if len(data) > MAX_CONFIG:
        raise FaultyInputError(MALFORMED, f"the configuration is longer than {MAX_CONFIG} bytes")
    try:
        raw = msgspec.json.decode(data, type=_Raw)
    except UNREADABLE as fault:
        raise FaultyInputError(MALFORMED, "the configuration of the egress proxy is malformed") from fault
    _address(raw.listen)
    return ProxyConfig(raw.run, raw.tenant, raw.listen, read_rules(raw.rules), raw.max_upload_bytes)


class StandingProxy:
    """A proxy that listens for one run. A context manager."""

    def __init__(
        self,
        config: ProxyConfig,
        clock: Clock,
        on_entry: Callable[[Connection], None],
        on_fault: Callable[[str, BaseException], None],
        resolve: Resolve = ask_system,
    ) -> None:
        """Listen; ``on_entry`` is told of every connection at its end.

        Raises:
            UnavailableError: ``egress_cannot_listen``.
        """
        limits = msgspec.structs.replace(_USUAL, bytes_up=config.max_upload_bytes)
        log = ConnectionLog(limits, on_entry, keep=False)
        log.probing = False
        budget = Budget(limits.bytes_up)
        self._proxy = EgressProxy(Pins(config.rules, resolve), budget, log, limits, clock, on_fault)
        host, port = _address(config.listen)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family)
        except OSError as fault:
            raise UnavailableError("egress_cannot_listen", f"`{config.listen}` cannot be listened on") from fault
        self.port: int = listener.getsockname()[1]
        self._proxy.serve(listener)

    def __enter__(self) -> Self:
        """Return the proxy, which listens."""
        return self

    def __exit__(self, *_fault: object) -> None:
        """End all connections."""
        self._proxy.close()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    try:
        ipaddress.ip_address(host.strip("[]"))
        number = int(port) if port.isascii() and port.isdigit() else -1
    except ValueError:
        number = -1
    if not 0 <= number <= _MAX_PORT:
        raise FaultyInputError(MALFORMED, f"`{text[:60]}` is no address and port to listen on")
    return host.strip("[]"), number
