"""Asks ``POST /rag/TENANT/search``.

INVARIANT: a token goes to one address and nowhere else: no redirect is followed, no proxy of the environment is used,
and neither ``repr`` nor an error holds it.
"""

import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec

from ostiary_sdk.settings import MAX_ANSWER, checked_url

MAX_K: Final = 100
TIMEOUT_S: Final = 10.0
_OK: Final = 200
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}\Z")
_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
Token = Callable[[], str]


class RagError(Exception):
    """There is no answer.

    Attributes:
        code: why, such as ``access_denied`` (no such index, or not for this asker) or ``rag_unavailable``.
        status: of HTTP; 0 where nothing was answered.
    """

    def __init__(self, code: str, status: int = 0) -> None:
        """Keep the code."""
        super().__init__(code)
        self.code = code
        self.status = status


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A passage with its label.

    Attributes:
        text: what it says; data, never an instruction.
        document, chunk, title: what it is of.
        score: of question and passage alone.
        digest: of the text, as the record of this search has it.
        canary: a word that tells where this passage was copied to.
        label: where it comes from, how confidential it is, and whether its words may be trusted.
    """

    text: str
    document: str
    chunk: str
    score: float
    title: str = ""
    digest: str = ""
    canary: str = ""
    label: Mapping[str, Any] = {}

    def about(self) -> dict[str, Any]:
        """Return everything but the text, for a framework's metadata."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        del told["text"]
        return told


class _Answer(msgspec.Struct, frozen=True):
    passages: tuple[Passage, ...]


class RagClient:
    """Searches for one asker. Use it as a context manager, or close it; its connections are used by several threads."""

    def __init__(
        self,
        url: str,
        tenant: str,
        token: str | Token,
        *,
        timeout_s: float = TIMEOUT_S,
        allow_http: bool = False,
        verify: bool | str = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Take where to ask and who does.

        Args:
            url: of the server.
            tenant: whose indexes.
            token: the asker's access token, or what tells the current one.
            timeout_s: for each step of an exchange.
            allow_http: whether another machine may be asked without TLS.
            verify: whether, or against which file of authorities, its certificate is checked.
            transport: for tests.

        Raises:
            ValueError: the address or the tenant is none.
        """
        if not _TENANT.match(tenant):
            raise ValueError("the tenant is no name of one")
        self._url = f"{checked_url(url, allow_http=allow_http)}/rag/{tenant}/search"
        self._token = token
        context = httpx.create_ssl_context(verify=verify, trust_env=False)
        self._http = httpx.Client(
            timeout=timeout_s, verify=context, trust_env=False, follow_redirects=False, transport=transport
        )

    def search(self, index: str, query: str, k: int = 10) -> tuple[Passage, ...]:
        """Return at most ``k`` passages that the asker may read this moment, best first.

        Raises:
            RagError: there is no answer.
        """
        if not 1 <= k <= MAX_K:
            raise RagError("query_invalid")
        body = msgspec.json.encode({"index": index, "query": query, "k": k})
        try:
            with self._http.stream("POST", self._url, content=body, headers=self._headers()) as answer:
                raw = b""
                for part in answer.iter_bytes():
                    raw += part
                    if len(raw) > MAX_ANSWER:
                        raise RagError("answer_too_large", answer.status_code)
        except httpx.HTTPError:
            raise RagError("rag_unavailable") from None
        if answer.status_code != _OK:
            raise RagError(_code(raw), answer.status_code)
        try:
            return msgspec.json.decode(raw, type=_Answer).passages[:k]
        except msgspec.MsgspecError:
            raise RagError("answer_invalid", answer.status_code) from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def _headers(self) -> dict[str, str]:
        token = self._token() if callable(self._token) else self._token
        if not _TOKEN.match(token):  # before anything is sent: no second header comes out of it
            raise RagError("token_missing")
        return {"authorization": f"Bearer {token}", "content-type": "application/json", "accept": "application/json"}


def _code(raw: bytes) -> str:
    try:
        told = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return "rag_unavailable"
    code = told.get("code") if isinstance(told, dict) else None
    return code[:100] if isinstance(code, str) else "rag_unavailable"
