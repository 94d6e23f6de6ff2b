"""A book in memory, and a source whose rights a test changes under everybody's hands."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ostiary.rag.book import Counts, SourceState, StoredDocument, Verdicted
from ostiary.rag.conditions import ALWAYS, Condition
from ostiary.rag.ports import Asker, Chunk, Document, Known, Row, Scan
from ostiary.rag.rights import Rule, digest, permits
from ostiary.vocabulary.labels import Integrity

_Place = tuple[str, str]


class MemoryBook:
    """A ``Book`` that forgets everything at its end."""

    def __init__(self) -> None:
        """Make an empty one."""
        self._generations: dict[_Place, int] = defaultdict(int)
        self._embedders: dict[_Place, str] = {}
        self._rules: dict[_Place, list[tuple[int, str, Rule]]] = defaultdict(list)
        self._given: dict[_Place, int] = defaultdict(int)
        self._numbers: dict[_Place, dict[tuple[str, str], int]] = defaultdict(dict)
        self._digests: dict[_Place, dict[int, str]] = defaultdict(dict)
        self._documents: dict[_Place, dict[tuple[str, str], tuple[int, StoredDocument, list[tuple[Chunk, bytes]]]]]
        self._documents = defaultdict(dict)
        self._chunks: dict[_Place, dict[str, Chunk]] = defaultdict(dict)
        self._states: dict[_Place, dict[str, SourceState]] = defaultdict(dict)
        self._verdicts: dict[_Place, dict[str, Verdicted]] = defaultdict(dict)

    def generation(self, tenant: str, index: str) -> int:
        """Return how often the index has changed."""
        return self._generations[tenant, index]

    def embedder(self, tenant: str, index: str) -> str:
        """Return whose vectors an index holds."""
        return self._embedders.get((tenant, index), "")

    def bind(self, tenant: str, index: str, embedder: str) -> None:
        """Say whose vectors an index holds."""
        self._embedders[tenant, index] = embedder

    def known(self, tenant: str, index: str, source: str) -> dict[str, Known]:
        """Return what is known of a source's documents."""
        rules = self._digests[tenant, index]
        found = self._documents[tenant, index].items()
        return {name: Known(one.revision, rules[acl]) for (of, name), (acl, one, _) in found if of == source}

    def number(self, tenant: str, index: str, source: str, rules: Sequence[Rule]) -> dict[str, int]:
        """Return the numbers of rules by their digests."""
        found = self._numbers[tenant, index]
        for rule in rules:
            if (source, digest(rule)) not in found:
                self._given[tenant, index] += 1
                number = found[source, digest(rule)] = self._given[tenant, index]
                self._digests[tenant, index][number] = digest(rule)
                self._rules[tenant, index].append((number, source, rule))
        return {digest(rule): found[source, digest(rule)] for rule in rules}

    def rules(self, tenant: str, index: str, after: int) -> list[tuple[int, str, Rule]]:
        """Return all rules with a number above ``after``."""
        known = self._rules[tenant, index]
        return known[bisect_right(known, after, key=lambda one: one[0]) :]

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Erase documents."""
        for name in documents:
            self._drop(tenant, index, source, name)
        self._generations[tenant, index] += 1

    def move(self, tenant: str, index: str, source: str, acls: Mapping[str, int]) -> None:
        """Put documents under other rules."""
        found = self._documents[tenant, index]
        for name, acl in acls.items():
            if (source, name) in found:
                found[source, name] = (acl, *found[source, name][1:])
        self._generations[tenant, index] += 1

    def put(
        self, tenant: str, index: str, acl: int, document: StoredDocument, chunks: Sequence[tuple[Chunk, bytes]]
    ) -> None:
        """Keep a document."""
        source = document.facts.source
        self._drop(tenant, index, source, document.id)
        self._documents[tenant, index][source, document.id] = (acl, document, list(chunks))
        self._chunks[tenant, index].update({one.id: one for one, _ in chunks})
        self._generations[tenant, index] += 1

    def chunks(self, tenant: str, index: str, ids: Sequence[str]) -> dict[str, Chunk]:
        """Return chunks by their ids."""
        known = self._chunks[tenant, index]
        return {name: known[name] for name in ids if name in known}

    def rows(self, tenant: str, index: str) -> Iterator[tuple[Row, bytes]]:
        """Return all rows with their vectors."""
        for acl, document, chunks in self._documents[tenant, index].values():
            for chunk, vector in chunks:
                yield Row(chunk.id, document.id, acl, document.facts), vector

    def states(self, tenant: str, index: str) -> dict[str, SourceState]:
        """Return how far each source has been read."""
        return dict(self._states[tenant, index])

    def note(self, tenant: str, index: str, source: str, state: SourceState) -> None:
        """Remember how far a source has been read."""
        self._states[tenant, index][source] = state

    def counts(self, tenant: str, index: str) -> Counts:
        """Return how much an index holds."""
        place = (tenant, index)
        return Counts(len(self._documents[place]), len(self._chunks[place]), len(self._rules[place]))

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index; its numbers are not given again."""
        for kept in (
            self._documents,
            self._chunks,
            self._rules,
            self._numbers,
            self._digests,
            self._states,
            self._embedders,
        ):
            kept.pop((tenant, index), None)
        self._generations[tenant, index] += 1

    def verdicts(self, tenant: str, inspector: str, digests: Sequence[str]) -> dict[str, Verdicted]:
        """Return what an inspector has said before."""
        known = self._verdicts[tenant, inspector]
        return {name: known[name] for name in digests if name in known}

    def keep_verdicts(self, tenant: str, inspector: str, verdicts: Mapping[str, Verdicted]) -> None:
        """Remember what an inspector said."""
        self._verdicts[tenant, inspector].update(verdicts)

    def _drop(self, tenant: str, index: str, source: str, name: str) -> None:
        gone = self._documents[tenant, index].pop((source, name), None)
        for one, _ in gone[2] if gone else ():
            self._chunks[tenant, index].pop(one.id, None)


