"""A small world of documents, people and rights that change, and who may read what in it by the plainest means.

The same world is walked by the tests (some thousand steps) and by ``benchmarks/bench_rag.py`` (a million).
"""

import random
from collections.abc import Sequence
from typing import Final

from ostiary.rag.book import Book
from ostiary.rag.opaque import Names
from ostiary.rag.ports import Asker, Embedder, Passage, VectorStore
from ostiary.rag.reading import Reader
from ostiary.rag.retrieval import Retrieval
from ostiary.rag.rights import NOBODY, Rule, allow_deny, permits
from ostiary.testing.rag import FixedFilters, MemorySource

TENANTS: Final = ("acme", "beta")
INDEX: Final = "handbook"
PEOPLE: Final = tuple(f"user:u{number}" for number in range(12))
GROUPS: Final = tuple(f"g{number}" for number in range(6))
WORDS: Final = ("travel", "salary", "merger", "lunch", "server", "password", "contract", "garden", "budget", "visa")


class RagWorld:
    """Two tenants with an index of the same name, and everybody's rights in motion."""

    def __init__(self, book: Book, store: VectorStore, embedder: Embedder, seed: int) -> None:
        """Begin with nothing."""
        self._dice = random.Random(seed)  # noqa: S311 - a world, not a secret
        self.sources = {tenant: (MemorySource("one"), MemorySource("two")) for tenant in TENANTS}
        self.groups: dict[str, set[str]] = {one: set() for one in PEOPLE}
        self.retrieval = Retrieval(book, store, embedder, self._of, FixedFilters())
        self._reader = Reader(book, store, embedder, Names(lambda tenant: tenant.encode().ljust(32, b"-")))
        self._embedder = embedder
        self._count = 0

    def _of(self, tenant: str, index: str) -> Sequence[MemorySource]:
        return self.sources.get(tenant, ()) if index == INDEX else ()

    def read(self) -> None:
        """Bring the index up to date."""
        for tenant, sources in self.sources.items():
            for one in sources:
                self._reader.read(tenant, INDEX, one, self._count)

    def change(self) -> None:
        """Change one thing: a text, a right, a membership, or a document goes."""
        dice = self._dice
        source = dice.choice(self.sources[dice.choice(TENANTS)])
        act = dice.random()
        if act < 0.35 or not source.texts:  # noqa: PLR2004 - shares of the acts
            self._count += 1
            name = f"d{dice.randrange(60)}"
            source.put(name, " ".join(dice.choices(WORDS, k=6)) + f" {self._count}", self._rule())
        elif act < 0.7:  # noqa: PLR2004
            source.rules[dice.choice(sorted(source.rules))] = self._rule()
        elif act < 0.8:  # noqa: PLR2004
            source.delete(dice.choice(sorted(source.texts)))
        else:
            self.groups[dice.choice(PEOPLE)] ^= {dice.choice(GROUPS)}

    def asker(self) -> Asker:
        """Return somebody."""
        subject = self._dice.choice(PEOPLE)
        return Asker(self._dice.choice(TENANTS), subject, tuple(sorted(self.groups[subject])))

    def query(self) -> str:
        """Return a question."""
        return " ".join(self._dice.choices(WORDS, k=2))

    def forbidden(self, asker: Asker, passages: Sequence[Passage]) -> list[Passage]:
        """Return the passages that the asker may not read this moment, by looking at the sources alone."""
        mine = asker.principals()
        sources = self.sources[asker.tenant]
        return [
            one
            for one in passages
            if not any(
                source.texts.get(one.document) == one.text and permits(source.rules[one.document], mine)
                for source in sources
            )
        ]

    def best(self, asker: Asker, query: str, k: int) -> list[float]:
        """Return the scores of an exact search over what the asker may read, by reading everything."""
        mine = asker.principals()
        texts = [
            text
            for source in self.sources[asker.tenant]
            for name, text in source.texts.items()
            if permits(source.rules[name], mine)
        ]
        if not texts:
            return []
        scores = self._embedder.embed(texts) @ self._embedder.embed([query])[0]
        return sorted((float(one) for one in scores), reverse=True)[:k]

    def _rule(self) -> Rule:
        dice = self._dice
        if dice.random() < 0.1:  # noqa: PLR2004
            return NOBODY
        names = [*PEOPLE, *(f"group:{one}" for one in GROUPS)]
        allow = dice.sample(names, dice.randrange(1, 4))
        return allow_deny(allow, dice.sample(names, dice.randrange(2)))
