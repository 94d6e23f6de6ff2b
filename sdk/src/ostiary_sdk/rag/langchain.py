"""A retriever for LangChain; needs ``langchain-core``.

    retriever = OstiaryRetriever(retrieval=Retrieval(url, "default", "handbook", TokenOf(current_token)), k=5)
    chain = {"context": retriever, "question": RunnablePassthrough()} | prompt | model

Documents have the passage's label in their metadata. A refusal raises: a chain does not go on without its context.
"""

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from ostiary_sdk.rag.client import Retrieval


class OstiaryRetriever(BaseRetriever):
    """Finds what the present asker may read."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retrieval: Retrieval = Field(repr=False, exclude=True)
    k: int = 10
    tokens: Any = Field(default=None, repr=False, exclude=True)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        """Return documents for a query; callbacks see what is returned and nothing else."""
        del run_manager
        found = self.retrieval.search(query, self.k, tokens=self.tokens)
        return [Document(page_content=one.text, metadata=one.metadata(), id=one.chunk) for one in found]
