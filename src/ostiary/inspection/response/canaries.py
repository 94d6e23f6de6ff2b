r"""Canaries: words that nobody may say, and the ways in which a model may be made to say them.

- A canary of a request stands in the operator's prompt, one of a document in its chunk. Whoever gets it out got out
  more.
- Found is also what is spaced, in other case, full of invisible characters, reversed, rotated (rot13), base64 or hex
  (of upper, lower and reversed spelling, at every alignment), percent- or ``\x``-escaped, or written as character
  codes.
- What is held back is the longest tail that begins one of these spellings; in prose that is a letter or two.

>>> canary = canary_for(b"k" * 32, "default", "request", "r-17")
>>> canary == canary_for(b"k" * 32, "default", "request", "r-17"), len(canary)
(True, 29)
"""

import base64
import codecs
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from ostiary.errors import FaultyInputError
from ostiary.inspection.response.spans import Span
from ostiary.keys.hashing import keyed_hash

PREFIX: Final = "oc-"
MIN_LETTERS: Final = 4
MAX_LETTERS: Final = 512
MAX_CANARIES: Final = 256
_DERIVED: Final = 8  # a shorter encoded spelling would be found in prose
_ENOUGH: Final = 20  # letters of an encoded spelling, by which it is known
_CUT: Final = (0, 2, 3)  # base64 digits that also depend on what stands before, by alignment
_TRIM: Final = 8_192


def canary_for(secret: bytes, tenant: str, scope: str, name: str) -> str:
    """Return the canary of one request or document: the same each time, and nobody's guess.

    Args:
        secret: of the tenant.
        tenant: whose.
        scope: ``request`` or ``document``.
        name: the request's or the document's id.
    """
    said = b"\0".join((b"ostiary/canary/v1", tenant.encode(), scope.encode(), name.encode()))
    return PREFIX + base64.b32encode(keyed_hash(secret, said)).decode().lower()[:26]


@lru_cache(maxsize=4096)
def letters(character: str) -> str:
    """Return what counts of a character: letters and digits, in one case, without accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", character).lower() if one.isalnum())


_ASCII: Final = {chr(code): letters(chr(code)) for code in range(128) if letters(chr(code))}


def _projected(text: str) -> str:
    return "".join(map(letters, text))


def spellings(canary: str) -> frozenset[str]:
    """Return the letters of every spelling of ``canary`` that is looked for.

    Raises:
        FaultyInputError: ``canary_malformed``.
    """
    plain = _projected(canary)
    if not MIN_LETTERS <= len(plain) <= MAX_LETTERS:
        raise FaultyInputError("canary_malformed", f"a canary has {MIN_LETTERS} to {MAX_LETTERS} letters and digits")
    turned = codecs.encode(plain, "rot13")
    derived = {_projected(spelt)[:_ENOUGH] for spelt in _derived(canary, plain)}
    return frozenset(
        {plain, plain[::-1], turned, turned[::-1], *(spelt for spelt in derived if len(spelt) >= _DERIVED)}
    )


def _derived(canary: str, plain: str) -> Iterator[str]:
    for text in {canary, canary.upper(), plain, plain.upper()}:
        for turned in (text, text[::-1]):
            data = turned.encode("utf-8", "replace")
            for digits in _base64s(data):
                yield digits
                yield digits[::-1]
            yield data.hex()
            yield data.hex()[::-1]
            yield "x" + data.hex("x")
            yield "".join(f"u{ord(character):04x}" for character in turned)
            yield "".join(map(str, data))
    for once in _base64s(canary.encode("utf-8", "replace")):
        yield from _base64s(once.encode())


def _base64s(data: bytes) -> Iterator[str]:
    """Yield the digits of base64 that ``data`` alone decides, at each of the three alignments."""
    for before, cut in enumerate(_CUT):
        digits = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        whole = (before + len(data)) * 8 // 6
        yield digits[cut:whole]


class Needles:
    """Many words at once (Aho and Corasick 1975), over letters."""

    def __init__(self, words: Mapping[str, str]) -> None:
        """Build from words and the rule that each stands for."""
        self.steps: list[dict[str, int]] = [{}]
        self.depth = [0]
        self.rules: list[dict[int, str]] = [{}]  # by length of the word that ends here
        self.longest = max(map(len, words), default=0)
        for word, rule in words.items():
            self._add(word, rule)
        self._fail = self._links()

    def step(self, state: int, letter: str) -> int:
        """Return the state after ``letter``, where ``steps`` does not say it yet."""
        after = self._fallen(self._fail, state, letter)
        self.steps[state][letter] = after  # the next time it is looked up
        return after

    def _add(self, word: str, rule: str) -> None:
        state = 0
        for letter in word:
            if letter not in self.steps[state]:
                self.steps[state][letter] = len(self.steps)
                self.steps.append({})
                self.depth.append(self.depth[state] + 1)
                self.rules.append({})
            state = self.steps[state][letter]
        self.rules[state].setdefault(len(word), rule)

    def _links(self) -> list[int]:
        fail = [0] * len(self.steps)
        queue = deque(self.steps[0].values())
        while queue:
            state = queue.popleft()
            for letter, child in self.steps[state].items():
                fail[child] = self._fallen(fail, fail[state], letter)
                self.rules[child] = {**self.rules[fail[child]], **self.rules[child]}
                queue.append(child)
        return fail

    def _fallen(self, fail: list[int], state: int, letter: str) -> int:
        while state and letter not in self.steps[state]:
            state = fail[state]
        return self.steps[state].get(letter, 0)


@lru_cache(maxsize=16)  # of the answers that are under way
def needles(canaries: tuple[tuple[str, str], ...]) -> Needles:
    """Return the automaton for canaries with their rules.

    Raises:
        FaultyInputError: ``canary_malformed``, ``too_many_canaries``.
    """
    if len(canaries) > MAX_CANARIES:
        raise FaultyInputError("too_many_canaries", f"{MAX_CANARIES} canaries at most can be watched")
    return Needles({word: rule for canary, rule in canaries for word in spellings(canary)})


class CanaryWatch:
    """Follows one stream through the needles."""

    def __init__(self, words: Needles) -> None:
        """Begin."""
        self._words = words
        self._state = 0
        self._seen = 0
        self._places: list[int] = []  # of the last letters

    @property
    def hold(self) -> int:
        """Return where the tail begins that may become a spelling."""
        depth = self._words.depth[self._state]
        return self._places[-depth] if depth else self._seen

    def feed(self, start: int, seen: str) -> list[Span]:
        """Look at the next characters."""
        found: list[Span] = []
        words, state, places = self._words, self._state, self._places
        steps, rules = words.steps, words.rules
        for position, character in enumerate(seen, start):
            for letter in _ASCII.get(character) or letters(character):
                after = steps[state].get(letter)
                state = words.step(state, letter) if after is None else after
                if state:
                    places.append(position)
                    if rules[state]:
                        found += [Span(places[-size], position + 1, rule) for size, rule in rules[state].items()]
        self._state, self._seen = state, start + len(seen)
        if len(places) > _TRIM + words.longest:
            del places[: -words.longest or None]
        return found

    def close(self) -> list[Span]:
        """Return nothing: what was found was told at once."""
        self._state = 0
        return []
