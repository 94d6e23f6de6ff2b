"""Tells Kafka: one message an event, in structured CloudEvents mode, by an idempotent producer.

Rules:

- The key is the source: events of one stream lie in one partition, in their order.
- ``acks=all`` and ``enable_idempotence``: a retry inside the client makes no second message. After a crash of ours one
  may come again under its number, as everywhere.
- TLS always, but for a broker on this machine where the settings allow that.
- What a broker says to be too large or malformed is refused for good; everything else is tried again.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.response.streams.event import REFUSED, StreamEvent

_CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")
_NEVER: Final = frozenset({"InvalidMessageError", "MessageSizeTooLargeError", "RecordListTooLargeError"})


class Producer(Protocol):
    """What of ``aiokafka.AIOKafkaProducer`` is used."""

    async def start(self) -> None:
        """Connect."""
        ...

    async def send(self, topic: str, *, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]) -> Any:
        """Queue one message and return a future of its arrival."""
        ...

    async def stop(self) -> None:
        """Send what is queued and disconnect."""
        ...


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a topic is; ``tls`` is false only for a broker on this machine."""

    servers: tuple[str, ...]
    topic: str
    tls: bool = True
    ca_file: str = ""
    user: str = ""
    timeout_s: float = 10.0

    def options(self, password: str) -> dict[str, Any]:
        """Return what the producer is made with."""
        told: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "client_id": "ostiary",
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": "gzip",
            "max_request_size": 4 << 20,
            "request_timeout_ms": int(self.timeout_s * 1000),
            "security_protocol": "PLAINTEXT",
        }
        if self.tls:
            context = ssl.create_default_context(cafile=self.ca_file or None)
            told |= {"security_protocol": "SASL_SSL" if self.user else "SSL", "ssl_context": context}
        if self.user:
            told |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.user,
                "sasl_plain_password": password,
            }
        return told


def real_producer(options: dict[str, Any]) -> Producer:
    """Return a producer of aiokafka.

    Raises:
        UnavailableError: ``kafka_missing``: the extra is not installed.
    """
    try:
        from aiokafka import AIOKafkaProducer  # noqa: PLC0415 - an extra that few need
    except ImportError as fault:
        raise UnavailableError("kafka_missing", "install `ostiary[kafka]` to tell Kafka") from fault
    producer: Producer = AIOKafkaProducer(**options)
    return producer


class KafkaReceiver:
    """A topic. Each batch has a connection of its own: a stream that rests holds none."""

    batch = 500

    def __init__(
        self, settings: KafkaSettings, password: str = "", make: Callable[[dict[str, Any]], Producer] = real_producer
    ) -> None:
        """Take where it is; ``make`` makes a producer of its options."""
        self._settings = settings
        self._password = password
        self._make = make

    def deliver(self, events: Sequence[StreamEvent], now_ns: int) -> None:
        """Send them, and wait for the brokers that count."""
        del now_ns
        try:
            asyncio.run(asyncio.wait_for(self._send(events), self._settings.timeout_s * 3))
        except (UnavailableError, RefusedError):
            raise
        except Exception as fault:  # the client's errors share no root but this
            if type(fault).__name__ in _NEVER:
                raise RefusedError(REFUSED, f"the broker refused it: {type(fault).__name__}") from fault
            raise UnavailableError("receiver_away", f"the brokers do not answer: {type(fault).__name__}") from fault

    async def _send(self, events: Sequence[StreamEvent]) -> None:
        producer = self._make(self._settings.options(self._password))
        await producer.start()
        try:
            sent = [
                await producer.send(
                    self._settings.topic, value=one.document(), key=one.source.encode(), headers=[_CONTENT_TYPE]
                )
                for one in events
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()
