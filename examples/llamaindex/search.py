"""LlamaIndex retrieval under the asker's own rights: python search.py "how do I restart the database?"."""

import os
import sys
from pathlib import Path

from ostiary_sdk.rag import Retrieval, TokenOf
from ostiary_sdk.rag.llamaindex import OstiaryRetriever

# In a server the token is that of the request at hand: a context variable, say. Never one token for everybody.
TOKEN = TokenOf(lambda: Path(os.environ["OSTIARY_TOKEN_FILE"]).read_text().strip())


def main(question: str) -> None:
    """Print what the asker may read about a question, best first."""
    url = os.environ["OSTIARY_URL"]
    with Retrieval(url, "default", "handbook", TOKEN, allow_http=url.startswith("http://127.")) as retrieval:
        for one in OstiaryRetriever(retrieval, k=5).retrieve(question):
            print(f"[{one.node.metadata['document']}] {one.node.get_content()}")


if __name__ == "__main__":
    main(sys.argv[1])
