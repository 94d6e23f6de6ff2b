"""What an answer consists of, as it goes out: texts that were scanned, and calls of tools that wait to be judged.

- A text leaves as far as its scan lets it; what is held back when the answer breaks off never leaves.
- A call of a tool leaves whole and judged, or not at all: nobody can take half of it back.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.errors import UnavailableError
from ostiary.gateway.openai.events import MALFORMED
from ostiary.gateway.ports import CallAsked, TextScan
from ostiary.vocabulary.inspecting import Finding, Verdict, harshest

MAX_TEXTS: Final = 256
MAX_CALLS: Final = 128
HARD: Final = frozenset({Verdict.ASK, Verdict.BLOCK})
Open = Callable[[bool], TextScan]
"""Opens a scan; for JSON inside a text (arguments of a call) when true: it looks through escapes."""


class AnswerLimits(msgspec.Struct, frozen=True):
    """How much one answer may hold: characters in all its texts, and one event of it in bytes."""

    characters: int = 4_000_000
    event_bytes: int = 1_048_576


DEFAULTS: Final = AnswerLimits()


class Stopped(Exception):  # noqa: N818 - it is a verdict, not a fault
    """A scan says that nothing more of the answer may leave."""

    def __init__(self, verdict: Verdict) -> None:
        """Keep the verdict."""
        super().__init__(verdict.value)
        self.verdict = verdict


class _Text:
    __slots__ = ("closed", "out", "scan")

    def __init__(self, scan: TextScan) -> None:
        self.scan, self.out, self.closed = scan, list[str](), False


class _Call:
    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id, self.name, self.arguments = "", "", list[str]()


class Collected:
    """Texts and calls of one answer, by whatever names them."""

    def __init__(self, opened: Open, limits: AnswerLimits = DEFAULTS) -> None:
        """Open a scan for each text."""
        self._open, self._limits = opened, limits
        self._texts: dict[Any, _Text] = {}
        self._calls: dict[Any, _Call] = {}
        self._length = 0
        self.out_length = self.in_bytes = 0

    def feed(self, name: Any, text: str, *, escaped: bool = False) -> str:
        """Take more of a text and return what may leave.

        Raises:
            Stopped: nothing more may.
            UnavailableError: ``upstream_malformed``: there is too much of it.
        """
        one = self._texts.get(name)
        if one is None:
            if len(self._texts) >= MAX_TEXTS:
                raise _too_much()
            one = self._texts[name] = _Text(self._open(escaped))
        if one.closed:
            raise UnavailableError(MALFORMED, "the model's server goes on with a text that it had ended")
        self._count(text)
        return self._took(one, one.scan.feed(text))

    def close(self, name: Any) -> str:
        """Return the rest of a text; nothing of one that is not there, or was closed.

        Raises:
            Stopped: it may not leave.
        """
        one = self._texts.get(name)
        if one is None or one.closed:
            return ""
        one.closed = True
        return self._took(one, one.scan.close())

    def text(self, name: Any) -> str | None:
        """Return all that left of a text."""
        one = self._texts.get(name)
        return None if one is None else "".join(one.out)

    def names(self) -> list[Any]:
        """Return the names of all texts, in order."""
        return list(self._texts)

    def call(self, name: Any, *, call_id: str = "", function: str = "", arguments: str = "") -> None:
        """Take more of a call.

        Raises:
            UnavailableError: ``upstream_malformed``: there are too many, or too much of one.
        """
        one = self._calls.get(name)
        if one is None:
            if len(self._calls) >= MAX_CALLS:
                raise _too_much()
            one = self._calls[name] = _Call()
        one.id, one.name = one.id or call_id, one.name or function
        self._count(arguments + function)
        one.arguments.append(arguments)

    def calls(self) -> dict[Any, CallAsked]:
        """Return all calls, whole."""
        return {name: CallAsked(one.id, one.name, "".join(one.arguments)) for name, one in self._calls.items()}

    def once(self, text: str) -> str:
        """Return JSON that comes whole, the arguments of a call, scanned.

        Raises:
            Stopped: it may not leave.
        """
        name = ("once", len(self._texts))
        return self.feed(name, text, escaped=True) + self.close(name)

    @property
    def verdict(self) -> Verdict:
        """The harshest verdict of all scans."""
        return harshest(one.scan.verdict for one in self._texts.values())

    @property
    def findings(self) -> list[Finding]:
        """All that was found."""
        return [finding for one in self._texts.values() for finding in one.scan.findings]

    def _took(self, one: _Text, text: str) -> str:
        if one.scan.verdict in HARD:
            raise Stopped(one.scan.verdict)
        if text:
            self.out_length += len(text)
            one.out.append(text)
        return text

    def _count(self, text: str) -> None:
        self._length += len(text)
        self.in_bytes += len(text.encode("utf-8", "surrogatepass"))
        if self._length > self._limits.characters:
            raise _too_much()


def _too_much() -> UnavailableError:
    return UnavailableError(MALFORMED, "the model's answer is too large")
