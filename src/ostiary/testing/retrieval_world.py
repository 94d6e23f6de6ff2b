"""A little organisation whose rights change all the time, and an oracle that knows what is right at every moment.

The oracle reads the source's own truth, one document after the other; it shares no code with the search but ``permits``
and the embedder. A ``check`` is one change (of rights, texts, groups or of what the index knows) and one search.
"""

import random
from typing import Any, Final

import msgspec
import numpy as np

from ostiary.rag.embedding import HashedEmbedder
from ostiary.rag.exact import ExactStore
from ostiary.rag.opaque import Names
from ostiary.rag.ports import Asker
from ostiary.rag.reading import Reader
from ostiary.rag.retrieval import Retrieval
from ostiary.rag.rights import Rule, allow_deny, permits, step
from ostiary.testing.rag import FixedFilters, MemoryBook, MemorySource

TENANT: Final = "default"
INDEX: Final = "world"
CLOSE: Final = 1e-5
_WORDS: Final = tuple(
    f"{first}{last}"
    for first in ("har", "led", "tur", "li", "quar", "sad")
    for last in ("bour", "ger", "bine", "chen", "tz")
)
_ODD: Final = ("o'brien", 'a" OR 1=1 --', "*", "user:u1", "ünï", "group:g1")


class Outcome(msgspec.Struct):
    """What came of a number of checks."""

    checks: int = 0
    passages: int = 0
    forbidden: int = 0
    missing: int = 0
    wrong_order: int = 0


class World:
    """Documents, people and groups; everything is drawn from one seed."""

    def __init__(self, seed: int, documents: int = 60, people: int = 12, groups: int = 8) -> None:
        """Make it and read it into an index once."""
        self._chance = random.Random(seed)  # noqa: S311 - a simulation
        self._embedder = HashedEmbedder()
        book = MemoryBook()
        self.source = MemorySource()
        store = ExactStore(book, self._embedder.dimension)
        self._reader = Reader(book, store, self._embedder, Names(lambda _: b"k" * 32))
        self._retrieval = Retrieval(book, store, self._embedder, lambda _t, _i: [self.source], FixedFilters())
        self._people = [f"user:u{number}" for number in range(people)]
        self._groups = [*(f"g{number}" for number in range(groups)), *_ODD]
        self._members = {person: self._some(self._groups, 4) for person in self._people}
        self._vectors: dict[str, Any] = {}
        self._number = 0
        for _ in range(documents):
            self._new()
        self.read()

    def read(self) -> None:
        """Let the index catch up."""
        self._reader.read(TENANT, INDEX, self.source, 1)

    def run(self, checks: int) -> Outcome:
        """Do a number of checks."""
        told = Outcome()
        for _ in range(checks):
            fresh = self._change()
            asker = self._asker()
            query = self._text(6)
            k = self._chance.randrange(1, 11)
            found = [(one.document, one.score) for one in self._retrieval.search(asker, INDEX, query, k)]
            told.checks += 1
            self._judge(told, asker.principals(), found)
            if fresh:  # the index knows all: then nothing may be missing either
                told.missing += self._missing(asker.principals(), query, k, found)
        return told

    def unguarded(self, checks: int, k: int = 5) -> Outcome:
        """Do searches of everything, as an index does that knows no rights, and count what the asker may not read."""
        told = Outcome()
        for _ in range(checks):
            mine = self._asker().principals()
            vector = self._embedder.embed([self._text(6)])[0]
            texts = self.source.texts
            best = sorted(texts, key=lambda name: -float(np.dot(self._vector(texts[name]), vector)))[:k]
            told.checks += 1
            told.passages += len(best)
            told.forbidden += sum(not permits(self.source.rules[name], mine) for name in best)
        return told

    def _judge(self, told: Outcome, mine: frozenset[str], found: list[tuple[str, float]]) -> None:
        rules = self.source.rules
        told.passages += len(found)
        told.forbidden += sum(name not in rules or not permits(rules[name], mine) for name, _ in found)
        scores = [score for _, score in found]
        told.wrong_order += scores != sorted(scores, reverse=True)

    def _missing(self, mine: frozenset[str], query: str, k: int, found: list[tuple[str, float]]) -> int:
        """Return how many of the best ``k`` are not there, by an exact search of everything that is permitted."""
        vector = self._embedder.embed([query])[0]
        rules = self.source.rules
        right = [
            float(np.dot(self._vector(text), vector))
            for name, text in self.source.texts.items()
            if permits(rules[name], mine)
        ]
        best = sorted(right, reverse=True)[:k]
        got = [score for _, score in found]
        return abs(len(best) - len(got)) + sum(abs(a - b) > CLOSE for a, b in zip(best, got, strict=False))

    def _vector(self, text: str) -> Any:
        if text not in self._vectors:
            self._vectors[text] = self._embedder.embed([text])[0]
        return self._vectors[text]

    def _change(self) -> bool:
        """Change something; return whether the index knows of all changes afterwards."""
        chance, kind = self._chance, self._chance.random()
        names = list(self.source.texts)
        name = chance.choice(names)
        if kind < 0.5:  # noqa: PLR2004 - shares of a simulation
            self.source.rules[name] = self._rule()
        elif kind < 0.6:  # noqa: PLR2004
            self.source.texts[name] = self._text(12)
        elif kind < 0.65:  # noqa: PLR2004
            self.source.delete(name)
            self._new()
        elif kind < 0.8:  # noqa: PLR2004
            self._members[chance.choice(self._people)] = self._some(self._groups, 4)
        else:
            self.read()
            return True
        return False

    def _new(self) -> None:
        self._number += 1
        # Names are given again: a document that was deleted comes back as another one.
        self.source.put(f"d{self._number % 90}", self._text(12), self._rule())

    def _rule(self) -> Rule:
        chance = self._chance
        named = [*self._people, *(f"group:{name}" for name in self._groups), "*"]
        rule = allow_deny(self._some(named, 3), self._some(named, 2) if chance.random() < 0.4 else ())  # noqa: PLR2004
        if chance.random() < 0.2:  # noqa: PLR2004 - a directory on the way
            return ((step(self._some(named, 6), allow=True),), *rule)
        return rule

    def _asker(self) -> Asker:
        person = self._chance.choice(self._people)
        return Asker(TENANT, person, tuple(self._members[person]))

    def _some(self, among: list[str], most: int) -> list[str]:
        return self._chance.sample(among, self._chance.randrange(most + 1))

    def _text(self, words: int) -> str:
        return " ".join(self._chance.choices(_WORDS, k=words))
