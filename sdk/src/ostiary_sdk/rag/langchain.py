"""A retriever for LangChain; needs ``langchain-core`` when ``OstiaryRetriever`` is asked for, and not before.

    from ostiary_sdk.rag.langchain import OstiaryRetriever
    retriever = OstiaryRetriever(retrieval=Retrieval(url, "default", "handbook", TokenOf(current_token)), k=5)
    chain = {"context": retriever, "question": RunnablePassthrough()} | prompt | model

Documents have the passage's label in their metadata. A refusal raises: a chain does not go on without its context.
"""

from functools import cache
from typing import Any

from ostiary_sdk.rag.client import Retrieval


@cache
def retriever_class() -> Any:
    """Return the class; it is made when LangChain is there."""
    from langchain_core.documents import Document  # noqa: PLC0415 - the application brings it
    from langchain_core.retrievers import BaseRetriever  # noqa: PLC0415
    from pydantic import ConfigDict, Field  # noqa: PLC0415

    class OstiaryRetriever(BaseRetriever):  # type: ignore[misc] # unknown where LangChain is not installed
        """Finds what the present asker may read."""

        model_config = ConfigDict(arbitrary_types_allowed=True)

        retrieval: Retrieval = Field(repr=False, exclude=True)
        k: int = 10
        tokens: Any = Field(default=None, repr=False, exclude=True)

        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Any]:
            """Return documents for a query; callbacks see what is returned and nothing else."""
            del run_manager
            found = self.retrieval.search(query, self.k, tokens=self.tokens)
            return [Document(page_content=one.text, metadata=one.metadata(), id=one.chunk) for one in found]

    return OstiaryRetriever


def __getattr__(name: str) -> Any:
    """Return the class by its name."""
    if name != "OstiaryRetriever":
        raise AttributeError(name)
    return retriever_class()
