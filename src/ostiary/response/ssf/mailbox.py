"""Delivery by poll: the receiver fetches, says what it has, and says what it could not read (RFC 8936).

Rules:

- what is acknowledged, or refused with an error, is gone; everything else comes again with the next poll;
- at most ``MAX_POLLED`` event tokens an answer; ``moreAvailable`` says whether more wait;
- what a receiver could not read is recorded: it points to keys or clocks that do not fit;
- a stream that is not enabled gives only what is to be said always.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.identity.secevent.reasons import ERRORS
from ostiary.response.ssf.limits import MAX_ACKED, MAX_POLLED
from ostiary.response.ssf.ports import StreamStore
from ostiary.response.ssf.streams import ENABLED, Stream
from ostiary.signals.texts import shown

_INVALID: Final = "poll_invalid"
Refused = Callable[[Stream, str, str, str], None]
"""Records that a receiver refused an event token: stream, jti, error code, description."""


class SetError(msgspec.Struct, frozen=True):
    """Why a receiver could not read an event token (RFC 8936 §2.4)."""

    err: str
    description: str = ""


class Poll(msgspec.Struct, frozen=True, rename="camel"):
    """What a receiver says when it polls (RFC 8936 §2.2)."""

    max_events: int = MAX_POLLED
    return_immediately: bool = False
    ack: tuple[str, ...] = ()
    set_errs: dict[str, SetError] = {}


class PollAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What it gets."""

    sets: dict[str, str] = {}
    more_available: bool = False


def read_poll(body: Mapping[str, Any]) -> Poll:
    """Return the request.

    Raises:
        FaultyInputError: ``poll_invalid``.
    """
    try:
        poll = msgspec.convert(dict(body), Poll)
    except msgspec.ValidationError as fault:
        raise FaultyInputError(_INVALID, f"the poll is malformed: {shown(str(fault).lower())}") from None
    if poll.max_events < 0 or len(poll.ack) > MAX_ACKED or len(poll.set_errs) > MAX_ACKED:
        text = f"`maxEvents` must not be negative, `ack` and `setErrs` hold at most {MAX_ACKED}"
        raise FaultyInputError(_INVALID, text)
    return poll


class Mailbox:
    """Answers polls of streams that the caller may read."""

    def __init__(self, store: StreamStore, on_refused: Refused) -> None:
        """Take the store and who records refusals."""
        self._store = store
        self._on_refused = on_refused

    def settle(self, stream: Stream, poll: Poll) -> None:
        """Forget what the receiver has or could not read.

        Raises:
            UnavailableError: what it could not read cannot be recorded; nothing is forgotten.
        """
        waiting = set()
        if poll.set_errs:
            waiting = {row.jti for row in self._store.waiting(stream.tenant, stream.stream_id, MAX_ACKED)}
        for jti in [jti for jti in poll.set_errs if jti in waiting]:
            said = poll.set_errs[jti]
            self._on_refused(stream, jti, said.err if said.err in ERRORS else "unknown", shown(said.description))
        done = dict.fromkeys((*poll.ack, *poll.set_errs))
        if done:
            self._store.delivered(stream.tenant, stream.stream_id, list(done))

    def answer(self, stream: Stream, poll: Poll) -> PollAnswer:
        """Return what waits."""
        count = min(poll.max_events, MAX_POLLED)
        only = stream.status != ENABLED
        rows = self._store.waiting(stream.tenant, stream.stream_id, count + 1, only_always=only)
        return PollAnswer({row.jti: row.token for row in rows[:count]}, len(rows) > count)
