"""Delivery by push: one event token after the other, in order, until the receiver has it (RFC 8935).

Rules:

- 202 (or another 2xx) and it is gone; what the receiver refuses with an error of RFC 8935 §2.4 is recorded and gone,
  because the same token would be refused again. Three errors are about us and not about the token
  (``authentication_failed``, ``access_denied``, and ``invalid_key`` while a receiver does not know our newest key yet):
  these, and everything else, are tried again;
- between tries a stream waits 1, 2, 4, … up to 300 seconds; other streams do not wait for it;
- after ``give_up_s`` without one delivery the stream is paused; its events stay;
- a stream whose owner was switched off, or is no more, gets nothing: its address was that owner's word;
- redirects are not followed, and the address is judged anew every time (``addresses``).
"""

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final

import msgspec

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.identity.secevent.reasons import ERRORS
from ostiary.identity.secevent.signing import MEDIA_TYPE
from ostiary.response.ssf.desk import Caller, secret_name
from ostiary.response.ssf.limits import StreamRules
from ostiary.response.ssf.mailbox import Refused, SetError
from ostiary.response.ssf.ports import OnFault, Outgoing, Secrets, StreamStore
from ostiary.response.ssf.sending import Answer, Post
from ostiary.response.ssf.streams import ENABLED, PAUSED, PUSH, Stream
from ostiary.signals.texts import shown
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.unreadable import UNREADABLE

BATCH: Final = 50
FIRST_WAIT_S: Final = 1
LONGEST_WAIT_S: Final = 300
TURN_NS: Final = 5_000_000_000
_SECOND_NS: Final = 1_000_000_000
_OURS: Final = frozenset({"access_denied", "authentication_failed", "invalid_key"})
_ACCEPTED: Final = range(200, 300)
_BAD_REQUEST: Final = 400
FAILED: Final = "signal_not_delivered"
_BY: Final = "transmitter"
Pause = Callable[[Caller, str, str, str], object]
Welcome = Callable[[Stream], bool]
"""Returns whether a stream's owner may still be told anything."""


class _Line:
    """How one stream's deliveries stand; in memory only, a restart tries at once."""

    __slots__ = ("busy", "next_ns", "since_ns", "wait_s")

    def __init__(self) -> None:
        self.busy = False
        self.next_ns = 0
        self.since_ns = 0
        self.wait_s = 0


class Pusher:
    """Delivers what waits for push streams."""

    def __init__(
        self,
        store: StreamStore,
        clock: Clock,
        secrets: Secrets,
        post: Post,
        pool: Executor,
        *,
        on_refused: Refused,
        on_fault: OnFault,
        pause: Pause,
        welcome: Welcome,
        rules: StreamRules,
    ) -> None:
        """Take what it works with; ``pool`` runs one task for each stream that has something to deliver."""
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._post = post
        self._pool = pool
        self._on_refused = on_refused
        self._on_fault = on_fault
        self._pause = pause
        self._welcome = welcome
        self._rules = rules
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str], _Line] = {}

    def turn(self) -> int:
        """Begin a delivery for every stream that is due; return how many that were."""
        streams = [stream for stream in self._store.all_streams() if stream.delivery.method == PUSH]
        begun = [stream for stream in streams if self._begin(stream)]
        for stream in begun:
            self._pool.submit(self._deliver, stream)
        self._forget_others({(stream.tenant, stream.stream_id) for stream in streams})
        return len(begun)

    def _begin(self, stream: Stream) -> bool:
        if not self._waiting(stream, 1) or not self._welcome(stream):
            return False
        with self._lock:
            line = self._lines.setdefault((stream.tenant, stream.stream_id), _Line())
            if line.busy or self._clock.now_ns() < line.next_ns:
                return False
            line.busy = True
            return True

    def _deliver(self, stream: Stream) -> None:
        line = self._lines[stream.tenant, stream.stream_id]
        try:
            until_ns = self._clock.now_ns() + TURN_NS
            for row in self._waiting(stream, BATCH):
                self._one(stream, row)
                line.wait_s, line.next_ns, line.since_ns = 0, 0, 0
                if (
                    self._clock.now_ns() >= until_ns
                ):  # a slow receiver goes to the back of the line: there are few threads
                    break
        except (UnavailableError, RefusedError) as fault:
            self._wait(stream, line, fault)
        except Exception as fault:  # noqa: BLE001 - told, and tried again; a pool's thread must not swallow it
            self._wait(stream, line, fault)
        finally:
            line.busy = False

    def _one(self, stream: Stream, row: Outgoing) -> None:
        headers = {"content-type": MEDIA_TYPE}
        if stream.delivery.sealed:
            opened = self._secrets.decrypt(stream.tenant, secret_name(stream.stream_id), stream.delivery.sealed)
            headers["authorization"] = opened.decode()
        answer = self._post(stream.delivery.url, row.token.encode(), headers)
        if answer.status not in _ACCEPTED:
            said = _refusal(answer)
            self._on_refused(stream, row.jti, said.err, shown(said.description))
        self._store.delivered(stream.tenant, stream.stream_id, [row.jti])
        self._store.hear(stream.tenant, stream.stream_id, self._clock.now_ns())

    def _wait(self, stream: Stream, line: _Line, fault: Exception) -> None:
        now_ns = self._clock.now_ns()
        line.wait_s = min(LONGEST_WAIT_S, max(FIRST_WAIT_S, line.wait_s * 2))
        line.next_ns = now_ns + line.wait_s * _SECOND_NS
        line.since_ns = line.since_ns or now_ns
        code = fault.code if isinstance(fault, OstiaryError) else type(fault).__name__
        self._on_fault(FAILED, fault)
        if now_ns - line.since_ns >= self._rules.give_up_s * _SECOND_NS and stream.status == ENABLED:
            line.since_ns = 0
            self._pause(Caller(stream.tenant, _BY), stream.stream_id, PAUSED, f"not delivered: {code}")

    def _waiting(self, stream: Stream, limit: int) -> list[Outgoing]:
        only = stream.status != ENABLED
        return self._store.waiting(stream.tenant, stream.stream_id, limit, only_always=only)

    def _forget_others(self, known: set[tuple[str, str]]) -> None:
        with self._lock:
            for place in [place for place, line in self._lines.items() if place not in known and not line.busy]:
                del self._lines[place]


def _refusal(answer: Answer) -> SetError:
    """Return why the receiver refused the token for good.

    Raises:
        UnavailableError: it did not: try again.
    """
    if answer.status == _BAD_REQUEST:
        try:
            said = msgspec.json.decode(answer.body, type=SetError)
        except UNREADABLE:
            said = SetError("")
        if said.err in ERRORS and said.err not in _OURS:
            return said
    raise UnavailableError("receiver_away", f"the receiver answered {answer.status}")
