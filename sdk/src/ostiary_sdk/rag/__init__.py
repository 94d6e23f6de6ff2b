"""Retrieval under the asker's own rights: a client, and retrievers for LangChain and LlamaIndex around it.

from ostiary_sdk.rag import Retrieval
from ostiary_sdk.rag.langchain import OstiaryRetriever      # needs langchain-core
from ostiary_sdk.rag.llamaindex import OstiaryRetriever     # needs llama-index-core
"""

from ostiary_sdk.rag.client import Passage, Retrieval, RetrievalError, TokenOf

__all__ = ["Passage", "Retrieval", "RetrievalError", "TokenOf"]