class MemorySource:
    """A source in memory: ``texts`` and ``rules`` by document are its truth, and a test writes to them."""

    kind = "memory"

    def __init__(self, name: str = "memory") -> None:
        """Make an empty one."""
        self.name = name
        self.texts: dict[str, str] = {}
        self.rules: dict[str, Rule] = {}
        self.confidentiality: dict[str, int] = {}

    def put(self, document: str, text: str, rule: Rule, confidentiality: int = 0) -> None:
        """Write a document."""
        self.texts[document], self.rules[document] = text, rule
        self.confidentiality[document] = confidentiality

    def delete(self, document: str) -> None:
        """Take one away."""
        del self.texts[document], self.rules[document]

    def revision(self, document: str) -> str:
        """Return the revision as it is now."""
        return str(hash((self.texts[document], self.confidentiality[document])))

    def principals(self, asker: Asker) -> frozenset[str]:
        """Return the asker's own names."""
        return asker.principals()

    def readable(self, asker: Asker) -> frozenset[str] | None:
        """Leave it to the rules."""
        del asker
        return None

    def scan(self, known: Mapping[str, Known]) -> Scan:
        """Compare with what is known."""
        new = [name for name in self.texts if name not in known or known[name].revision != self.revision(name)]
        rights = {
            name: rule
            for name, rule in self.rules.items()
            if name not in known or known[name].rule != digest(rule) or name in new
        }
        documents = [
            Document(name, self.revision(name), self.texts[name], name, self.confidentiality[name], Integrity.UNTRUSTED)
            for name in new
        ]
        return Scan(tuple(name for name in known if name not in self.texts), rights, documents)

    def check(self, asker: Asker, documents: Mapping[str, str]) -> frozenset[str]:
        """Return what the asker may read this moment."""
        mine = asker.principals()
        return frozenset(
            name
            for name, revision in documents.items()
            if name in self.texts and self.revision(name) == revision and permits(self.rules[name], mine)
        )


class FixedFilters:
    """Policy that always leaves the same condition."""

    def __init__(self, told: Condition = ALWAYS) -> None:
        """Take the condition."""
        self.told = told

    def condition(self, asker: Asker) -> Condition:
        """Return it."""
        del asker
        return self.told
