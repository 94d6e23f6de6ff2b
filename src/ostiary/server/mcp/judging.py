"""The wrapper's judge: the gateway, asked for each message with the person's own token. Silence is a no."""

import re
from typing import Any, Final, Protocol

import httpx
import msgspec

from ostiary.errors import UnavailableError
from ostiary.vocabulary.unreadable import UNREADABLE

UNAVAILABLE: Final = "gateway_unavailable"
MAX_ANSWER: Final = 16 * 1024 * 1024
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_TIMEOUT_S: Final = 60.0


class Identity(Protocol):
    """Who asks."""

    def headers(self, method: str, url: str, nonce: str = "") -> dict[str, str]:
        """Return what a request must bear."""
        ...

    def renew(self) -> None:
        """Renew the token now."""
        ...


class Judged(msgspec.Struct, frozen=True):
    """What becomes of a message."""

    forward: dict[str, Any] | None = None
    reply: dict[str, Any] | None = None
    decision_id: str = ""


class Judge:
    """Asks the gateway about the messages of one server; safe for several threads."""

    def __init__(self, url: str, connection: str, identity: Identity, client: httpx.Client | None = None) -> None:
        """Ask at ``url``, which ends in ``/guard``."""
        self._url = url
        self._connection = connection
        self._identity = identity
        self._client = client or httpx.Client(timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False)
        self._nonce = ""

    def judge(
        self, sender: str, message: dict[str, Any], asked: dict[str, Any] | None = None, decision_id: str = ""
    ) -> Judged:
        """Return what becomes of ``message``.

        Raises:
            OstiaryError: the gateway is away, does not know who asks, or cannot read the message.
        """
        told: dict[str, Any] = {"from": sender, "message": message, "connection": self._connection}
        if asked is not None:
            told |= {"asked": asked, "decision_id": decision_id}
        answer = self._asked(msgspec.json.encode(told))
        if answer.status_code != _OK or len(answer.content) > MAX_ANSWER:
            raise UnavailableError(UNAVAILABLE, f"the gateway answers {answer.status_code}{_code(answer)}")
        try:
            return msgspec.json.decode(answer.content, type=Judged)
        except UNREADABLE as fault:
            raise UnavailableError(UNAVAILABLE, "the gateway answers something else than a judgement") from fault

    def _asked(self, body: bytes) -> httpx.Response:
        answer = self._once(body)
        if answer.status_code != _UNAUTHORIZED:
            return answer
        nonce, challenge = answer.headers.get("dpop-nonce", ""), answer.headers.get("www-authenticate", "")
        if nonce and "use_dpop_nonce" in challenge:
            self._nonce = nonce
        elif "invalid_token" in challenge and b"expired" in answer.content:
            self._identity.renew()
        else:
            return answer
        return self._once(body)

    def _once(self, body: bytes) -> httpx.Response:
        headers = self._identity.headers("POST", self._url, self._nonce)
        try:
            return self._client.post(self._url, content=body, headers={**headers, "content-type": "application/json"})
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise UnavailableError(UNAVAILABLE, f"the gateway does not answer: {type(fault).__name__}") from fault


def _code(answer: httpx.Response) -> str:
    """Return the code that an answer tells, so that whoever reads the refusal knows what would help."""
    found = re.search(rb'"code":"([a-z_]{1,64})"', answer.content[:4096])
    return f" ({found[1].decode()})" if found else ""


class Judges(Protocol):
    """Says what becomes of messages."""

    def judge(
        self, sender: str, message: dict[str, Any], asked: dict[str, Any] | None = None, decision_id: str = ""
    ) -> Judged:
        """Judge."""
        ...
