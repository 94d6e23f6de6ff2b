"""LangChain retrieval under the asker's own rights: python search.py "how do I restart the database?"."""

import os
import sys
from pathlib import Path

from langchain_core.runnables import RunnableLambda

from ostiary_sdk.rag import Retrieval, TokenOf
from ostiary_sdk.rag.langchain import OstiaryRetriever

# In a server the token is that of the request at hand: a context variable, say. Never one token for everybody.
TOKEN = TokenOf(lambda: Path(os.environ["OSTIARY_TOKEN_FILE"]).read_text().strip())


def main(question: str) -> None:
    """Print what the asker may read about a question, as it would go into a prompt."""
    url = os.environ["OSTIARY_URL"]
    with Retrieval(url, "default", "handbook", TOKEN, allow_http=url.startswith("http://127.")) as retrieval:
        found = OstiaryRetriever(retrieval=retrieval, k=5) | RunnableLambda(
            lambda documents: "\n\n".join(f"[{one.metadata['document']}] {one.page_content}" for one in documents)
        )
        print(found.invoke(question))


if __name__ == "__main__":
    main(sys.argv[1])
