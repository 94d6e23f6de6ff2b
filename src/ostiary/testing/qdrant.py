"""Qdrant's REST interface over the local mode of its own client: the adapter's requests, Qdrant's meaning."""

from typing import Any

import httpx
import msgspec
from qdrant_client import QdrantClient, models


class LocalQdrant:
    """Answers what ``QdrantVectors`` asks, as an ``httpx`` transport."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.client = QdrantClient(":memory:")
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body: Any = msgspec.json.decode(request.content)
        _, _, name, *rest = request.url.path.split("/")
        what = "/".join(rest)
        if what == "" and self.client.collection_exists(name):
            return httpx.Response(409, json={"status": {"error": "exists"}})
        found = getattr(self, "_" + (what.replace("/", "_") or "make"))(name, body)
        return httpx.Response(200, json={"result": found, "status": "ok"})

    def _make(self, name: str, body: Any) -> bool:
        return self.client.create_collection(name, models.VectorParams(**body["vectors"]))

    def _index(self, name: str, body: Any) -> None:
        """Local mode has no payload indexes."""

    def _points(self, name: str, body: Any) -> None:
        self.client.upsert(name, [models.PointStruct(**one) for one in body["points"]])

    def _points_delete(self, name: str, body: Any) -> None:
        self.client.delete(name, models.FilterSelector(filter=models.Filter.model_validate(body["filter"])))

    def _points_payload(self, name: str, body: Any) -> None:
        self.client.set_payload(name, body["payload"], models.Filter.model_validate(body["filter"]))

    def _points_query(self, name: str, body: Any) -> Any:
        asked = models.Filter.model_validate(body["filter"])
        found = self.client.query_points(name, body["query"], query_filter=asked, limit=body["limit"])
        return {"points": [{"payload": one.payload, "score": one.score} for one in found.points]}
