"""Retrievers of LangChain and LlamaIndex around a door: each asker its own token, and no silence on refusal."""

import json
import runpy
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ostiary_sdk.rag import Retrieval, RetrievalError, TokenOf

MINE = {"ada": ["plan"], "bob": ["menu", "plan"]}
ASKER: ContextVar[str] = ContextVar("asker")


class Door(BaseHTTPRequestHandler):
    """Answers each token with its own passages."""

    seen: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012 - of the test alone

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        who = self.headers["Authorization"].removeprefix("Bearer ")
        self.seen.append((who, body))
        told: dict[str, Any] = {"code": "access_denied", "message": "Access is denied.", "decision_id": "dec_1"}
        if who in MINE:
            label = {"confidentiality": 2, "integrity": 0, "tenant": "default", "channel": "data"}
            told = {
                "decision_id": "dec_1",
                "passages": [
                    {"chunk": f"chk_{name}", "document": name, "text": f"{name} text", "score": 0.5, "label": label}
                    for name in MINE[who][: body["k"]]
                ],
            }
        raw = json.dumps(told).encode()
        self.send_response(200 if who in MINE else 403)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def door() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def retrieval(door: str) -> Iterator[Retrieval]:
    with Retrieval(door, "default", "handbook", TokenOf(ASKER.get), allow_http=True) as client:
        yield client


def test_the_client_asks_as_whoever_asks_now(retrieval: Retrieval) -> None:
    for who, wanted in MINE.items():
        ASKER.set(who)
        assert [one.document for one in retrieval.search("a plan?")] == wanted
    assert Door.seen[-1] == ("bob", {"index": "handbook", "query": "a plan?", "k": 10})
    ASKER.set("eve")
    with pytest.raises(RetrievalError) as no:
        retrieval.search("a plan?")
    assert (no.value.code, no.value.status, no.value.decision_id) == ("access_denied", 403, "dec_1")
    assert "bob" not in repr(retrieval)


def test_langchain(retrieval: Retrieval) -> None:
    pytest.importorskip("langchain_core", reason="run tools/retrievers.sh")
    from ostiary_sdk.rag.langchain import OstiaryRetriever  # noqa: PLC0415

    retriever = OstiaryRetriever(retrieval=retrieval, k=1)
    ASKER.set("bob")
    found = retriever.invoke("lunch")
    assert [(one.page_content, one.id, one.metadata["confidentiality"]) for one in found] == [
        ("menu text", "chk_menu", 2)
    ]
    ASKER.set("ada")
    assert [one.metadata["document"] for one in retriever.invoke("lunch")] == ["plan"]
    ASKER.set("eve")
    with pytest.raises(RetrievalError):
        retriever.invoke("lunch")
    assert "Retrieval" not in repr(retriever)


def test_llamaindex(retrieval: Retrieval) -> None:
    pytest.importorskip("llama_index.core", reason="run tools/retrievers.sh")
    from ostiary_sdk.rag.llamaindex import OstiaryRetriever  # noqa: PLC0415

    retriever = OstiaryRetriever(retrieval, k=2)
    ASKER.set("bob")
    found = retriever.retrieve("lunch")
    assert [(one.node.get_content(), one.score) for one in found] == [("menu text", 0.5), ("plan text", 0.5)]
    assert found[0].node.metadata["tenant"] == "default"
    assert "confidentiality" not in found[0].node.get_content(metadata_mode="llm")
    ASKER.set("eve")
    with pytest.raises(RetrievalError):
        retriever.retrieve("lunch")


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(("name", "needs"), [("langchain", "langchain_core"), ("llamaindex", "llama_index.core")])
def test_the_example_prints_what_the_asker_may_read(
    door: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    needs: str,
) -> None:
    pytest.importorskip(needs, reason="run tools/retrievers.sh")
    token = tmp_path / "token"
    token.write_text("ada\n")
    monkeypatch.setenv("OSTIARY_URL", door)
    monkeypatch.setenv("OSTIARY_TOKEN_FILE", str(token))
    example = runpy.run_path(str(EXAMPLES / name / "search.py"))
    example["main"]("a plan?")
    assert capsys.readouterr().out == "[plan] plan text\n"
    token.write_text("eve")
    with pytest.raises(RetrievalError):
        example["main"]("a plan?")
