"""The snapshot with which a feed begins: what of a tenant is over, revoked or fallen at a place in its feed.

- The place is read before the sessions are: what changes meanwhile is in both, and told twice rather than not at all.
- Bounded: ended sessions up to an age, every list up to a number; ``complete`` says whether anything was left out.
  A reader loses nothing by that: after a snapshot it trusts no earlier grant and asks anew.
- Made once for all readers that begin at the same place: a restart brings all of them at once.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from ostiary.server.feed.hub import FeedLimits, Hub
from ostiary.server.feed.messages import clean, event, place
from ostiary.sessions import Session, SessionLedger

_MS: Final = 1_000_000
_NS: Final = 1_000_000_000
_FRESH_NS: Final = _NS


class Snapshots:
    """Makes snapshots; safe for several threads."""

    def __init__(self, ledger: SessionLedger, hub: Hub, limits: FeedLimits, now_ns: Callable[[], int]) -> None:
        """Read from ``ledger``."""
        self._ledger = ledger
        self._hub = hub
        self._limits = limits
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._made: dict[str, tuple[int, int, bytes]] = {}

    def make(self, tenant: str) -> tuple[int, bytes]:
        """Return a place and the snapshot's event there."""
        with self._lock:
            sequence, now_ns = self._hub.newest(tenant), self._now_ns()
            known = self._made.get(tenant)
            if known is not None and known[0] == sequence and 0 <= now_ns - known[1] < _FRESH_NS:
                return sequence, known[2]
            told = {"v": 1, "epoch": self._hub.epoch, "seq": sequence, **self._read(tenant, now_ns)}
            made = event("snapshot", told, place(self._hub.epoch, sequence))
            self._made = {tenant: (sequence, now_ns, made)}  # one is enough: a restart comes tenant by tenant
            return sequence, made

    def _read(self, tenant: str, now_ns: int) -> dict[str, Any]:
        limits = self._limits
        since_ns = now_ns - int(limits.keep_s * _NS)
        ended = [_over(one.session_id, one.ended_ns) for one in self._ledger.ended(tenant) if one.ended_ns >= since_ns]
        revoked = [
            {"subject": clean(one.subject), "before_ms": one.before_ns // _MS}
            for one in sorted(self._ledger.revocations(tenant), key=lambda one: one.before_ns)
        ]
        fallen = [_fallen(one) for one in self._ledger.of_tenant(tenant) if one.fell]
        lists = {"ended": ended[-limits.named :], "revoked": revoked[-limits.named :], "fallen": fallen[: limits.named]}
        return {**lists, "complete": _lengths((ended, revoked, fallen)) == _lengths(lists.values())}


def _lengths(lists: Iterable[list[dict[str, Any]]]) -> list[int]:
    return [len(one) for one in lists]


def _over(name: str, ended_ns: int) -> dict[str, Any]:
    return {"session": clean(name), "at_ms": ended_ns // _MS}


class _Fallen(msgspec.Struct, frozen=True, omit_defaults=True):
    session: str
    subject: str = ""
    step_up: bool = False
    reduced: bool = False
    expires_ms: int = 0


def _fallen(session: Session) -> dict[str, Any]:
    told = _Fallen(
        clean(session.session_id),
        clean(session.subject),
        session.demands_step_up,
        session.is_reduced,
        session.expires_ns // _MS if session.is_reduced else 0,
    )
    built: dict[str, Any] = msgspec.to_builtins(told)
    return built
