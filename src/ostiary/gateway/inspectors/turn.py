"""One request on its way through the inspectors, and what an inspector is: sans I/O, in one ordered list.

- ``on_prompt`` sees what was read of a request before it is decided on; ``on_chunk`` each piece of an answer's text
  before it leaves; ``on_response`` the whole answer, with the calls that wait, before its end leaves.
- An inspector answers with a value. It decides nothing: a ``Block`` or ``Ask`` of a prompt goes to policy, of an answer
  it ends the answer. The harshest of all answers counts.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from ostiary.gateway.openai.asked import LlmAsked
from ostiary.gateway.ports import CallAsked, CallJudged
from ostiary.vocabulary.inspecting import Finding, Verdict
from ostiary.vocabulary.labels import SessionLabel


class Pass(msgspec.Struct, frozen=True):
    """Nothing against it."""

    verdict = Verdict.PASS


class Redact(msgspec.Struct, frozen=True):
    """It may go on as ``text``."""

    text: str
    verdict = Verdict.REDACT


class Block(msgspec.Struct, frozen=True):
    """It must not go on, because of ``code``."""

    code: str
    verdict = Verdict.BLOCK


class Ask(msgspec.Struct, frozen=True):
    """It may go on when the asker has proved itself again, because of ``code``."""

    code: str
    verdict = Verdict.ASK


Action = Pass | Redact | Block | Ask
PASS: Final = Pass()
_ORDER: Final = tuple(Verdict)


class Seen(msgspec.Struct, frozen=True):
    """What was thought of one text: its digest, where it stood, and what was found."""

    place: str
    digest: str
    channel: str
    verdict: Verdict = Verdict.PASS
    score: float = 0.0
    findings: tuple[Finding, ...] = ()


class Turn(msgspec.Struct, kw_only=True):
    """What is known of one request while it is worked on.

    Attributes:
        tenant, subject: the asker, ``type:id``.
        asked: what was read.
        label: what all of it joins to, with what the conversation was before.
        verdict: the harshest of the prompt.
        nonce: what nobody can guess of this request.
        minute: when it came, in minutes.
        available: whether everything that inspects was there.
        seen: what was thought of each text.
        canary: a text that no answer holds.
        cited: canaries of retrieved documents in the prompt, which no answer holds either.
        calls: the calls of an answer, by their names in it, and what was thought of them.
    """

    tenant: str
    subject: str
    asked: LlmAsked
    label: SessionLabel
    nonce: str = ""
    minute: int = 0
    verdict: Verdict = Verdict.PASS
    available: bool = True
    seen: list[Seen] = []
    canary: str = ""
    cited: tuple[str, ...] = ()
    calls: dict[Any, CallAsked] = {}
    judged: list[CallJudged] = []

    @property
    def rules(self) -> list[str]:
        """The rules that found something in the prompt, sorted."""
        return sorted({finding.rule for one in self.seen for finding in one.findings})


class Inspector(Protocol):
    """One inspector; safe for several threads."""

    def on_prompt(self, turn: Turn) -> Action:
        """Look at a request."""
        ...

    def on_chunk(self, turn: Turn, text: str) -> Action:
        """Look at a piece of an answer."""
        ...

    def on_response(self, turn: Turn) -> Action:
        """Look at an answer before its end leaves."""
        ...


class Quiet:
    """An inspector that has nothing to say; others replace what they care for."""

    def on_prompt(self, _turn: Turn) -> Action:
        """Pass."""
        return PASS

    def on_chunk(self, _turn: Turn, _text: str) -> Action:
        """Pass."""
        return PASS

    def on_response(self, _turn: Turn) -> Action:
        """Pass."""
        return PASS


def look(inspectors: Sequence[Inspector], turn: Turn) -> Verdict:
    """Let all inspectors look at a request, in order, and return the harshest verdict."""
    turn.verdict = hardest(inspector.on_prompt(turn) for inspector in inspectors).verdict
    return turn.verdict


def look_back(inspectors: Sequence[Inspector], turn: Turn) -> Action:
    """Let all inspectors look at an answer and return the harshest action."""
    return hardest(inspector.on_response(turn) for inspector in inspectors)


def hardest(actions: Iterable[Action]) -> Action:
    """Return the harshest of some actions; of equal ones the first."""
    return max(actions, key=lambda action: _ORDER.index(action.verdict), default=PASS)
