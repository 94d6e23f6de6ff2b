"""Tells a webhook: one signed POST, and nothing that a receiver could use against us.

Rules:

- The body is a CloudEvents 1.0 document; ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` are those of
  the Standard Webhooks specification: ``v1,`` and base64 of HMAC-SHA-256 over ``id.timestamp.body``.
- The timestamp is that of the try, so that a receiver can refuse old ones; the id is that of the letter, so that it can
  tell a repetition.
- 2xx is delivered. 408, 425, 429 and 5xx are tried again; any other status, a redirect included, is a dead letter.
- Where it may connect to is ``guard``'s word; proxies of the environment are not asked. The answer is read to 4 KiB and
  thrown away, and everything has a time limit.
"""

import ssl
from base64 import b64encode
from typing import Final

import httpx
import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.deadline import Deadline
from ostiary.keys import keyed_hash
from ostiary.response.outbox import Letter
from ostiary.response.sinks.envelope import CONTENT_TYPE, cloud_event
from ostiary.response.sinks.guard import Resolve, Target, allowed_address, check_url, system_resolve

MAX_ANSWER: Final = 4_096
_AGAIN: Final = frozenset({408, 425, 429})
_NS: Final = 1_000_000_000
_SUCCESS: Final = range(200, 300)
_SERVER_FAULT: Final = 500


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook; ``ca_file`` names the authorities that are believed, empty = the system's."""

    tenant: str
    name: str
    url: str
    source: str
    loopback_http: bool = False
    private: bool = False
    ca_file: str = ""
    timeout_s: float = 10.0


class Webhook:
    """A sink behind a URL."""

    def __init__(self, settings: WebhookSettings, secret: bytes, resolve: Resolve = system_resolve) -> None:
        """Take whom to tell and the secret that signs.

        Raises:
            FaultyInputError: ``sink_url_invalid``.
        """
        self._settings = settings
        self._target = check_url(settings.url, loopback_http=settings.loopback_http)
        self._secret = secret
        self._resolve = resolve

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self._settings.tenant

    @property
    def name(self) -> str:
        """Its name."""
        return self._settings.name

    def deliver(self, letter: Letter, now_ns: int) -> None:
        """Send one letter."""
        settings, target = self._settings, self._target
        plain = target.scheme == "http"
        address = allowed_address(
            target.host, target.port, self._resolve, private=settings.private, loopback=settings.loopback_http or plain
        )
        body = cloud_event(letter, settings.source)
        self._post(address, target, body, self._headers(letter, body, now_ns))

    def _headers(self, letter: Letter, body: bytes, now_ns: int) -> dict[str, str]:
        moment = str(now_ns // _NS)
        host = f"[{self._target.host}]" if ":" in self._target.host else self._target.host
        usual = {"https": 443, "http": 80}[self._target.scheme]
        return {
            "host": host if self._target.port == usual else f"{host}:{self._target.port}",
            "content-type": CONTENT_TYPE,
            "user-agent": "ostiary",
            "webhook-id": letter.letter_id,
            "webhook-timestamp": moment,
            "webhook-signature": signature(self._secret, letter.letter_id, moment, body),
        }

    def _post(self, address: str, target: Target, body: bytes, headers: dict[str, str]) -> None:
        url = httpx.URL(scheme=target.scheme, host=address, port=target.port, raw_path=target.path.encode())
        timeout = self._settings.timeout_s
        context = ssl.create_default_context(cafile=self._settings.ca_file or None)
        # The connection goes to the address that was checked; name and certificate stay the host's.
        name = {"sni_hostname": target.host}
        try:
            with (
                Deadline(timeout) as deadline,
                httpx.Client(verify=context, timeout=timeout, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    "POST", url, content=body, headers=headers, extensions={**name, **deadline.extensions}
                ) as answer,
            ):
                _drain(answer)
                _judge(answer.status_code)
        except (httpx.HTTPError, OSError) as fault:
            raise UnavailableError("sink_away", "the webhook does not answer properly") from fault


def signature(secret: bytes, letter_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of ``webhook-signature``.

    >>> signature(b"key", "ltr_1", "1", b"{}")[:3]
    'v1,'
    """
    signed = f"{letter_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(keyed_hash(secret, signed)).decode()


def _drain(answer: httpx.Response) -> None:
    """Read the answer to its limits and forget it: what it says changes nothing."""
    read = 0
    for chunk in answer.iter_raw():
        read += len(chunk)
        if read > MAX_ANSWER:
            return


def _judge(status: int) -> None:
    if status in _SUCCESS:
        return
    if status in _AGAIN or status >= _SERVER_FAULT:
        raise UnavailableError("sink_busy", f"the webhook answered {status}")
    raise RefusedError("sink_refused", f"the webhook answered {status}")
