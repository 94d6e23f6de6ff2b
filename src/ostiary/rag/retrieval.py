"""A search under the asker's own rights.

1. Rights become part of the query: the numbers of the rules that let the asker in (``rag.permitted``), what the sources
   themselves say is readable, and the condition that policy's partial evaluation left over. Deny beats allow, and what
   policy cannot say as a condition refuses the search.
2. The store ranks only rows for which that holds. There is no fetching of others, and so nothing to filter away.
3. The survivors are checked at their sources, now: an index is a memory, and a right may be gone since. What fails is
   replaced by the next best until there are ``k`` or no more, and nobody hears of it.
4. A reranker sees what is left, never more.

Nothing is remembered between two searches but what rules permit (``rag.permitted``): no answers, no rankings. A score
is a function of question and passage alone. An answer has no total and no count of what else there is.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.rag.book import Book
from ostiary.rag.conditions import NEVER, Compare, Condition, both, either
from ostiary.rag.permitted import Permitted
from ostiary.rag.ports import Asker, Chunk, Embedder, Passage, Reranker, Scored, Source, VectorStore
from ostiary.vocabulary.labels import Channel, Integrity, Label

MAX_K: Final = 100
MAX_QUERY: Final = 16_384
MAX_ROUNDS: Final = 16
_MORE: Final = 4


class Filters(Protocol):
    """Policy's condition on documents, for one asker."""

    def condition(self, asker: Asker) -> Condition:
        """Return what must hold of a document.

        Raises:
            RefusedError: ``filter_not_understood``.
            UnavailableError: ``filter_unavailable``.
        """
        ...


class Retrieval:
    """Searches indexes; safe for several threads."""

    def __init__(
        self,
        book: Book,
        store: VectorStore,
        embedder: Embedder,
        sources: Callable[[str, str], Sequence[Source]],
        filters: Filters,
        reranker: Reranker | None = None,
    ) -> None:
        """Take what is searched; ``sources`` tells those of an index, none of one that is not there."""
        self._book = book
        self._store = store
        self._embedder = embedder
        self._sources = sources
        self._filters = filters
        self._reranker = reranker
        self._permitted = Permitted(book)

    def search(self, asker: Asker, index: str, query: str, k: int = 10) -> tuple[Passage, ...]:
        """Return at most ``k`` passages that answer best, of those that the asker may read this very moment.

        Raises:
            FaultyInputError: ``query_invalid``.
            RefusedError: ``filter_not_understood``, ``rag_too_many_groups``, ``rag_too_many_rules``,
            ``embedder_mixed``. UnavailableError: something cannot be asked now, so nothing is shown.
        """
        _check(query, k)
        sources = {one.name: one for one in self._sources(asker.tenant, index)}
        condition = both(self._rights(asker, index, sources), self._filters.condition(asker))
        vector = self._embedder.embed([query])[0]
        bound = self._book.embedder(asker.tenant, index)
        if bound not in {"", self._embedder.name}:  # vectors of two models have nothing to say to each other
            raise UnavailableError("embedder_mixed", "the index was made with another model")
        found: list[Passage] = []
        asked, wanted = set[str](), k
        for _ in range(MAX_ROUNDS):
            ranked = self._store.search(asker.tenant, index, vector, condition, wanted)
            new = [one for one in ranked if one[0] not in asked]
            asked.update(name for name, _ in new)
            found += self._standing(asker, index, sources, new)
            if len(found) >= k or len(ranked) < wanted:
                break
            wanted *= _MORE
        passages = tuple(found[:k])
        return tuple(self._reranker.rerank(query, passages)) if self._reranker else passages

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Take documents out of an index."""
        self._book.remove(tenant, index, source, documents)
        self._store.remove(tenant, index, source, documents)

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index, and what is remembered of its rules."""
        self._book.forget(tenant, index)
        self._store.forget(tenant, index)
        self._permitted.forget(tenant, index)

    def _rights(self, asker: Asker, index: str, sources: Mapping[str, Source]) -> Condition:
        """Return the sources' own rights as a condition: rules by their numbers, rows by what the source says."""
        principals = {name: one.principals(asker) for name, one in sources.items()}
        numbers = self._permitted.of(asker.tenant, index, principals)
        parts: list[Condition] = [Compare("acl", "in", tuple(sorted(numbers)))] if numbers else []
        for name, one in sources.items():
            readable = one.readable(asker)
            if readable:
                parts.append(both(Compare("source", "eq", name), Compare("document", "in", tuple(sorted(readable)))))
        if not parts:
            return NEVER
        place = (Compare("tenant", "eq", asker.tenant), Compare("index", "eq", index))
        return both(*place, either(*parts))

    def _standing(
        self, asker: Asker, index: str, sources: Mapping[str, Source], ranked: Sequence[Scored]
    ) -> list[Passage]:
        """Return those of the ranked chunks that their sources let the asker read now, in their order."""
        chunks = self._book.chunks(asker.tenant, index, [name for name, _ in ranked])
        asked: dict[str, dict[str, str]] = defaultdict(dict)
        for one in chunks.values():
            asked[one.source][one.document] = one.revision
        standing = {
            name: sources[name].check(asker, documents) if name in sources else frozenset[str]()
            for name, documents in asked.items()
        }
        found = [(chunks[name], score) for name, score in ranked if name in chunks]
        return [_passage(asker.tenant, one, score) for one, score in found if one.document in standing[one.source]]


def _passage(tenant: str, chunk: Chunk, score: float) -> Passage:
    label = Label(
        channel=Channel.DATA,
        tenant=tenant,
        integrity=Integrity(chunk.facts.integrity),
        confidentiality=chunk.facts.confidentiality,
        document=chunk.document,
        uninspected=chunk.facts.verdict == "uninspected",
    )
    return Passage(
        text=chunk.text,
        label=label,
        document=chunk.document,
        score=score,
        chunk=chunk.id,
        title=chunk.title,
        digest=chunk.digest,
        canary=chunk.canary,
    )


def _check(query: str, k: int) -> None:
    if not query.strip() or len(query) > MAX_QUERY or not 1 <= k <= MAX_K:
        raise FaultyInputError("query_invalid", f"a query has 1 to {MAX_QUERY} characters, `k` is 1 to {MAX_K}")
