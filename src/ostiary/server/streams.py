"""Makes streams of the settings, and lets each run in a thread of its own.

Secrets come from files that nobody else may read. Each kind is imported only where one is configured.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ostiary import __version__
from ostiary.audit import AuditLog
from ostiary.errors import FaultyInputError
from ostiary.keys.files import read_private
from ostiary.response.backoff import Backoff
from ostiary.response.ports import Cards
from ostiary.response.streams.pump import OnFault, Pump, StreamPlan
from ostiary.server.settings.export import ExportSection, StreamSection
from ostiary.vocabulary.clock import Clock

if TYPE_CHECKING:
    from ostiary.response.ssf.sending import Sender
    from ostiary.response.streams.event import Receiver

TURN_S: Final = 0.5
MIN_SECRET: Final = 16
_LEASES: Final = 4
_LOOPBACK: Final = ("localhost:", "127.0.0.1:", "[::1]:")


def streams_of(
    settings: ExportSection, log: AuditLog, cards: Cards, clock: Clock, on_fault: OnFault, backoff: Backoff
) -> list[Pump]:
    """Return every stream.

    Raises:
        FaultyInputError: ``stream_exists``, ``stream_secret_short``, ``address_refused``.
        RefusedError: ``key_permissions``.
        UnavailableError: ``key_unavailable``.
    """
    found = [
        Pump(_plan(one), _receiver(one, settings), log, cards, clock, on_fault, backoff) for one in settings.streams
    ]
    if len({(one.tenant, one.name) for one in found}) < len(found):
        raise FaultyInputError("stream_exists", "two streams of one tenant have the same name")
    return found


class StreamTurns:
    """Begins a turn of every stream that rests; a slow receiver holds its own thread and nobody else's."""

    def __init__(self, streams: Sequence[Pump], on_fault: OnFault) -> None:
        """Take the streams and whom to tell of faults."""
        self._streams = streams
        self._on_fault = on_fault
        self._pool = ThreadPoolExecutor(len(streams), thread_name_prefix="streams") if streams else None
        self._working: dict[Pump, Future[int]] = {}

    def turn(self) -> None:
        """Begin what may begin; nothing is waited for."""
        if self._pool is None:
            return
        for stream in self._streams:
            before = self._working.get(stream)
            if before is not None and not before.done():
                continue
            if before is not None and (fault := before.exception()) is not None:
                self._on_fault("stream_not_delivered", fault)
            self._working[stream] = self._pool.submit(stream.turn)

    def close(self) -> None:
        """Wait for what is on its way."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _plan(one: StreamSection) -> StreamPlan:
    return StreamPlan(
        tenant=one.tenant,
        name=one.name,
        contents=tuple(sorted(set(one.contents))),
        from_start=one.from_start,
        lease_s=_LEASES * one.timeout_s + 10,
    )


def _receiver(one: StreamSection, settings: ExportSection) -> "Receiver":
    return _MAKERS[one.kind](one, settings)


def _webhook(one: StreamSection, settings: ExportSection) -> "Receiver":
    from ostiary.response.streams.webhook import WebhookReceiver  # noqa: PLC0415 - see above

    secret = _secret(one.secret_file)
    if len(secret) < MIN_SECRET:
        raise FaultyInputError("stream_secret_short", f"the secret of a webhook has at least {MIN_SECRET} bytes")
    return WebhookReceiver(one.url, secret, _sender(one, settings))


def _otlp(one: StreamSection, settings: ExportSection) -> "Receiver":
    from ostiary.response.streams.otlp import OtlpReceiver  # noqa: PLC0415 - see above

    return OtlpReceiver(one.url, _bearer(one), _sender(one, settings))


def _opa(one: StreamSection, settings: ExportSection) -> "Receiver":
    from ostiary.response.streams.opa import OpaLogReceiver  # noqa: PLC0415 - see above

    return OpaLogReceiver(one.url, _bearer(one), _sender(one, settings), __version__)


def _syslog(one: StreamSection, settings: ExportSection) -> "Receiver":
    from ostiary.response.sinks.syslog import SyslogSettings  # noqa: PLC0415 - see above
    from ostiary.response.streams.syslog import SyslogReceiver  # noqa: PLC0415

    del settings
    ca_file = str(one.ca_file or "")
    return SyslogReceiver(
        SyslogSettings(
            tenant=one.tenant, name=one.name, host=one.host, source="", port=one.port, ca_file=ca_file,
            timeout_s=one.timeout_s,
        )
    )  # fmt: skip


def _kafka(one: StreamSection, settings: ExportSection) -> "Receiver":
    from ostiary.response.streams.kafka import KafkaReceiver, KafkaSettings  # noqa: PLC0415 - see above

    here = settings.allow_loopback and all(server.startswith(_LOOPBACK) for server in one.servers)
    wanted = KafkaSettings(
        servers=one.servers, topic=one.topic, tls=not here, ca_file=str(one.ca_file or ""), user=one.user,
        timeout_s=one.timeout_s,
    )  # fmt: skip
    return KafkaReceiver(wanted, _secret(one.password_file).decode())


def _jsonl(one: StreamSection, settings: ExportSection) -> "Receiver":
    from ostiary.response.streams.jsonl import JsonlReceiver  # noqa: PLC0415 - see above

    del settings
    return JsonlReceiver(one.folder or Path(), one.max_mb << 20, one.keep)


_MAKERS: Final[dict[str, Callable[[StreamSection, ExportSection], "Receiver"]]] = {
    "jsonl": _jsonl,
    "kafka": _kafka,
    "opa": _opa,
    "otlp": _otlp,
    "syslog": _syslog,
    "webhook": _webhook,
}


def _sender(one: StreamSection, settings: ExportSection) -> "Sender":
    from ostiary.response.ssf.addresses import AddressRules, check_url  # noqa: PLC0415 - see above
    from ostiary.response.ssf.sending import Sender  # noqa: PLC0415

    rules = AddressRules(one.networks, loopback_http=settings.allow_loopback)
    check_url(one.url, rules)  # a wrong address is a fault of the settings, and not of every turn
    return Sender(rules, timeout_s=one.timeout_s, ca_file=one.ca_file)


def _bearer(one: StreamSection) -> dict[str, str]:
    return {"authorization": f"Bearer {_secret(one.token_file).decode()}"} if one.token_file else {}


def _secret(path: Path | None) -> bytes:
    return read_private(path).strip() if path else b""
