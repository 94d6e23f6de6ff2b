"""Vectors in Qdrant, by its REST interface; implements ``rag.ports.VectorStore``.

- One collection for all; tenant and index are fields of every point and of every query, with payload indexes made
  before anything is stored (``is_tenant`` for the tenant), so that filtering happens while Qdrant walks, not
  afterwards.
- ``exact`` is asked for where the asker's rules are few: a filtered graph walk promises nothing at one in a thousand.
- Addresses are fixed by the settings; redirects are not followed, and nothing of the environment is used.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec

from ostiary.errors import UnavailableError
from ostiary.rag.compilers import qdrant_filter
from ostiary.rag.conditions import NEVER, Compare, Condition, acls_of, both
from ostiary.rag.ports import Row, Scored

if TYPE_CHECKING:
    from ostiary.rag.ports import Vectors

COLLECTION: Final = "ostiary_rag_1"
EXACT_RULES: Final = 1000
TIMEOUT_S: Final = 10.0
TOGETHER: Final = 500
_AWAY: Final = "vectors_unavailable"
_CONFLICT: Final = 409
_NAMES: Final = uuid.UUID("6f737469-6172-7921-8000-726167706f69")
_FIELDS: Final = {
    "tenant": {"type": "keyword", "is_tenant": True},
    "index": "keyword",
    "acl": "integer",
    "source": "keyword",
    "document": "keyword",
    "kind": "keyword",
    "verdict": "keyword",
    "confidentiality": "integer",
    "integrity": "integer",
}


class QdrantVectors:
    """One collection; safe for several threads."""

    def __init__(self, url: str, key: str, dimension: int, client: httpx.Client | None = None) -> None:
        """Take where it is; the collection is made at the first writing."""
        headers = {"api-key": key} if key else {}
        self._http = client or httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        self._dimension = dimension
        self._made = False

    def put(self, tenant: str, index: str, rows: Sequence[Row], vectors: "Vectors") -> None:
        """Add points; those of the same documents are replaced."""
        self._make()
        for source in {row.facts.source for row in rows}:
            self.remove(tenant, index, source, sorted({r.document for r in rows if r.facts.source == source}))
        points = [point(tenant, index, row, vector) for row, vector in zip(rows, vectors.tolist(), strict=True)]
        for at in range(0, len(points), TOGETHER):
            self._send("PUT", "points?wait=true", {"points": points[at : at + TOGETHER]})

    def remove(self, tenant: str, index: str, source: str, documents: Sequence[str]) -> None:
        """Remove all points of documents."""
        if documents:
            self._make()
            self._send("POST", "points/delete?wait=true", {"filter": _of(tenant, index, source, documents)})

    def move(self, tenant: str, index: str, source: str, acls: Mapping[str, int]) -> None:
        """Put documents under other rules."""
        self._make()
        for acl in sorted(set(acls.values())):
            names = [name for name, number in acls.items() if number == acl]
            body = {"payload": {"acl": acl}, "filter": _of(tenant, index, source, names)}
            self._send("POST", "points/payload?wait=true", body)

    def search(self, tenant: str, index: str, vector: "Vectors", condition: Condition, k: int) -> Sequence[Scored]:
        """Return the nearest chunks for which the condition holds."""
        if condition == NEVER:
            return []
        self._make()
        asked = both(Compare("tenant", "eq", tenant), Compare("index", "eq", index), condition)
        rules = acls_of(condition)
        body = {
            "query": vector.tolist(),
            "filter": qdrant_filter(asked),
            "limit": k,
            "with_payload": ["chunk"],
            "params": {"exact": rules is None or len(rules) <= EXACT_RULES},
        }
        points = self._send("POST", "points/query", body)["result"]["points"]
        found = [(str(one["payload"]["chunk"]), float(one["score"])) for one in points]
        return sorted(found, key=lambda one: (-one[1], one[0]))

    def forget(self, tenant: str, index: str) -> None:
        """Erase an index."""
        self._make()
        self._send("POST", "points/delete?wait=true", {"filter": _of(tenant, index)})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _make(self) -> None:
        if self._made:
            return
        vectors = {"size": self._dimension, "distance": "Cosine"}
        self._send("PUT", "", {"vectors": vectors}, also=_CONFLICT)
        for name, schema in _FIELDS.items():
            self._send("PUT", "index?wait=true", {"field_name": name, "field_schema": schema})
        self._made = True

    def _send(self, method: str, path: str, body: Any, also: int = 0) -> Any:
        place = f"/collections/{COLLECTION}" + (f"/{path}" if path else "")
        try:
            answer = self._http.request(method, place, json=body)
            if answer.status_code != also:
                answer.raise_for_status()
            return msgspec.json.decode(answer.content)
        except (httpx.HTTPError, msgspec.MsgspecError, UnicodeDecodeError) as fault:
            raise UnavailableError(_AWAY, "the store of vectors cannot be asked") from fault


def point(tenant: str, index: str, row: Row, vector: list[float]) -> dict[str, Any]:
    """Return a row as a point; its id is a function of tenant, index and chunk."""
    facts = msgspec.structs.asdict(row.facts)
    payload = {"tenant": tenant, "index": index, "chunk": row.chunk, "document": row.document, "acl": row.acl, **facts}
    name = uuid.uuid5(_NAMES, msgspec.json.encode((tenant, index, row.chunk)).decode())
    return {"id": str(name), "vector": vector, "payload": payload}


def _of(tenant: str, index: str, source: str = "", documents: Sequence[str] | None = None) -> dict[str, Any]:
    parts: list[Condition] = [Compare("tenant", "eq", tenant), Compare("index", "eq", index)]
    if source:
        parts.append(Compare("source", "eq", source))
    if documents is not None:
        parts.append(Compare("document", "in", tuple(documents)))
    return qdrant_filter(both(*parts))
