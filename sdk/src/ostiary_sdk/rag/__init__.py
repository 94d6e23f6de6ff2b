"""Retrieval under the asker's own rights: a client, and retrievers for LangChain and LlamaIndex.

    from ostiary_sdk.rag import RagClient
    with RagClient("https://pdp.example", "default", token=lambda: session["access_token"]) as rag:
        for passage in rag.search("handbook", "who approves travel?"):
            print(passage.title, passage.text)

- The token is the asker's own, told anew for each search: a program's key opens no index, and one person's retriever
  must never serve another. So there is no cache here, and a client is made for one asker.
- What is not answered whole raises ``RagError``. An empty answer means that nothing was found *by this asker*.
- ``ostiary_sdk.rag.langchain`` and ``ostiary_sdk.rag.llamaindex`` need those libraries; this module needs neither.
"""

from ostiary_sdk.rag.client import Passage, RagClient, RagError, Token

__all__ = ["Passage", "RagClient", "RagError", "Token"]
