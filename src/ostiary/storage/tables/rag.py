"""What indexes remember; ``RagTable`` implements ``rag.book.Book``.

Numbers of rules are never given twice, not even after an index was emptied: whoever remembers one is never wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from ostiary.rag.book import Counts, SourceState, StoredDocument, Verdicted
from ostiary.rag.ports import Chunk, Facts, Known, Row
from ostiary.rag.rights import Rule, decoded, digest, encoded
from ostiary.storage.tables.database import Database

RAG_ERASURES: Final = (
    "delete_tenant_rag_chunks",
    "delete_tenant_rag_documents",
    "delete_tenant_rag_acls",
    "delete_tenant_rag_sources",
    "delete_tenant_rag_indexes",
    "delete_tenant_rag_verdicts",
)
_facts: Final = msgspec.json.Decoder(Facts)


class RagTable:
    """Documents, chunks, rules and states by tenant and index."""

    def __init__(self, database: Database) -> None:
        """Keep them in ``database``."""
        self._database = database

    def generation(self, tenant: str, index: str) -> int:
        """Return how often the index has changed."""
        rows = self._database.read("rag_index", tenant, index)
        return int(rows[0][1]) if rows else 0

    def embedder(self, tenant: str, index: str) -> str:
        """Return whose vectors an index holds."""
        rows = self._database.read("rag_index", tenant, index)
        return str(rows[0][0]) if rows else ""

    def bind(self, tenant: str, index: str, embedder: str) -> None:
        """Say whose vectors an index holds."""
        with self._database.transaction() as database:
            database.write("rag_open_index", tenant, index)
            database.write("rag_bind_embedder", embedder, tenant, index)

    def known(self, tenant: str, index: str, source: str) -> dict[str, Known]:
        """Return what is known of a source's documents."""
        rows = self._database.read("rag_known", tenant, index, source)
        return {document: Known(revision, rule) for document, revision, rule in rows}

    def number(self, tenant: str, index: str, source: str, rules: Sequence[Rule]) -> dict[str, int]:
        """Return the numbers of rules by their digests."""
        wanted = {digest(rule): rule for rule in rules}
        names: dict[str, object] = {"tenant": tenant, "name": index, "source": source, "digests": _json(list(wanted))}
        with self._database.transaction() as database:
            database.write("rag_open_index", tenant, index)
            found: dict[str, int] = dict(database.read_inside_named("rag_acl_numbers", names))
            following = int(database.read_inside("rag_index", tenant, index)[0][2])
            rows = []
            for name, rule in wanted.items():
                if name not in found:
                    found[name] = following
                    rows.append((tenant, index, following, source, name, encoded(rule)))
                    following += 1
            database.write_many("rag_add_acl", rows)
            database.write("rag_next_acl", following, tenant, index)
        return found

    def rules(self, tenant: str, index: str, after: int) -> list[tuple[int, str, Rule]]:
        """Return all rules with a number above ``after``."""
        rows = self._database.read("rag_acls_after", tenant, index, after)
        return [(number, source, decoded(rule)) for number, source, rule in rows]

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Erase documents with their chunks; what they said is overwritten."""
        rows = [(tenant, index, source, document) for document in documents]
        with self._database.transaction() as database:
            database.erase("rag_delete_chunks", rows)
            database.erase("rag_delete_document", rows)
            database.write("rag_raise_generation", tenant, index)

    def move(self, tenant: str, index: str, source: str, acls: Mapping[str, int]) -> None:
        """Put documents under other rules."""
        rows = [(acl, tenant, index, source, document) for document, acl in acls.items()]
        with self._database.transaction() as database:
            database.write_many("rag_move_document", rows)
            database.write("rag_raise_generation", tenant, index)

    def put(
        self, tenant: str, index: str, acl: int, document: StoredDocument, chunks: Sequence[tuple[Chunk, bytes]]
    ) -> None:
        """Keep a document with its chunks."""
        source = document.facts.source
        facts = msgspec.json.encode(document.facts)
        told = (document.id, document.revision, document.digest, acl, document.title, facts)
        rows = [
            (tenant, index, one.id, source, document.id, msgspec.json.encode(one), vector) for one, vector in chunks
        ]
        with self._database.transaction() as database:
            database.erase("rag_delete_chunks", [(tenant, index, source, document.id)])
            database.write("rag_put_document", tenant, index, source, *told)
            database.write_many("rag_put_chunk", rows)
            database.write("rag_raise_generation", tenant, index)

    def chunks(self, tenant: str, index: str, ids: Sequence[str]) -> dict[str, Chunk]:
        """Return chunks by their ids."""
        rows = self._database.read_named("rag_chunks", {"tenant": tenant, "name": index, "chunks": _json(list(ids))})
        found = (msgspec.json.decode(row[0], type=Chunk) for row in rows)
        return {one.id: one for one in found}

    def rows(self, tenant: str, index: str) -> Iterator[tuple[Row, bytes]]:
        """Return all rows with their vectors."""
        for chunk, document, acl, facts, vector in self._database.read("rag_rows", tenant, index):
            yield Row(chunk, document, acl, _facts.decode(facts)), vector

    def states(self, tenant: str, index: str) -> dict[str, SourceState]:
        """Return how far each source has been read."""
        rows = self._database.read("rag_states", tenant, index)
        return {source: msgspec.json.decode(state, type=SourceState) for source, state in rows}

    def note(self, tenant: str, index: str, source: str, state: SourceState) -> None:
        """Remember how far a source has been read."""
        self._database.write("rag_note_state", tenant, index, source, msgspec.json.encode(state))

    def counts(self, tenant: str, index: str) -> Counts:
        """Return how much an index holds."""
        return Counts(*self._database.read_named("rag_counts", {"tenant": tenant, "name": index})[0])

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index."""
        with self._database.transaction() as database:
            for name in ("rag_forget_chunks", "rag_forget_documents", "rag_forget_acls", "rag_forget_sources"):
                database.erase(name, [(tenant, index)])
            database.write("rag_forget_index", tenant, index)

    def verdicts(self, tenant: str, inspector: str, digests: Sequence[str]) -> dict[str, Verdicted]:
        """Return what an inspector has said before."""
        names: dict[str, object] = {"tenant": tenant, "inspector": inspector, "digests": _json(list(digests))}
        rows = self._database.read_named("rag_verdicts", names)
        return {name: Verdicted(verdict, score) for name, verdict, score in rows}

    def keep_verdicts(self, tenant: str, inspector: str, verdicts: Mapping[str, Verdicted]) -> None:
        """Remember what an inspector said."""
        rows = [(tenant, inspector, name, one.verdict, one.score) for name, one in verdicts.items()]
        self._database.write_many("rag_keep_verdict", rows)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
