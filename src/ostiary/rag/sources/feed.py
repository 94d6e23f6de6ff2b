"""A feed of documents with their own allow and deny lists, from whatever system keeps them.

A file ``.json`` holds everything:

    {"version": 7, "documents": [{"id": "plan", "text": "…", "allow": ["group:board"], "deny": ["user:eve"]}]}

A file ``.jsonl`` holds changes, one a line, with numbers that only grow; a line that is not ended is not there yet:

    {"seq": 1, "put": {"id": "plan", "text": "…", "allow": ["group:board"]}}
    {"seq": 2, "rights": {"id": "plan", "allow": ["user:ada"]}}
    {"seq": 3, "delete": "plan"}

Principals are ``user:…``, ``group:…``, ``claim:NAME=VALUE`` and ``*``. Deny beats allow; a document without ``allow``
is nobody's. Whoever wants a right to die with its account names a claim that is never given twice.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from ostiary.keys import sha256_hex
from ostiary.rag.ports import Asker, Document, Known, Scan
from ostiary.rag.rights import Rule, allow_deny, digest, permits
from ostiary.rag.sources.watched import Watched
from ostiary.vocabulary.labels import Integrity

MAX_DOCUMENTS: Final = 200_000
Principal = Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=r"^(\*|(user|group|claim|[a-z_]+):.+)$")]
Principals = Annotated[tuple[Principal, ...], msgspec.Meta(max_length=10_000)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class FedDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One document of a feed."""

    id: Id
    text: str = ""
    title: str = ""
    revision: str = ""
    allow: Principals = ()
    deny: Principals = ()
    confidentiality: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0
    trusted: bool = False

    @property
    def rule(self) -> Rule:
        """Who may read it."""
        return allow_deny(self.allow, self.deny)

    @property
    def stands(self) -> str:
        """Its revision: what it says, whatever it calls itself, and how confidential that is."""
        told = (self.revision, self.text, self.title, self.confidentiality, self.trusted)
        return sha256_hex(msgspec.json.encode(told))[:32]


class Rights(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """New rights of a document that is there."""

    id: Id
    allow: Principals = ()
    deny: Principals = ()


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a feed of changes."""

    seq: int
    put: FedDocument | None = None
    rights: Rights | None = None
    delete: str | None = None


class _Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    documents: Annotated[tuple[FedDocument, ...], msgspec.Meta(max_length=MAX_DOCUMENTS)]


class Fed(msgspec.Struct, frozen=True):
    """What a feed says now."""

    version: int
    documents: Mapping[str, FedDocument]


def read_whole(raw: bytes) -> Fed:
    """Return what a whole feed says.

    Raises:
        ValueError: it is malformed, or names a document twice.
    """
    told = msgspec.json.decode(raw, type=_Whole)
    found = {one.id: one for one in told.documents}
    if len(found) != len(told.documents):
        raise ValueError("twice")
    return Fed(told.version, found)


def read_changes(raw: bytes) -> Fed:
    """Return what all changes make together.

    Raises:
        ValueError: a line is malformed, changes what is not there, or comes out of order.
    """
    found: dict[str, FedDocument] = {}
    seq = 0
    for line in raw[: raw.rfind(b"\n") + 1].splitlines():
        change = msgspec.json.decode(line, type=Change)
        if change.seq <= seq or sum(one is not None for one in (change.put, change.rights, change.delete)) != 1:
            raise ValueError("order")
        seq = change.seq
        _apply(found, change)
        if len(found) > MAX_DOCUMENTS:
            raise ValueError("many")
    return Fed(seq, found)


def _apply(found: dict[str, FedDocument], change: Change) -> None:
    if change.put is not None:
        found[change.put.id] = change.put
    elif change.rights is not None:
        one = change.rights
        found[one.id] = msgspec.structs.replace(found[one.id], allow=one.allow, deny=one.deny)
    elif change.delete is not None:
        del found[change.delete]


class FeedSource:
    """Documents of one feed."""

    kind = "feed"

    def __init__(self, name: str, path: Path) -> None:
        """Take the file."""
        self.name = name
        read: Any = read_changes if path.suffix == ".jsonl" else read_whole
        self._feed: Watched[Fed] = Watched(path, _keyed(read), lambda told: told.version)

    def principals(self, asker: Asker) -> frozenset[str]:
        """Return the asker's own names."""
        return asker.principals()

    def readable(self, asker: Asker) -> None:
        """Leave it to the rules."""

    def scan(self, known: Mapping[str, Known]) -> Scan:
        """Compare the feed with what is known.

        Raises:
            UnavailableError: ``source_unavailable``.
        """
        version, told = self._feed.now()
        new = [one for one in told.documents.values() if one.id not in known or known[one.id].revision != one.stands]
        rights = {
            one.id: one.rule
            for one in told.documents.values()
            if one.id not in known or known[one.id].rule != digest(one.rule)
        }
        rights |= {one.id: one.rule for one in new}
        gone = tuple(one for one in known if one not in told.documents)
        return Scan(gone, rights, map(_document, new), version)

    def check(self, asker: Asker, documents: Mapping[str, str]) -> frozenset[str]:
        """Return which documents the feed lets the asker read now."""
        told, principals = self._feed.now()[1].documents, asker.principals()
        return frozenset(
            name
            for name, revision in documents.items()
            if (one := told.get(name)) is not None and one.stands == revision and permits(one.rule, principals)
        )


def _keyed(read: Any) -> Any:
    def safely(raw: bytes) -> Fed:
        try:
            fed: Fed = read(raw)
        except KeyError as fault:
            raise ValueError("unknown") from fault
        return fed

    return safely


def _document(one: FedDocument) -> Document:
    integrity = Integrity.TRUSTED if one.trusted else Integrity.UNTRUSTED
    return Document(one.id, one.stands, one.text, one.title or one.id, one.confidentiality, integrity)
