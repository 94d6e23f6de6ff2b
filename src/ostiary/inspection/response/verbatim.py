"""Quotations: whether a text repeats a document word for word, and whether the asker may read that document.

- Eight words in a row are a quotation (``LeakSettings.words``), whatever stands between the words and in whatever
  case. What also stands in a document that the asker may read is no leak.
- The documents become one suffix automaton of words (Blumer 1985): after each word it says how many of the last words
  stand in a document in this order. Those are held back, and no others: in prose about something else, a word or two.

>>> watch = VerbatimWatch(substrings(("the quick brown fox jumps over the lazy dog today",)), substrings(()), 8)
>>> watch.feed(0, "he said: quick, brown fox jumps over the lazy dog! ")
[]
>>> watch.feed(51, "And ")
[Span(start=9, end=49, rule='document.verbatim')]
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.inspection.response.spans import Span
from ostiary.inspection.response.words import Word, WordReader, words_of

LEAK: Final = "document.verbatim"
CITED: Final = "document.cited"
MAX_WORDS: Final = 200_000  # of all documents of one stream
_TOLD: Final = 2_000  # characters
_KEPT: Final = 4_096


class Substrings:
    """A suffix automaton over the words of documents."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        """Build; no match crosses from one document to the next."""
        self._next: list[dict[str, int]] = [{}]
        self._link = [-1]
        self._length = [0]
        self._last = 0
        self.vocabulary = sorted({word for document in documents for word in document})
        for index, document in enumerate(documents):
            for word in document:
                self._extend(word)
            self._extend(f"\0{index}")  # no word has a NUL

    def step(self, state: int, length: int, word: str) -> tuple[int, int]:
        """Return state and length of the longest tail that stands in a document, after ``word``."""
        while state and word not in self._next[state]:
            state = self._link[state]
            length = self._length[state]
        after = self._next[state].get(word)
        return (0, 0) if after is None else (after, length + 1)

    def begins(self, partial: str) -> bool:
        """Return whether a word of a document begins with ``partial``."""
        at = bisect_left(self.vocabulary, partial)
        return at < len(self.vocabulary) and self.vocabulary[at].startswith(partial)

    def _state(self, length: int, link: int, steps: dict[str, int]) -> int:
        self._next.append(steps)
        self._link.append(link)
        self._length.append(length)
        return len(self._next) - 1

    def _extend(self, word: str) -> None:
        new, state = self._state(self._length[self._last] + 1, 0, {}), self._last
        while state >= 0 and word not in self._next[state]:
            self._next[state][word] = new
            state = self._link[state]
        if state >= 0:
            after = self._next[state][word]
            straight = self._length[after] == self._length[state] + 1
            self._link[new] = after if straight else self._split(state, word, after)
        self._last = new

    def _split(self, state: int, word: str, after: int) -> int:
        copy = self._state(self._length[state] + 1, self._link[after], dict(self._next[after]))
        while state >= 0 and self._next[state].get(word) == after:
            self._next[state][word] = copy
            state = self._link[state]
        self._link[after] = copy
        return copy


@lru_cache(maxsize=16)  # of the answers that are under way
def substrings(texts: tuple[str, ...]) -> Substrings:
    """Return the automaton of documents.

    Raises:
        FaultyInputError: ``documents_too_long``.
    """
    documents = [[word.text for word in words_of(text)] for text in texts]
    if sum(map(len, documents)) > MAX_WORDS:
        raise FaultyInputError("documents_too_long", f"the documents may have {MAX_WORDS} words together")
    return Substrings(documents)


class VerbatimWatch:
    """Follows one stream through the documents that the asker may not read, and those that he may."""

    def __init__(self, foreign: Substrings, own: Substrings, words: int, *, eager: bool = False) -> None:
        """Call ``words`` in a row a quotation; ``eager`` tells at once, for a text that ends there."""
        self._foreign, self._own = foreign, own
        self._words = words
        self._eager = eager
        self._reader = WordReader()
        self._foreign_at = self._own_at = (0, 0)
        self._recent: list[Word] = []
        self._seen = 0
        self._leak: tuple[int, int] | None = None
        self._cited: tuple[int, int] | None = None

    @property
    def hold(self) -> int:
        """Return where the words begin that may become a quotation."""
        if self._leak is not None:
            return self._leak[0]
        tail = self._tail(self._foreign_at[1])
        if tail:
            return self._recent[-tail].start
        partial = self._reader.partial
        return self._reader.began if partial and self._foreign.begins(partial.lower()) else self._seen

    def feed(self, start: int, seen: str) -> list[Span]:
        """Look at the next characters."""
        found = [span for word in self._reader.read(start, seen) for span in self._word(word)]
        self._seen = start + len(seen)
        return found

    def close(self) -> list[Span]:
        """Tell what is still under way."""
        found = [span for word in self._reader.rest(self._seen) for span in self._word(word)]
        self._foreign_at = (0, 0)
        return found + self._ended(leak=False, cited=False)

    def _word(self, word: Word) -> list[Span]:
        self._recent.append(word)
        self._foreign_at = self._foreign.step(*self._foreign_at, word.text)
        self._own_at = self._own.step(*self._own_at, word.text)
        cited = self._quotes(self._own_at[1]) and not self._long(word)
        leak = self._quotes(self._foreign_at[1]) and not cited
        found = self._ended(leak=leak, cited=cited)
        if leak:
            found += self._leaking(word)
        if cited:
            begin = self._cited[0] if self._cited else self._recent[-self._tail(self._own_at[1])].start
            self._cited = begin, word.end
        if len(self._recent) > 2 * _KEPT:
            del self._recent[:-_KEPT]
        return found

    def _leaking(self, word: Word) -> list[Span]:
        begin = self._leak[0] if self._leak else self._recent[-self._tail(self._foreign_at[1])].start
        if not self._eager:
            self._leak = begin, word.end
            return []
        return [Span(begin, word.end, LEAK)]

    def _ended(self, *, leak: bool, cited: bool) -> list[Span]:
        found = []
        if self._leak is not None and not leak:
            found.append(Span(*self._leak, LEAK))
            self._leak = None
        if self._cited is not None and not cited:
            found.append(Span(*self._cited, CITED))
            self._cited = None
        return found

    def _long(self, word: Word) -> bool:
        """Return whether a citation is to be told before what it began with is forgotten."""
        return self._cited is not None and word.end - self._cited[0] > _TOLD

    def _quotes(self, length: int) -> bool:
        return length >= self._words and self._weight(self._tail(length)) >= self._words

    def _tail(self, length: int) -> int:
        """Return how many of the last ``length`` words make a quotation; all of them while they do not."""
        weight = 0.0
        for count in range(1, min(length, 2 * self._words) + 1):
            weight += self._recent[-count].weight
            if weight >= self._words:
                return count
        return min(length, 2 * self._words)

    def _weight(self, tail: int) -> float:
        return sum(word.weight for word in self._recent[-tail:]) if tail else 0.0
