"""Requests to the door: over connections that stay open, each with a proof of its own.

- Bodies are received straight into the bytes that are handed out: ``http.client`` reads as much as was promised in one
  go, which is several times quicker than a client that cuts it into events; large ones into large pages of memory
  (``datasets.large``; benchmarks/bench_datasets.py).
- A connection that the server has closed meanwhile is opened again, once, for requests that change nothing; when the
  door cannot decide now, these are asked again twice.
- A forked process opens connections of its own: two that share one would read each other's answers.
- What the door refuses is an ``OSError`` of the usual kind, with the door's code and the decision's id: permission,
  absence, existence. What it cannot finish is never half a result.
"""

import http.client
import json
import os
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, Final
from urllib.parse import quote, urlsplit

from ostiary_sdk.datasets.large import lies_large, received
from ostiary_sdk.pipeline.tokens import Tokens
from ostiary_sdk.settings import checked_url

SAFE: Final = "/:@!$&'()*+,;=~"
MAX_TOLD: Final = 65_536
_LATER: Final = 503
_WAITS_S: Final = (0.2, 1.0)
_IDEMPOTENT: Final = frozenset({"GET", "HEAD"})
Body = bytes | memoryview | IO[bytes] | Iterable[bytes] | None


class DatasetError(OSError):
    """The door answered, and not with what was asked for.

    Attributes:
        status: of HTTP.
        code: the door's own word for it.
        decision_id: the decision that was recorded, or empty.
        reasons: of the decision.
    """

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        """Take what the door said."""
        self.status = status
        self.code = str(told.get("code", "unknown"))
        self.decision_id = str(told.get("decision_id", ""))
        self.reasons = tuple(told.get("reasons", ()))
        which = f" (decision {self.decision_id})" if self.decision_id else ""
        super().__init__(f"{self.code}: {told.get('message', 'the door said no')}{which}")


class NotPermittedError(DatasetError, PermissionError):
    """The decision, the token or its budget says no."""


class NoSuchObjectError(DatasetError, FileNotFoundError):
    """There is no such object."""


class ObjectExistsError(DatasetError, FileExistsError):
    """There is such an object already, or another version of it."""


_KINDS: Final[dict[int, type[DatasetError]]] = {
    401: NotPermittedError,
    403: NotPermittedError,
    404: NoSuchObjectError,
    412: ObjectExistsError,
}


class Answer:
    """What the door answered: the head, and the whole body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep it."""
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class Doorway:
    """The door of one tenant."""

    def __init__(
        self,
        url: str,
        tenant: str,
        tokens: Callable[[str], Tokens],
        *,
        timeout_s: float = 60.0,
        allow_http: bool = False,
        cafile: str | None = None,
    ) -> None:
        """Take where the door is, and who gives tokens for a dataset.

        Args:
            url: the server's public address; proofs are made for it.
            tenant: whose datasets.
            tokens: returns what proves us for one dataset.
            timeout_s: how long the door may say nothing.
            allow_http: whether another machine may be spoken to without TLS.
            cafile: authorities to believe instead of the system's.

        Raises:
            ValueError: the address is none.
        """
        self._url = checked_url(url, allow_http=allow_http)
        self._tenant = tenant
        self._tokens = tokens
        self._timeout = timeout_s
        parts = urlsplit(self._url)
        self._host, self._path = parts.netloc, parts.path
        self._tls = ssl.create_default_context(cafile=cafile) if parts.scheme == "https" else None
        self._begin()

    def _begin(self) -> None:
        """Begin anew: a forked process has neither the right to its parent's connections nor to its lock."""
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        weakref.finalize(self, _close_all, self._idle)  # fsspec drops filesystems without a word

    def call(
        self, method: str, dataset: str, where: str, headers: Mapping[str, str] | None = None, body: Body = None
    ) -> Answer:
        """Make one request and return its whole answer.

        Args:
            method: of HTTP.
            dataset: which dataset.
            where: below the dataset, such as ``objects/a`` or ``list?deep=1``.
            headers: in addition to what proves us.
            body: to send; with its length among the headers when it is no bytes.

        Raises:
            DatasetError: the door answered with a refusal.
            OSError: the answer broke off.
        """
        # A name of an object may hold what it likes: cut at a question mark it would be another object's.
        place, _, query = (where, "", "") if where.startswith("objects/") else where.partition("?")
        path = f"{self._path}/pipeline/{self._tenant}/datasets/{quote(dataset, safe='')}/{quote(place, safe=SAFE)}"
        target = f"{path}?{query}" if query else path
        answer = self._answered(method, path, target, dataset, headers or {}, body)
        for wait_s in _WAITS_S if method in _IDEMPOTENT else ():
            if answer.status != _LATER:
                break
            time.sleep(wait_s)
            answer = self._answered(method, path, target, dataset, headers or {}, body)
        if answer.status >= 400:  # noqa: PLR2004 - of HTTP
            raise _KINDS.get(answer.status, DatasetError)(answer.status, _told(answer.body))
        return answer

    def close(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            _close_all(self._idle)

    def _answered(
        self, method: str, path: str, target: str, dataset: str, headers: Mapping[str, str], body: Body
    ) -> Answer:
        while True:
            connection, used = self._connection()
            proof = self._tokens(dataset).headers(method, f"{self._url.removesuffix(self._path)}{path}")
            try:
                connection.request(method, target, body=body, headers={**headers, **proof})
                response = connection.getresponse()
            except (ConnectionError, http.client.HTTPException) as fault:
                connection.close()
                if used and method in _IDEMPOTENT:  # the server had closed it; with a fresh one there is no second try
                    self.close()
                    continue
                raise ConnectionError("the door does not answer") from fault
            except BaseException:
                connection.close()
                raise
            return self._whole(connection, response)

    def _whole(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> Answer:
        try:
            body = _body(response)
        except (OSError, EOFError, http.client.HTTPException) as fault:
            connection.close()
            raise OSError("the door broke off: fewer bytes came than were promised") from fault
        except MemoryError as fault:
            connection.close()
            raise OSError("the door promises more bytes than there is room for") from fault
        if response.will_close:
            connection.close()
        else:
            with self._lock:
                self._idle.append(connection)
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        if self._process != os.getpid():
            self._begin()
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, timeout=self._timeout, context=self._tls), False
        return http.client.HTTPConnection(self._host, timeout=self._timeout), False


def _body(response: http.client.HTTPResponse) -> bytes:
    length = response.length
    if length is None or not lies_large(length):
        return response.read()
    return received(length, response.readinto)


def _close_all(idle: list[http.client.HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


def _told(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body[:MAX_TOLD])
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
