"""One form to a provider, one answer back: bounded in size and time, no redirect followed, no error but ours."""

from typing import Any, Final, Protocol

import msgspec

from ostiary.errors import UnavailableError
from ostiary.identity.strict import NotStrictError, parse_object

TIMEOUT_S: Final = 20.0
MAX_ANSWER: Final = 262_144
UNAVAILABLE: Final = "provider_unavailable"


class Answer(msgspec.Struct, frozen=True):
    """What a provider said: a status, a JSON object, and the nonce that it wants in proofs."""

    status: int
    told: dict[str, Any]
    nonce: str = ""


class Talk(Protocol):
    """Speaks to a provider."""

    def fetch(self, url: str) -> bytes:
        """Return a document.

        Raises:
            UnavailableError: ``provider_unavailable``.
        """
        ...

    def post(self, url: str, form: dict[str, str], proof: str = "") -> Answer:
        """Send a form.

        Raises:
            UnavailableError: ``provider_unavailable``.
        """
        ...


class HttpTalk:
    """Speaks HTTP."""

    def fetch(self, url: str) -> bytes:
        """Return a document."""
        status, body, _ = self._ask("GET", url, None, {"accept": "application/json"})
        if status != 200:  # noqa: PLR2004 - OK
            raise UnavailableError(UNAVAILABLE, f"the provider answered {status} for its discovery document")
        return body

    def post(self, url: str, form: dict[str, str], proof: str = "") -> Answer:
        """Send a form."""
        headers = {"accept": "application/json", **({"dpop": proof} if proof else {})}
        status, body, nonce = self._ask("POST", url, form, headers)
        try:
            return Answer(status, parse_object(body) if body else {}, nonce)
        except NotStrictError as fault:
            raise UnavailableError(UNAVAILABLE, f"the provider answered {status} with something unreadable") from fault

    @staticmethod
    def _ask(method: str, url: str, form: dict[str, str] | None, headers: dict[str, str]) -> tuple[int, bytes, str]:
        import httpx  # noqa: PLC0415 - a third of a second that other commands do not need

        headers = {**headers, "accept-encoding": "identity"}
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client,
                client.stream(method, url, data=form, headers=headers) as response,
            ):
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise UnavailableError(UNAVAILABLE, "the provider's answer is too long")
                return response.status_code, bytes(body), response.headers.get("dpop-nonce", "")[:256]
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:
            raise UnavailableError(UNAVAILABLE, f"the provider does not answer: {type(fault).__name__}") from fault
