"""A retriever for LlamaIndex; needs ``llama-index-core``.

    retriever = OstiaryRetriever(Retrieval(url, "default", "handbook", TokenOf(current_token)), k=5)
    engine = RetrieverQueryEngine.from_args(retriever, llm=model)

Labels and canaries are in the nodes' metadata, and stay out of what is embedded or shown to a model unless asked for.
"""

from typing import Any

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from ostiary_sdk.rag.client import Passage, Retrieval


class OstiaryRetriever(BaseRetriever):
    """Finds what the present asker may read."""

    def __init__(self, retrieval: Retrieval, k: int = 10, tokens: Any = None, **more: Any) -> None:
        """Take what searches; ``tokens`` stand instead of the client's own."""
        self._retrieval = retrieval
        self._k = k
        self._tokens = tokens
        super().__init__(**more)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Return nodes for a query."""
        found = self._retrieval.search(query_bundle.query_str, self._k, tokens=self._tokens)
        return [NodeWithScore(node=_node(one), score=one.score) for one in found]


def _node(one: Passage) -> TextNode:
    told = one.metadata()
    kept = sorted(told)
    return TextNode(
        id_=one.chunk, text=one.text, metadata=told, excluded_llm_metadata_keys=kept, excluded_embed_metadata_keys=kept
    )
