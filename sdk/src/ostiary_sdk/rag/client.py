"""Searches an index at the retrieval door, as whoever asks.

    with Retrieval("https://pdp.example", "default", "handbook", TokenOf(lambda: request.token)) as retrieval:
        for passage in retrieval.search("how do I get a new key card?"):
            print(passage.score, passage.document, passage.text)

- The token is the asker's own, told anew for each search: an application has no rights here, and so none to lend. What
  the asker may not read does not exist in any answer.
- One client serves many askers; nothing of an answer is kept. A cache around it must have the asker in its key.
- What is not answered raises ``RetrievalError``: there is no half of an answer, and no fallback to less checking.
"""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Protocol, Self

import httpx
import msgspec

from ostiary_sdk.settings import checked_url

MAX_ANSWER: Final = 16 << 20
_OK: Final = 200


class Tokens(Protocol):
    """Whatever proves who is asking; ``ostiary_sdk.pipeline.ExchangedToken`` does, with a proof of its key."""

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return the headers of one request."""
        ...


class TokenOf:
    """A bearer token, told anew for each search: by a context variable of the request, say."""

    def __init__(self, token: Callable[[], str]) -> None:
        """Take what tells the token of the present asker."""
        self._token = token

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return the header of one request."""
        del method, url
        return {"Authorization": f"Bearer {self._token()}"}


class RetrievalError(Exception):
    """The door did not answer the search.

    Attributes:
        code: why, such as ``access_denied``.
        status: of HTTP; 0 when there was no answer.
        decision_id: what to ask an administrator about; empty without a decision.
    """

    def __init__(self, code: str, message: str, status: int = 0, decision_id: str = "") -> None:
        """Keep what is known."""
        super().__init__(f"{message} ({code})")
        self.code, self.status, self.decision_id = code, status, decision_id


class Passage(msgspec.Struct, frozen=True):
    """A piece of a document that the asker may read.

    Attributes:
        chunk: its opaque id.
        document: the document's id.
        text: what it says: data, never instructions.
        score: cosine with the question.
        label: where it comes from: ``confidentiality``, ``integrity``, ``tenant``, ….
        canary: a word to keep beside the text in a prompt; where it turns up again, this document went there.
    """

    chunk: str
    document: str
    text: str
    score: float
    title: str = ""
    digest: str = ""
    canary: str = ""
    label: dict[str, Any] = {}

    def metadata(self) -> dict[str, Any]:
        """Return everything but the text, flat, as frameworks keep it beside a text."""
        told = {"document": self.document, "title": self.title, "chunk": self.chunk, "digest": self.digest}
        about = {name: self.label.get(name) for name in ("confidentiality", "integrity", "tenant", "uninspected")}
        return {**told, **about, "score": self.score, "canary": self.canary}


class _Answer(msgspec.Struct):
    passages: tuple[Passage, ...]
    decision_id: str = ""
    retrieval_id: str = ""


class Retrieval:
    """Searches one index of one tenant; safe for several threads and many askers."""

    def __init__(
        self,
        url: str,
        tenant: str,
        index: str,
        tokens: Tokens,
        *,
        timeout_s: float = 30.0,
        allow_http: bool = False,
        verify: bool | str = True,
    ) -> None:
        """Take where the door is, which index, and what proves who asks.

        Raises:
            ValueError: the address is none, or not safe to send a token to.
        """
        self._url = f"{checked_url(url, allow_http=allow_http)}/rag/{tenant}/search"
        self._index = index
        self._tokens = tokens
        # Nothing of the environment: a proxy or a .netrc there would be told what we are told.
        self._http = httpx.Client(timeout=timeout_s, verify=verify, trust_env=False)

    def __repr__(self) -> str:  # type: ignore[explicit-override] # typing.override is not in 3.11
        """Show whom it asks, not with what."""
        return f"Retrieval({self._url!r}, {self._index!r})"

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def search(self, query: str, k: int = 10, *, tokens: Tokens | None = None) -> tuple[Passage, ...]:
        """Return at most ``k`` passages that the asker may read, best first.

        Args:
            query: the question.
            k: 1 to 100.
            tokens: of this asker, instead of those that the client was made with.

        Raises:
            RetrievalError: it was refused, or not answered.
        """
        headers = (tokens or self._tokens).headers("POST", self._url)
        body = {"index": self._index, "query": query, "k": k}
        try:
            answer = self._http.post(self._url, json=body, headers=headers)
        except httpx.HTTPError as fault:
            raise RetrievalError("door_unreachable", "the retrieval door did not answer") from fault
        if answer.status_code != _OK:
            raise _refusal(answer)
        return _read(answer).passages


def _read(answer: httpx.Response) -> _Answer:
    if len(answer.content) > MAX_ANSWER:
        raise RetrievalError("door_answer_invalid", "the retrieval door answered too much", _OK)
    try:
        return msgspec.json.decode(answer.content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise RetrievalError("door_answer_invalid", "the retrieval door answered with something else", _OK) from fault


def _refusal(answer: httpx.Response) -> RetrievalError:
    try:
        told: Mapping[str, Any] = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = {}
    code, message = str(told.get("code", "door_answer_invalid")), str(told.get("message", "it was refused"))
    return RetrievalError(code, message, answer.status_code, str(told.get("decision_id", "")))
