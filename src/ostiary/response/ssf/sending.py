"""One POST to a receiver or transmitter, and the answer: bounded in size and time, to one address, no redirects.

Whatever goes wrong on the way is one ``UnavailableError``; a compressed answer is not unpacked.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import UnavailableError
from ostiary.identity.deadline import Deadline
from ostiary.response.ssf.addresses import AddressRules, Resolve, aim, look_up

AWAY: Final = "receiver_away"


class Answer(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    body: bytes


class Post(Protocol):
    """Sends one POST."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer.

        Raises:
            UnavailableError: ``receiver_away``.
            RefusedError, FaultyInputError: ``address_refused``.
        """
        ...


class Sender:
    """A ``Post`` over the network. Thread-safe: every call has a connection of its own."""

    def __init__(
        self,
        rules: AddressRules,
        *,
        timeout_s: float = 5.0,
        max_answer: int = 16_384,
        ca_file: Path | None = None,
        resolve: Resolve = look_up,
    ) -> None:
        """Take where it may go, for how long, and how much may come back."""
        self._rules = rules
        self._timeout_s = timeout_s
        self._max_answer = max_answer
        self._ca_file = ca_file
        self._resolve = resolve

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one POST."""
        import httpx  # noqa: PLC0415 - a third of a second that most commands need not pay

        target = aim(url, self._rules, self._resolve)
        told = {**headers, "host": target.authority, "accept": "application/json", "accept-encoding": "identity"}
        # The certificate must be the name's, though the connection goes to the address that was judged.
        name = {"sni_hostname": target.host} if target.scheme == "https" else {}
        with (
            _one_error(),
            Deadline(self._timeout_s) as deadline,
            httpx.Client(
                timeout=self._timeout_s, follow_redirects=False, trust_env=False, verify=self._trust(target.scheme)
            ) as client,
            client.stream(
                "POST", target.url, content=body, headers=told, extensions={**name, **deadline.extensions}
            ) as response,
        ):
            answer = Answer(response.status_code, self._read(response))
            if deadline.over:  # a body without a length ends where we cut it, and would pass for whole
                raise UnavailableError(AWAY, f"the answer takes longer than {self._timeout_s} s")
            return answer

    def _trust(self, scheme: str) -> ssl.SSLContext | bool:
        if scheme != "https":
            return True
        return ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)

    def _read(self, response: Any) -> bytes:
        found = bytearray()
        for chunk in response.iter_raw():
            found += chunk
            if len(found) > self._max_answer:
                raise UnavailableError(AWAY, f"the answer is longer than {self._max_answer} bytes")
        return bytes(found)


@contextmanager
def _one_error() -> Iterator[None]:
    import httpx  # noqa: PLC0415 - see above

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as fault:
        raise UnavailableError(AWAY, f"no answer: {type(fault).__name__}") from fault
