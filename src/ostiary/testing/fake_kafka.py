"""A FAKE of Kafka's brokers behind ``aiokafka.AIOKafkaProducer``: topics in memory, in the order of arrival.

It keeps what was acknowledged, refuses what is too large by the client's own word, and can lose its connection.
It proves nothing of Kafka itself: neither partitions nor the idempotent producer's numbers are here.
"""

import asyncio
from collections.abc import Sequence
from typing import Any


class MessageSizeTooLargeError(Exception):
    """Named as the client's own."""


class FakeKafka:
    """Makes producers; ``messages`` are (topic, key, value) in order, ``options`` what the last was made with."""

    def __init__(self, max_bytes: int = 1 << 20) -> None:
        """Begin empty."""
        self.messages: list[tuple[str, bytes, bytes]] = []
        self.options: dict[str, Any] = {}
        self.max_bytes = max_bytes
        self.down = False
        self.breaks_after: int | None = None

    def producer(self, options: dict[str, Any]) -> "FakeProducer":
        """Return a producer with these options."""
        self.options = options
        return FakeProducer(self)


class FakeProducer:
    """One connection."""

    def __init__(self, kafka: FakeKafka) -> None:
        """Send to ``kafka``."""
        self._kafka = kafka

    async def start(self) -> None:
        """Connect."""
        if self._kafka.down:
            raise ConnectionError

    async def send(
        self, topic: str, *, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> "asyncio.Future[None]":
        """Queue one message; the future ends when it is acknowledged."""
        del headers
        if len(value) > self._kafka.max_bytes:
            raise MessageSizeTooLargeError
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._kafka.breaks_after == 0:
            done.set_exception(ConnectionError())
            return done
        if self._kafka.breaks_after is not None:
            self._kafka.breaks_after -= 1
        self._kafka.messages.append((topic, key, value))
        done.set_result(None)
        return done

    async def stop(self) -> None:
        """Disconnect."""
