"""The nouns of retrieval, and what this room needs of others: sources, stores, embedders.

Whoever implements a port: a tenant and an index are in every call, and another tenant's are as unknown as none.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from ostiary.errors import RefusedError
from ostiary.rag.conditions import Condition, Value
from ostiary.rag.rights import EVERYBODY, Rule
from ostiary.vocabulary.labels import Integrity, Label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MAX_PRINCIPALS: Final = 4096
Scored = tuple[str, float]


class Asker(msgspec.Struct, frozen=True):
    """Who searches, as the decision knew it; all of it verified.

    Attributes:
        tenant: whose index it is.
        subject: ``type:id``.
        groups: of the catalogue.
        claims: names and values that the issuer vouches for and that sources may name, such as an employee's number.
        document: the input that the decision's policy saw; the filter policy sees the same.
    """

    tenant: str
    subject: str
    groups: tuple[str, ...] = ()
    claims: Mapping[str, str] = {}
    document: Mapping[str, Any] = {}

    def principals(self) -> frozenset[str]:
        """Return all names under which this asker may be given rights.

        Raises:
            RefusedError: ``rag_too_many_groups``: nobody's rights are cut off at some number in silence.
        """
        if len(self.groups) + len(self.claims) > MAX_PRINCIPALS:
            raise RefusedError("rag_too_many_groups", f"the asker is in more than {MAX_PRINCIPALS} groups")
        groups = (f"group:{name}" for name in self.groups)
        claims = (f"claim:{name}={value}" for name, value in self.claims.items())
        return frozenset({EVERYBODY, self.subject, *groups, *claims})


class Facts(msgspec.Struct, frozen=True):
    """What policy may ask about a document, beside its name."""

    source: str
    kind: str
    confidentiality: int = 0
    integrity: int = int(Integrity.UNTRUSTED)
    verdict: str = "pass"

    def of(self, document: str, acl: int) -> dict[str, Value]:
        """Return them as the fields of a condition."""
        return {**msgspec.structs.asdict(self), "document": document, "acl": acl}


class Document(msgspec.Struct, frozen=True):
    """One document of a source.

    Attributes:
        id: its name within the source.
        revision: changes whenever its text does.
        text: what it says.
        title: what people call it.
        confidentiality, integrity: of its label.
    """

    id: str
    revision: str
    text: str
    title: str = ""
    confidentiality: int = 0
    integrity: Integrity = Integrity.UNTRUSTED


class Known(msgspec.Struct, frozen=True):
    """What the index has of a document: the revision, and the digest of the rule."""

    revision: str
    rule: str


class Scan(msgspec.Struct, frozen=True):
    """What a source found out. Applied in this order: ``gone``, ``rights``, ``changed``.

    Attributes:
        gone: documents that are no longer there.
        rights: the rule of each document that is new or whose rights changed.
        changed: documents whose text is new; read one by one.
        version: of the source as it was looked at.
        skipped: how many could not be read and are therefore not there.
    """

    gone: tuple[str, ...] = ()
    rights: Mapping[str, Rule] = {}
    changed: Iterable[Document] = ()
    version: str = ""
    skipped: int = 0


class Source(Protocol):
    """Documents with their own rights. It is the only truth about them: an index is a memory of it."""

    @property
    def name(self) -> str:
        """Its name within the index."""
        ...

    @property
    def kind(self) -> str:
        """Which connector it is."""
        ...

    def principals(self, asker: Asker) -> frozenset[str]:
        """Return the asker's names in this source; none when it does not know the asker."""
        ...

    def readable(self, asker: Asker) -> frozenset[str] | None:
        """Return the documents that the source itself says the asker may read, or ``None`` where rules say it."""
        ...

    def scan(self, known: Mapping[str, Known]) -> Scan:
        """Return what differs from what the index knows.

        Raises:
            UnavailableError: ``source_unavailable``; what is indexed stays, and every search is checked at the source.
        """
        ...

    def check(self, asker: Asker, documents: Mapping[str, str]) -> frozenset[str]:
        """Return which documents the asker may read this very moment, each in the revision that is given.

        Raises:
            UnavailableError: the source cannot be asked: then nothing of it may be shown.
        """
        ...


class Chunk(msgspec.Struct, frozen=True):
    """A piece of a document as it is kept.

    Attributes:
        id: opaque, and of this tenant alone.
        document, source: where it comes from.
        revision: of the document.
        text: what it says.
        title: of the document.
        facts: what policy may ask about it.
        digest: of its text.
        canary: a word that nobody writes by accident; the same in all chunks of a document.
    """

    id: str
    document: str
    source: str
    revision: str
    text: str
    title: str
    facts: Facts
    digest: str
    canary: str


class Passage(msgspec.Struct, frozen=True):
    """What an asker gets: a text with its label.

    ``score`` is the cosine with the question: a function of these two texts alone, never of what else is in the index.
    """

    text: str
    label: Label
    document: str
    score: float
    chunk: str
    title: str = ""
    digest: str = ""
    canary: str = ""


class Row(msgspec.Struct, frozen=True):
    """What a vector store keeps of a chunk."""

    chunk: str
    document: str
    acl: int
    facts: Facts


class VectorStore(Protocol):
    """Vectors of the chunks of indexes. A search sees rows for which the condition holds, before anything is ranked."""

    def put(self, tenant: str, index: str, rows: Sequence[Row], vectors: "Vectors") -> None:
        """Add rows; all rows that were there of the same documents are replaced."""
        ...

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Remove all rows of documents."""
        ...

    def move(self, tenant: str, index: str, source: str, acls: Mapping[str, int]) -> None:
        """Put documents under other rules."""
        ...

    def search(self, tenant: str, index: str, vector: "Vectors", condition: Condition, k: int) -> Sequence[Scored]:
        """Return the ``k`` nearest chunks for which ``condition`` holds, nearest first, with their cosine."""
        ...

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index."""
        ...


class Embedder(Protocol):
    """Makes vectors of texts, offline."""

    @property
    def name(self) -> str:
        """Which model, and its digest: vectors of two models are never mixed."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """Return one vector of length 1 a text."""
        ...


class Reranker(Protocol):
    """Puts passages into another order. It sees only what the asker may read."""

    def rerank(self, query: str, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Return the same passages, best first."""
        ...
