"""The client of retrieval: the asker's own token goes to one address, and no answer is no empty answer."""

import json

import httpx
import pytest

from ostiary_sdk.rag import RagClient, RagError

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


def client(answer, token="a.b.c", **more):
    return RagClient("https://pdp.example/", "default", token, transport=httpx.MockTransport(answer), **more)


def test_each_search_asks_for_the_token_of_now():
    asked, tokens = [], iter(["first", "second"])

    def answer(request):
        asked.append((str(request.url), request.headers["authorization"], json.loads(request.content)))
        return httpx.Response(200, json={"passages": [PASSAGE], "more": 1})

    with client(answer, lambda: next(tokens)) as rag:
        assert rag.search("handbook", "travel", 3)[0].text == PASSAGE["text"]
        rag.search("handbook", "travel")
    assert [one[:2] for one in asked] == [
        ("https://pdp.example/rag/default/search", "Bearer first"),
        ("https://pdp.example/rag/default/search", "Bearer second"),
    ]
    assert asked[0][2] == {"index": "handbook", "query": "travel", "k": 3}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(403, json={"code": "access_denied"}), "access_denied"),
        (httpx.Response(503, text="<html>"), "rag_unavailable"),
        (httpx.Response(500, json=["x"]), "rag_unavailable"),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), "rag_unavailable"),
        (httpx.Response(200, json={"passages": [{"text": "x"}]}), "answer_invalid"),
        (httpx.Response(200, json={}), "answer_invalid"),
        (httpx.Response(200, content=b"x" * (5 << 20)), "answer_too_large"),
    ],
)
def test_no_answer_is_no_empty_answer(answer, code):
    asked = []
    with client(lambda request: asked.append(request) or answer) as rag, pytest.raises(RagError) as no:
        rag.search("handbook", "travel")
    assert no.value.code == code
    assert len(asked) == 1


@pytest.mark.parametrize("token", ["", "a\r\nx-admin: 1", "a b", "x" * 20_000])
def test_a_token_that_is_none_is_not_sent(token):
    sent = []
    with client(lambda request: sent.append(request) or httpx.Response(200), token) as rag:
        with pytest.raises(RagError, match="token_missing"):
            rag.search("handbook", "travel")
        assert token == "" or token not in repr(rag)
    assert sent == []


def test_a_server_that_is_away_says_nothing_of_the_token():
    def answer(request):
        raise httpx.ConnectError(request.headers["authorization"])

    with client(answer, "secret-token") as rag, pytest.raises(RagError) as no:
        rag.search("handbook", "travel")
    assert "secret-token" not in repr(no.value) + str(no.value.__cause__)


@pytest.mark.parametrize(
    ("url", "tenant"),
    [("http://pdp.example", "default"), ("https://u:p@pdp.example", "default"), ("https://pdp.example", "../admin")],
)
def test_addresses_and_tenants_that_are_none(url, tenant):
    with pytest.raises(ValueError, match=r"address|tenant|https"):
        RagClient(url, tenant, "a")


def test_more_than_was_asked_for_is_not_taken():
    with client(lambda _: httpx.Response(200, json={"passages": [PASSAGE] * 9})) as rag:
        assert len(rag.search("handbook", "travel", 2)) == 2
        with pytest.raises(RagError, match="query_invalid"):
            rag.search("handbook", "travel", 0)
