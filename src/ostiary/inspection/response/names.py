"""Names of people and places, where somebody gives a model that finds them; none is shipped.

- Such a model reads sentences, and no prefix of one says what the rest makes of it: a sentence is held until it is
  over, or is ``MAX_SENTENCE`` characters long. Where it ends depends on the text alone.

>>> class Capitals:
...     def find(self, sentence):
...         return [(0, 3, "person")] if sentence.startswith("Ada") else []
>>> from ostiary.inspection.response import Leaks
>>> scan = Leaks(names=Capitals()).scan()
>>> scan.feed("Ada wrote") + scan.feed(" it. Then") + scan.close()
'[REDACTED:pii.person] wrote it. Then'
"""

from collections.abc import Iterable
from typing import Final, Protocol

from ostiary.inspection.response.heard import Heard
from ostiary.inspection.response.spans import Span

MAX_SENTENCE: Final = 600
_ENDS: Final = frozenset(".!?\n。！？")  # noqa: RUF001 - full stops of other scripts


class NameFinder(Protocol):
    """Finds names. Safe for several threads."""

    def find(self, sentence: str) -> Iterable[tuple[int, int, str]]:
        """Return start, end and kind (a word such as ``person``) of each name in ``sentence``."""
        ...


class NameWatch:
    """Follows one stream sentence by sentence."""

    def __init__(self, finder: NameFinder, heard: Heard) -> None:
        """Begin a sentence."""
        self._finder = finder
        self._heard = heard
        self._began = 0
        self._seen = 0

    @property
    def hold(self) -> int:
        """Return where the sentence begins."""
        return self._began

    def feed(self, start: int, seen: str) -> list[Span]:
        """Look at the next characters."""
        found: list[Span] = []
        for position, character in enumerate(seen, start):
            if character in _ENDS or position - self._began >= MAX_SENTENCE:
                found += self._judged(position + 1)
        self._seen = start + len(seen)
        return found

    def close(self) -> list[Span]:
        """Look at what is left."""
        return self._judged(self._seen)

    def _judged(self, end: int) -> list[Span]:
        start, self._began = self._began, end
        sentence = self._heard.text(start, end)
        within = [(a, b, kind) for a, b, kind in self._finder.find(sentence) if 0 <= a < b <= len(sentence)]
        return [Span(start + a, start + b, f"pii.{kind}") for a, b, kind in within]
