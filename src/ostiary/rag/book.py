"""What an index remembers of its sources; a port that ``storage`` implements, and the values in it.

INVARIANT: a rule's number stands for the same rule for ever, so that whoever remembers what a number permits is never
wrong; what changes is under which number a document is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from ostiary.rag.ports import Chunk, Facts, Known, Row
from ostiary.rag.rights import Rule


class StoredDocument(msgspec.Struct, frozen=True):
    """A document as it is kept, without its text."""

    id: str
    revision: str
    digest: str
    title: str
    facts: Facts


class SourceState(msgspec.Struct, frozen=True):
    """How far a source has been read.

    Attributes:
        version: of the source, as its connector tells it.
        synced_ns: when it was last read to the end.
        fault: why it could not be read, as a code; empty when it could.
        skipped: documents that could not be read.
    """

    version: str = ""
    synced_ns: int = 0
    fault: str = ""
    skipped: int = 0


class Counts(msgspec.Struct, frozen=True):
    """How much an index holds; for administrators alone."""

    documents: int = 0
    chunks: int = 0
    rules: int = 0


class Verdicted(msgspec.Struct, frozen=True):
    """What the inspector of the data channel said of a text, by the text's digest."""

    verdict: str
    score: float


class Book(Protocol):
    """Documents, chunks, rules and states by tenant and index. Every change raises the index's generation."""

    def generation(self, tenant: str, index: str) -> int:
        """Return how often the index has changed; 0 when it was never filled."""
        ...

    def known(self, tenant: str, index: str, source: str) -> dict[str, Known]:
        """Return what is known of a source's documents."""
        ...

    def number(self, tenant: str, index: str, source: str, rules: Sequence[Rule]) -> dict[str, int]:
        """Return the numbers of rules by their digests; new ones get new numbers."""
        ...

    def rules(self, tenant: str, index: str, after: int) -> list[tuple[int, str, Rule]]:
        """Return all rules with a number above ``after``, in order, with their sources."""
        ...

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Erase documents with their chunks."""
        ...

    def move(self, tenant: str, index: str, source: str, acls: Mapping[str, int]) -> None:
        """Put documents under other rules."""
        ...

    def put(
        self, tenant: str, index: str, acl: int, document: StoredDocument, chunks: Sequence[tuple[Chunk, bytes]]
    ) -> None:
        """Keep a document with its chunks and their vectors (little-endian float32), replacing what was there."""
        ...

    def chunks(self, tenant: str, index: str, ids: Sequence[str]) -> dict[str, Chunk]:
        """Return chunks by their ids; unknown ones are left out."""
        ...

    def rows(self, tenant: str, index: str) -> Iterable[tuple[Row, bytes]]:
        """Return all rows with their vectors."""
        ...

    def states(self, tenant: str, index: str) -> dict[str, SourceState]:
        """Return how far each source has been read."""
        ...

    def note(self, tenant: str, index: str, source: str, state: SourceState) -> None:
        """Remember how far a source has been read."""
        ...

    def embedder(self, tenant: str, index: str) -> str:
        """Return whose vectors an index holds, or an empty text."""
        ...

    def bind(self, tenant: str, index: str, embedder: str) -> None:
        """Say whose vectors an index holds."""
        ...

    def counts(self, tenant: str, index: str) -> Counts:
        """Return how much an index holds."""
        ...

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index."""
        ...

    def verdicts(self, tenant: str, inspector: str, digests: Sequence[str]) -> dict[str, Verdicted]:
        """Return what an inspector has said before."""
        ...

    def keep_verdicts(self, tenant: str, inspector: str, verdicts: Mapping[str, Verdicted]) -> None:
        """Remember what an inspector said."""
        ...
