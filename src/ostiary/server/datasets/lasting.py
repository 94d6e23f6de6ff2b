"""A long read, judged again while it runs: whoever's token, session, subject or tenant falls gets no further piece.

- Asked anew before a piece when ``LOOK_S`` have passed since the last look: what is revoked stops leaving within that
  time and one piece. In doubt it stops.
- The end of the token's life is no reason: a read that was permitted may take longer than that.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from ostiary.decision.decide import why_over
from ostiary.errors import RefusedError
from ostiary.server.wiring import House
from ostiary.sessions import Asked

LOOK_S: Final = 0.2
GONE: Final = "tenant_gone"


class Lasting:
    """Judges reads again; safe for several threads."""

    def __init__(self, house: House, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Ask the house's ledger and tenants."""
        self._house = house
        self._monotonic = monotonic

    def pieces(self, asked: Asked | None, pieces: Iterator[memoryview]) -> Iterator[memoryview]:
        """Return ``pieces`` for as long as what was ``asked`` of the ledger stands.

        Raises:
            RefusedError: ``session_terminated``, ``session_expired``, ``subject_revoked``, ``tenant_gone``.
            OstiaryError: it cannot be told.
        """
        looked = self._monotonic()
        for piece in pieces:
            if self._monotonic() - looked >= LOOK_S:
                looked = self._monotonic()
                self._check(asked)
            yield piece

    def _check(self, asked: Asked | None) -> None:
        if asked is None:
            return
        if self._house.tenants.find(asked.tenant) is None:
            raise RefusedError(GONE, "the tenant is gone")
        now_ns = self._house.clock.now_ns()
        over = why_over(self._house.ledger.standing(msgspec.structs.replace(asked, now_ns=now_ns)))
        if over is not None:
            raise RefusedError(over.value, "what this read was permitted to is over")
