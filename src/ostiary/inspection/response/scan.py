"""One stream of text on its way out: what goes in piece by piece comes out with nothing in it that must not leave.

- ``feed`` returns what may leave now, ``close`` the rest. All that came out, joined, is the same for every way to cut
  the text, and the same as for the text in one piece: each watch decides by the text alone, and what leaves ends where
  the first watch still hesitates.
- ``ask`` and ``block`` end the text before the find; nothing of what follows leaves, whatever is fed.
- ``abandon`` is for a stream that broke: what was held back is dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ostiary.inspection.response.heard import Heard
from ostiary.inspection.response.regions import OVERFLOW
from ostiary.inspection.response.settings import VERDICTS, Action, LeakSettings, harsher, withholds
from ostiary.inspection.response.spans import Cluster, Span, Watch, clusters
from ostiary.vocabulary.inspecting import Finding, Verdict, harshest

MAX_FINDINGS: Final = 1_000
Replace = Callable[[str, str], str]
_RISKS: Final[Mapping[str, tuple[str, str]]] = {  # by class of rule: technique of ATLAS, risk of the OWASP list
    "secret": ("AML.T0057", "LLM02:2025"),
    "pii": ("AML.T0057", "LLM02:2025"),
    "canary": ("AML.T0056", "LLM07:2025"),
    "document": ("AML.T0057", "LLM02:2025"),
    "link": ("AML.T0077", "LLM05:2025"),
    "terminal": ("AML.T0077", "LLM05:2025"),
    "stream": ("", "LLM10:2025"),
}


def placeholder(rule: str, value: str) -> str:
    """Return what stands where a find of ``rule`` was; it says its kind, nothing of the value."""
    del value
    return "" if rule.startswith("terminal.") else f"[REDACTED:{rule}]"


class Scan:
    """Made by ``Leaks.scan``; for one stream, from one thread at a time."""

    def __init__(self, heard: Heard, watches: Sequence[Watch], settings: LeakSettings, replace: Replace) -> None:
        """Let ``watches`` look at what ``heard`` hears; ``replace`` makes the pseudonym of a rule's value."""
        self._heard = heard
        self._watches = watches
        self._settings = settings
        self._replace = replace
        self._left = 0  # seen characters that are done with
        self._raw_left = 0  # characters of the text as it came that are done with
        self._waiting: list[Span] = []
        self._told: list[tuple[Finding, Verdict]] = []
        self._more = Verdict.PASS  # of what was found after there was no room
        self._ended = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return what was found so far, in order; positions are those of the text as it came."""
        return tuple(sorted((told[0] for told in self._told), key=lambda found: (found.start, found.end, found.rule)))

    @property
    def verdict(self) -> Verdict:
        """Return the harshest verdict so far."""
        return harshest((self._more, *(told[1] for told in self._told)))

    @property
    def ended(self) -> bool:
        """Return whether nothing more will leave: the text was ended, closed or abandoned."""
        return self._ended

    @property
    def held(self) -> int:
        """Return how many characters are held back."""
        return 0 if self._ended else self._heard.length - self._raw_left

    def feed(self, text: str) -> str:
        """Take the next piece; return what may leave now."""
        if self._ended or not text:
            return ""
        return self._look(*self._heard.push(text))

    def close(self) -> str:
        """Take the end of the stream; return the rest."""
        if self._ended:
            return ""
        released = self._look(*self._heard.finish())
        for watch in self._watches:
            self._sort(watch.close())
        released += self._release(self._heard.seen)
        if not self._ended:
            released += self._heard.raw(self._raw_left, self._heard.length)
        self._ended = True
        return released

    def abandon(self) -> None:
        """Drop what is held back: the stream broke."""
        self._ended = True
        self._waiting.clear()

    def _look(self, start: int, seen: str) -> str:
        hold = self._heard.seen
        for watch in self._watches:
            found = watch.feed(start, seen)
            if found:
                self._sort(found)
            if (held := watch.hold) < hold:
                hold = held
        return self._release(hold) if self._waiting else self._leave(hold)

    def _sort(self, spans: list[Span]) -> None:
        """Keep what is to be taken out until all of it was heard; tell the rest at once, it stays where it is."""
        for span in spans:
            if withholds(self._action(span.rule)):
                self._waiting.append(span)
            elif self._action(span.rule) is not Action.OFF:
                self._tell(span)

    def _release(self, hold: int) -> str:
        """Let leave what lies before ``hold``; a find that reaches over it keeps back all of itself."""
        out: list[str] = []
        kept: list[Span] = []
        for cluster in clusters(self._waiting):
            if kept or cluster.end > hold:
                hold = min(hold, cluster.start)
                kept += cluster.spans
            elif not self._ended:
                out.append(self._settled(cluster))
        self._waiting = kept
        return "".join((*out, self._leave(hold)))

    def _leave(self, hold: int) -> str:
        """Return what stands between what has left and ``hold``."""
        if self._ended or hold <= self._left:
            return ""
        begin, self._left, self._raw_left = self._raw_left, hold, self._heard.first(hold)
        left = self._heard.raw(begin, self._raw_left)
        self._heard.forget(hold)
        return left

    def _settled(self, part: Cluster) -> str:
        """Return what leaves up to the end of ``part``, which does not."""
        for span in dict.fromkeys(part.spans):
            self._tell(span)
        rule, action = self._worst(part)
        start, end = self._heard.first(part.start), self._heard.last(part.end - 1)
        before = self._heard.raw(self._raw_left, start)
        if action in {Action.ASK, Action.BLOCK}:
            self._end(start)
            return f"{before}{self._shown(part, placeholder(rule, ''))}"
        value = self._heard.text(part.start, part.end)
        instead = self._replace(rule, value) if action is Action.TOKENISE else placeholder(rule, value)
        self._left, self._raw_left = part.end, end
        return f"{before}{self._shown(part, instead)}"

    def _end(self, start: int) -> None:
        """End the text: what was told of anything behind is as if it had not been said."""
        self._ended = True
        self._told = [told for told in self._told if told[0].start <= start]

    def _shown(self, part: Cluster, instead: str) -> str:
        """Return the replacement as it may stand there: outside of a JSON string it becomes one."""
        return instead if self._heard.quoted(part.start) else f'"{instead}"'

    def _worst(self, part: Cluster) -> tuple[str, Action]:
        worst = max(part.spans, key=lambda span: (harsher(self._action(span.rule)), span.end - span.start, span.rule))
        return worst.rule, self._action(worst.rule)

    def _action(self, rule: str) -> Action:
        return Action.BLOCK if rule == OVERFLOW else self._settings.action(rule)

    def _tell(self, span: Span) -> None:
        atlas, owasp = _RISKS.get(span.rule.partition(".")[0], ("", ""))
        start, end = self._heard.first(span.start), self._heard.last(span.end - 1)
        finding, verdict = Finding(span.rule, start, end, atlas=atlas, owasp=owasp), VERDICTS[self._action(span.rule)]
        if len(self._told) < MAX_FINDINGS:
            self._told.append((finding, verdict))
        else:
            self._more = harshest((self._more, verdict))
