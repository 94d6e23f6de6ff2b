"""A retriever for LangChain (``langchain-core``, imported when it is asked for).

    from ostiary_sdk.rag.langchain import retriever
    documents = retriever(rag, "handbook", k=5).invoke("who approves travel?")

It belongs to one asker, as its client does. A refusal is raised and never becomes an empty list: a chain that goes on
with nothing would answer as if nothing were written.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ostiary_sdk.rag.client import RagClient

__all__ = ["retriever"]


def retriever(client: "RagClient", index: str, k: int = 10) -> Any:
    """Return a ``BaseRetriever``: passages of one index as documents; the label is in their metadata."""
    return _retriever()(client=client, index=index, k=k)


@cache
def _retriever() -> Any:
    base: Any = import_module("langchain_core.retrievers").BaseRetriever
    document = import_module("langchain_core.documents").Document

    class OstiaryRetriever(base):  # type: ignore[misc] # what LangChain is, only LangChain says
        client: Any
        index: str
        k: int

        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Any]:
            del run_manager
            found = self.client.search(self.index, query, self.k)
            return [document(page_content=one.text, id=one.chunk, metadata=one.about()) for one in found]

    return OstiaryRetriever
