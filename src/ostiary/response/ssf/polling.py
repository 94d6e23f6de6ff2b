"""Fetches event tokens from transmitters that are polled (RFC 8936), and asks transmitters for a verification.

Rules:

- a token that was taken is acknowledged only after it is recorded; so is one that was taken before;
- one that is refused is reported with an error of RFC 8935 §2.4, so that the transmitter does not send it for ever;
- one that cannot be taken now is neither: it comes again;
- an answer is bounded; a transmitter that fails is left alone for a while, longer each time;
- one that is slow, or always promises more, has its turn and no more: others are waiting.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from typing_extensions import override

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.secevent import SetRefusal, push_error
from ostiary.keys import new_secret
from ostiary.response.ssf.intake import Intake, Receiver, Taken
from ostiary.response.ssf.limits import MAX_POLLED
from ostiary.response.ssf.mailbox import PollAnswer
from ostiary.response.ssf.ports import OnFault
from ostiary.response.ssf.sending import Post
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.unreadable import UNREADABLE

FAILED: Final = "signals_not_polled"
FIRST_WAIT_S: Final = 5
LONGEST_WAIT_S: Final = 300
MAX_ROUNDS: Final = 20
TURN_NS: Final = 5_000_000_000
_SECOND_NS: Final = 1_000_000_000
_OK: Final = 200
_ACCEPTED: Final = frozenset({200, 202, 204})


class Source(msgspec.Struct, frozen=True):
    """Where a transmitter is reached by us.

    Attributes:
        poll_url: where to fetch; empty = it pushes.
        verify_url: where to ask for a verification; empty = nowhere.
        stream_id: its name for our stream.
        authorization: the ``Authorization`` header to send; a secret.
        every_s: how often to fetch.
    """

    poll_url: str = ""
    verify_url: str = ""
    stream_id: str = ""
    authorization: str = ""
    every_s: int = 10

    @override
    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"Source({self.poll_url!r})"


class Polled(msgspec.Struct, frozen=True):
    """What one round of polling brought."""

    receiver: str
    taken: tuple[Taken, ...]
    refused: dict[str, str]
    known: int
    more: bool


class Poller:
    """Polls transmitters."""

    def __init__(
        self, intake: Intake, sources: Mapping[str, Source], post: Post, clock: Clock, on_fault: OnFault
    ) -> None:
        """Take who takes tokens, and where each receiver's transmitter is."""
        self._intake = intake
        self.sources = sources
        self._post = post
        self._clock = clock
        self._on_fault = on_fault
        self._next_ns: dict[str, int] = {}
        self._wait_s: dict[str, int] = {}

    def turn(self) -> int:
        """Poll every transmitter that is due; return how many were."""
        now_ns = self._clock.now_ns()
        due = [name for name, one in self.sources.items() if one.poll_url and self._next_ns.get(name, 0) <= now_ns]
        for name in due:
            try:
                self._empty(name)
            except Exception as fault:  # noqa: BLE001 - told, and tried again later
                self._failed(name, fault)
            else:
                self._wait_s[name] = 0
                self._next_ns[name] = now_ns + self.sources[name].every_s * _SECOND_NS
        return len(due)

    def _empty(self, name: str) -> None:
        """Poll until nothing is left, but not for so long that other transmitters must wait."""
        until_ns = self._clock.now_ns() + TURN_NS
        for _ in range(1 + MAX_ROUNDS):
            if not self.poll(name).more or self._clock.now_ns() >= until_ns:
                break

    def poll(self, name: str) -> Polled:
        """Poll once, take what comes, and say what was taken.

        Raises:
            RefusedError: ``receiver_unknown``, ``receiver_not_polled``, ``address_refused``.
            UnavailableError: ``receiver_away``.
        """
        receiver, source = self._known(name)
        if not source.poll_url:
            raise RefusedError("receiver_not_polled", "the transmitter of this receiver pushes")
        answer = self._ask(source, {"maxEvents": MAX_POLLED, "returnImmediately": True})
        taken, refused, known = self._take(receiver, answer.sets)
        if taken or refused or known:
            errors = {jti: {"err": push_error(code), "description": code} for jti, code in refused.items()}
            ack = [*(one.jti for one in taken), *known]
            self._ask(source, {"maxEvents": 0, "returnImmediately": True, "ack": ack, "setErrs": errors})
        return Polled(name, tuple(taken), refused, len(known), answer.more_available)

    def ask_verification(self, name: str) -> str:
        """Ask the transmitter to send a verification event; return the state that it must carry.

        Raises:
            RefusedError: ``receiver_unknown``, ``receiver_not_verifiable``, ``address_refused``.
            UnavailableError: ``receiver_away``.
        """
        receiver, source = self._known(name)
        if not source.verify_url:
            raise RefusedError("receiver_not_verifiable", "no address to ask for a verification is configured")
        state = new_secret()
        self._intake.expect(receiver, state)
        answer = self._send(source, source.verify_url, {"stream_id": source.stream_id, "state": state})
        if answer.status not in _ACCEPTED:
            raise UnavailableError("receiver_away", f"the transmitter answered {answer.status}")
        return state

    def _take(self, receiver: Receiver, sets: Mapping[str, str]) -> tuple[list[Taken], dict[str, str], list[str]]:
        taken: list[Taken] = []
        refused: dict[str, str] = {}
        known: list[str] = []
        for jti, text in sets.items():
            try:
                one = self._intake.take(receiver, text)
                if one.jti != jti:  # filed under a name that is not its own; taken all the same, it was verified
                    known.append(jti)
                else:
                    taken.append(one)
            except RefusedError as no:
                if no.code == SetRefusal.SET_REPLAYED:
                    known.append(jti)
                else:
                    refused[jti] = no.code
            except UnavailableError as away:
                self._on_fault(FAILED, away)
        return taken, refused, known

    def _ask(self, source: Source, body: dict[str, Any]) -> PollAnswer:
        answer = self._send(source, source.poll_url, body)
        if answer.status != _OK:
            raise UnavailableError("receiver_away", f"the transmitter answered {answer.status}")
        try:
            found = msgspec.json.decode(answer.body, type=PollAnswer)
        except UNREADABLE as fault:
            raise UnavailableError("receiver_away", "the transmitter's answer is malformed") from fault
        return found

    def _send(self, source: Source, url: str, body: dict[str, Any]) -> Any:
        headers = {"content-type": "application/json"}
        if source.authorization:
            headers["authorization"] = source.authorization
        return self._post(url, msgspec.json.encode(body), headers)

    def _known(self, name: str) -> tuple[Receiver, Source]:
        receiver, source = self._intake.receivers.get(name), self.sources.get(name)
        if receiver is None or source is None:
            raise RefusedError("receiver_unknown", "there is no such receiver")
        return receiver, source

    def _failed(self, name: str, fault: Exception) -> None:
        wait_s = min(LONGEST_WAIT_S, max(FIRST_WAIT_S, self._wait_s.get(name, 0) * 2))
        self._wait_s[name] = wait_s
        self._next_ns[name] = self._clock.now_ns() + wait_s * _SECOND_NS
        self._on_fault(FAILED, fault)
