"""The retrievers inside the real LangChain and LlamaIndex. ``tools/retrievers.sh`` runs this with both."""

import asyncio

import httpx
import pytest

from ostiary_sdk.rag import RagClient, RagError, langchain, llamaindex

WORD = "{} is not installed here: tools/retrievers.sh runs this with it"
PASSAGE = {
    "text": "ada approves travel",
    "document": "travel.md",
    "chunk": "chk_1",
    "score": 0.5,
    "title": "Travel",
    "digest": "sha256:00",
    "canary": "ostc-1",
    "label": {"channel": "data", "integrity": 0},
}


def asker(name):
    """Return a client for somebody; the server answers by the token alone."""

    def answer(request):
        if request.headers["authorization"] != "Bearer ada":
            return httpx.Response(403, json={"code": "access_denied"})
        return httpx.Response(200, json={"passages": [PASSAGE]})

    return RagClient("https://pdp.example", "default", name, transport=httpx.MockTransport(answer))


def test_langchain_gets_documents_with_their_labels_and_refusals_as_errors():
    runnables = pytest.importorskip("langchain_core.runnables", reason=WORD.format("LangChain"))

    with asker("ada") as mine, asker("eve") as hers:
        found_by = langchain.retriever(mine, "handbook", k=3)
        (found,) = found_by.invoke("who approves travel?")
        assert (found.page_content, found.id) == (PASSAGE["text"], "chk_1")
        assert found.metadata["label"]["integrity"] == 0
        assert "text" not in found.metadata
        assert asyncio.run(found_by.ainvoke("who?"))[0].id == "chk_1"
        assert (found_by | runnables.RunnableLambda(len)).invoke("who?") == 1
        with pytest.raises(RagError, match="access_denied"):
            langchain.retriever(hers, "handbook").invoke("who approves travel?")
        assert "ada" not in repr(found_by).replace("ada approves", "")


def test_llamaindex_gets_nodes_with_their_labels_and_refusals_as_errors():
    schema = pytest.importorskip("llama_index.core.schema", reason=WORD.format("LlamaIndex"))

    with asker("ada") as mine, asker("eve") as hers:
        found_by = llamaindex.retriever(mine, "handbook", k=3)
        (found,) = found_by.retrieve("who approves travel?")
        assert (found.node.get_content(schema.MetadataMode.NONE), found.score) == (PASSAGE["text"], 0.5)
        assert found.node.metadata["label"]["integrity"] == 0
        told = found.node.get_content(schema.MetadataMode.LLM)
        assert "Travel" in told
        assert "ostc-1" not in told
        assert asyncio.run(found_by.aretrieve("who?"))[0].node.node_id == "chk_1"
        with pytest.raises(RagError, match="access_denied"):
            llamaindex.retriever(hers, "handbook").retrieve("who approves travel?")
