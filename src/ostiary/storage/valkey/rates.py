"""Rates that all replicas share; ``SharedRates`` implements ``defence.rates.RateStore``.

- One script over all rates of a request: user, tenant and model give one each, or none does. Its time is the server's.
- After a flush, a restart or a failover each bucket counts as used up at that moment: requests go on at the rate, and
  none comes early.
- Away, each replica grants ``share`` of every rate by itself, beginning with nothing to spare. When Valkey is there
  again its buckets count as used up at that moment: what was granted meanwhile is not granted a second time.
"""

import threading
from collections.abc import Sequence
from typing import Final

from ostiary.defence.rates import MemoryRates, RateAsk
from ostiary.errors import UnavailableError
from ostiary.storage.valkey.link import Link
from ostiary.storage.valkey.names import key
from ostiary.storage.valkey.wire import Argument, away

_US: Final = 1000


class SharedRates:
    """Buckets in Valkey, and a part of each here for when it is away; safe for many threads."""

    def __init__(self, link: Link, share: float) -> None:
        """Take the link, and which part of a rate one replica grants without it."""
        self._link, self._share = link, share
        self._lock = threading.Lock()
        self._alone: MemoryRates | None = None
        self._gaps = 0
        self._seen: dict[str, int] = {}

    def admit(self, tenant: str, asks: Sequence[RateAsk], now_ns: int) -> int:
        """Take one from each, or from none; see ``RateStore``."""
        if not asks:
            return 0
        gaps = self._gaps
        told: list[Argument] = ["1" if self._seen.get(tenant, 0) != gaps else "0"]
        told += [value for ask in asks for value in (max(1, ask.every_ns // _US), ask.burst)]
        keys = [key(tenant, "rates"), *(key(tenant, "rate", ask.key) for ask in asks)]
        try:
            reply = self._link.run("rates", keys, told, now_ns)
            if not isinstance(reply, int) or reply < 0:
                raise away("it answers something else than what it was asked")
        except UnavailableError:
            return self._by_itself(now_ns).admit(tenant, [ask.part(self._share) for ask in asks], now_ns)
        with self._lock:
            self._alone = None
            self._seen[tenant] = gaps
        return reply * _US

    def _by_itself(self, now_ns: int) -> MemoryRates:
        with self._lock:
            if self._alone is None:
                self._alone = MemoryRates(now_ns)
                self._gaps += 1
            return self._alone
