"""A retriever for LlamaIndex (``llama-index-core``, imported when it is asked for).

    from ostiary_sdk.rag.llamaindex import retriever
    engine = RetrieverQueryEngine.from_args(retriever(rag, "handbook", k=5), llm=llm)

It belongs to one asker, as its client does. A refusal is raised and never becomes an empty list. What a model is told
of a passage is its title alone: label, digest and canary are kept for the program.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ostiary_sdk.rag.client import Passage, RagClient

__all__ = ["retriever"]


def retriever(client: "RagClient", index: str, k: int = 10) -> Any:
    """Return a ``BaseRetriever``: passages of one index as nodes; the label is in their metadata."""
    return _retriever()(client, index, k)


@cache
def _retriever() -> Any:
    base: Any = import_module("llama_index.core.retrievers").BaseRetriever
    schema = import_module("llama_index.core.schema")

    class OstiaryRetriever(base):  # type: ignore[misc] # what LlamaIndex is, only LlamaIndex says
        def __init__(self, client: "RagClient", index: str, k: int) -> None:
            super().__init__()
            self._client, self._index, self._k = client, index, k

        def _retrieve(self, query_bundle: Any) -> list[Any]:
            found = self._client.search(self._index, query_bundle.query_str, self._k)
            return [schema.NodeWithScore(node=_node(schema, one), score=one.score) for one in found]

    return OstiaryRetriever


def _node(schema: Any, one: "Passage") -> Any:
    about = one.about()
    hidden = [name for name in about if name != "title"]
    told = {"excluded_llm_metadata_keys": hidden, "excluded_embed_metadata_keys": hidden}
    return schema.TextNode(text=one.text, id_=one.chunk, metadata=about, **told)
