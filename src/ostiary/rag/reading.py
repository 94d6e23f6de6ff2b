"""Takes over what a source says now: what is gone first, then changed rights, then new texts.

1. Deletions and rights are in force before any new text is read, so that a slow reading delays no revocation.
2. A new text is cut, looked at by the inspector of the data channel (once a text, remembered by its digest) and
   embedded.
3. The book is written first, the vector store follows: between the two, a document that is being replaced is in
   neither, and a search that meets a vector without a chunk shows nothing of it.
4. One index holds the vectors of one model.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from ostiary.errors import OstiaryError, RefusedError
from ostiary.keys import sha256_hex
from ostiary.rag.book import Book, SourceState, StoredDocument, Verdicted
from ostiary.rag.chunks import pieces
from ostiary.rag.opaque import Names
from ostiary.rag.ports import Chunk, Document, Embedder, Facts, Row, Source, VectorStore
from ostiary.rag.rights import Rule, bounded, digest
from ostiary.vocabulary.inspecting import PromptInspector, Verdict, harshest
from ostiary.vocabulary.labels import Channel

if TYPE_CHECKING:
    from ostiary.rag.ports import Vectors

UNINSPECTED: Final = "uninspected"


class Read(msgspec.Struct, frozen=True):
    """What one reading changed."""

    gone: int = 0
    rights: int = 0
    documents: int = 0
    chunks: int = 0
    skipped: int = 0


class Reader:
    """Reads sources into indexes."""

    def __init__(
        self,
        book: Book,
        store: VectorStore,
        embedder: Embedder,
        names: Names,
        inspector: PromptInspector | None = None,
        inspected_by: str = "",
    ) -> None:
        """Take where it all goes; without an inspector every text says that it is ``uninspected``."""
        self._book = book
        self._store = store
        self._embedder = embedder
        self._names = names
        self._inspector = inspector
        self._inspected_by = inspected_by

    def read(
        self, tenant: str, index: str, source: Source, now_ns: int, told: Callable[[int], None] = lambda _: None
    ) -> Read:
        """Read a source into an index; ``told`` hears how many documents are done.

        Raises:
            RefusedError: ``embedder_mixed``.
            UnavailableError: ``source_unavailable``; what is indexed stays.
        """
        self._bind(tenant, index)
        known = self._book.known(tenant, index, source.name)
        scan = source.scan(known)
        rights = {document: bounded(rule) for document, rule in scan.rights.items()}
        rules = {document: digest(rule) for document, rule in rights.items()}
        numbers = self._numbers(tenant, index, source.name, rights)
        self._gone(tenant, index, source.name, scan.gone)
        moved = {name: number for name, number in numbers.items() if name in known and known[name].rule != rules[name]}
        if moved:
            self._book.move(tenant, index, source.name, moved)
            self._store.move(tenant, index, source.name, moved)
        documents = chunks = 0
        for document in scan.changed:
            chunks += self._put(tenant, index, source, document, numbers)
            documents += 1
            told(documents)
        before = self._book.states(tenant, index).get(source.name)
        state = SourceState(scan.version, now_ns, "", scan.skipped)
        if before is None or (before.version, before.fault, before.skipped) != (state.version, "", state.skipped):
            self._book.note(tenant, index, source.name, state)
        return Read(len(scan.gone), len(moved), documents, chunks, scan.skipped)

    def _bind(self, tenant: str, index: str) -> None:
        bound = self._book.embedder(tenant, index)
        if bound == "":
            self._book.bind(tenant, index, self._embedder.name)
        elif bound != self._embedder.name:
            text = f"the index was made with `{bound}`: rebuild it to use `{self._embedder.name}`"
            raise RefusedError("embedder_mixed", text)

    def _numbers(self, tenant: str, index: str, source: str, rules: Mapping[str, Rule]) -> dict[str, int]:
        digests = {document: digest(rule) for document, rule in rules.items()}
        different: dict[str, Rule] = {digests[document]: rule for document, rule in rules.items()}
        numbers = self._book.number(tenant, index, source, list(different.values())) if different else {}
        return {document: numbers[name] for document, name in digests.items()}

    def _gone(self, tenant: str, index: str, source: str, gone: Sequence[str]) -> None:
        if gone:
            self._book.remove(tenant, index, source, gone)
            self._store.remove(tenant, index, source, gone)

    def _put(self, tenant: str, index: str, source: Source, document: Document, numbers: dict[str, int]) -> int:
        acl = numbers[document.id]
        texts = pieces(document.text)
        facts = Facts(
            source=source.name,
            kind=source.kind,
            confidentiality=document.confidentiality,
            integrity=int(document.integrity),
            verdict=self._verdict(tenant, texts),
        )
        names = self._names.of(tenant, index, source.name, document.id)
        chunks = [
            Chunk(
                id=names.chunk(document.revision, at),
                document=document.id,
                source=source.name,
                revision=document.revision,
                text=text,
                title=document.title,
                facts=facts,
                digest="sha256:" + sha256_hex(text.encode("utf-8", "replace")),
                canary=names.canary,
            )
            for at, text in enumerate(texts)
        ]
        vectors = self._embedder.embed(texts)
        stored = StoredDocument(document.id, document.revision, _digest(texts), document.title, facts)
        self._book.put(tenant, index, acl, stored, list(zip(chunks, _bytes(vectors), strict=True)))
        rows = [Row(one.id, one.document, acl, facts) for one in chunks]
        if rows:
            self._store.put(tenant, index, rows, vectors)
        else:
            self._store.remove(tenant, index, source.name, [document.id])
        return len(chunks)

    def _verdict(self, tenant: str, texts: Sequence[str]) -> str:
        """Return the harshest verdict of a document's pieces; policy decides what comes of it."""
        if self._inspector is None:
            return UNINSPECTED
        digests = {sha256_hex(text.encode("utf-8", "replace")): text for text in texts}
        known = self._book.verdicts(tenant, self._inspected_by, list(digests))
        new: dict[str, Verdicted] = {}
        for name, text in digests.items():
            if name in known:
                continue
            try:
                found = self._inspector.inspect(text, Channel.DATA)
            except OstiaryError:  # nobody looked: that is what policy is told
                return UNINSPECTED
            new[name] = Verdicted(found.verdict.value, found.score)
        if new:
            self._book.keep_verdicts(tenant, self._inspected_by, new)
        return harshest(Verdict(one.verdict) for one in (*known.values(), *new.values())).value


def _digest(texts: Iterable[str]) -> str:
    return sha256_hex("\0".join(texts).encode("utf-8", "replace"))


def _bytes(vectors: "Vectors") -> list[bytes]:
    return [row.astype("<f4").tobytes() for row in vectors]
