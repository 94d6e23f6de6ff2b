"""A retriever for LlamaIndex; needs ``llama-index-core`` when ``OstiaryRetriever`` is asked for, and not before.

    from ostiary_sdk.rag.llamaindex import OstiaryRetriever
    retriever = OstiaryRetriever(Retrieval(url, "default", "handbook", TokenOf(current_token)), k=5)
    engine = RetrieverQueryEngine.from_args(retriever, llm=model)

Labels and canaries are in the nodes' metadata, and stay out of what is embedded or shown to a model unless asked for.
"""

from functools import cache
from typing import Any

from ostiary_sdk.rag.client import Retrieval


@cache
def retriever_class() -> Any:
    """Return the class; it is made when LlamaIndex is there."""
    from llama_index.core.retrievers import BaseRetriever  # noqa: PLC0415 - the application brings it
    from llama_index.core.schema import NodeWithScore, TextNode  # noqa: PLC0415

    class OstiaryRetriever(BaseRetriever):  # type: ignore[misc] # unknown where LlamaIndex is not installed
        """Finds what the present asker may read."""

        def __init__(self, retrieval: Retrieval, k: int = 10, tokens: Any = None, **more: Any) -> None:
            """Take what searches; ``tokens`` stand instead of the client's own."""
            self._retrieval = retrieval
            self._k = k
            self._tokens = tokens
            super().__init__(**more)

        def _retrieve(self, query_bundle: Any) -> list[Any]:
            """Return nodes for a query."""
            found = self._retrieval.search(query_bundle.query_str, self._k, tokens=self._tokens)
            return [NodeWithScore(node=TextNode(text=one.text, **_about(one)), score=one.score) for one in found]

    return OstiaryRetriever


def _about(one: Any) -> dict[str, Any]:
    told = one.metadata()
    hidden = sorted(told)
    beside = {"excluded_llm_metadata_keys": hidden, "excluded_embed_metadata_keys": hidden}
    return {"id_": one.chunk, "metadata": told, **beside}


def __getattr__(name: str) -> Any:
    """Return the class by its name."""
    if name != "OstiaryRetriever":
        raise AttributeError(name)
    return retriever_class()
