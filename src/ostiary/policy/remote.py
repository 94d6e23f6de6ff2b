"""A customer's own OPA, asked by REST: the second engine.

- ``POST /v1/data/ostiary/{guardrails,adaptive}/decision`` with strict builtin errors: OPA's default turns an error of a
  builtin into *undefined*, and a rule that denies could then fall silent.
- HTTPS, or plain HTTP to loopback only. Redirects are not followed, proxies of the environment not used.
- A late, broken or refusing OPA is ``policy_timeout``, ``policy_unavailable`` or ``policy_error``: DENY each.
- The revision that answered comes with each answer (``provenance``) and names the policy in the record.
- Words of rules come from a local copy of the bundle, when there is one.

>>> RemoteOpaEngine("http://opa.example:8181")
Traceback (most recent call last):
ostiary.errors.FaultyInputError: `http://opa.example:8181`: policy travels by https, or to this machine only
"""

import ipaddress
import threading
import time
from contextlib import suppress
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx
import msgspec

from ostiary.errors import FaultyInputError
from ostiary.policy.answers import AnswerReader, adaptive_error, guardrail_error
from ostiary.policy.engine import BundleInfo, Document
from ostiary.policy.inflight import InFlight
from ostiary.policy.limits import EngineSettings
from ostiary.policy.rulebook import RuleBook
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.unreadable import UNREADABLE
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict

_PARAMETERS: Final = {"strict-builtin-errors": "true", "provenance": "true"}
_OK: Final = 200


class _Revision(msgspec.Struct):
    revision: str = ""


class _Provenance(msgspec.Struct):
    bundles: dict[str, _Revision] = {}
    revision: str = ""


class _Body(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"")
    provenance: _Provenance | None = None


_body: Final = msgspec.json.Decoder(_Body)


class RemoteOpaEngine:
    """An OPA server over REST, behind the same questions as the embedded one."""

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        rules: RuleBook | None = None,
        settings: EngineSettings | None = None,
        verify: Any = True,
    ) -> None:
        """Prepare the connection; nothing is sent yet.

        Args:
            url: base address, such as ``https://opa.example:8181``.
            token: bearer token, sent with each question; never logged.
            rules: words of the rules, from a local copy of the policy.
            settings: ``deadline_ms`` is the timeout of each question.
            verify: as httpx takes it: ``True``, or an ``ssl.SSLContext`` with the organisation's roots.

        Raises:
            FaultyInputError: ``policy_url_invalid``.
        """
        self.settings = settings or EngineSettings()
        self.running = InFlight()
        self.bundle = BundleInfo("remote:", "", rules or RuleBook({}))
        self._reader = AnswerReader(self.bundle.rules, self.settings)
        self._changing = threading.Lock()
        self._client = httpx.Client(
            base_url=check_url(url),
            timeout=self.settings.deadline_ms / 1000,
            headers={"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {}),
            follow_redirects=False,
            trust_env=False,
            verify=verify,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def digest(self) -> str:
        """``remote:`` and the revision that answered last; a server without bundles has none to tell."""
        return self.bundle.digest

    def guardrails(self, document: Document) -> GuardrailVerdict:
        """Ask what is allowed; ``document`` holds no score."""
        answer = self._ask("guardrails", document)
        return guardrail_error(answer) if isinstance(answer, Reason) else self._reader.guardrails_value(answer)

    def adaptive(self, document: Document) -> AdaptiveVerdict:
        """Ask what to propose, given the guardrails' result and the score."""
        answer = self._ask("adaptive", document)
        return adaptive_error(answer) if isinstance(answer, Reason) else self._reader.adaptive_value(answer)

    def busy_since(self) -> int | None:
        """Return when the oldest running question started (``time.monotonic_ns``)."""
        return self.running.busy_since()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, package: str, document: Document) -> bytes | Reason:
        try:
            text = document if isinstance(document, bytes) else msgspec.json.encode(document)
            if len(text) > self.settings.max_input_bytes:
                return Reason.POLICY_ERROR
            with self.running:
                status, answer = self._post(f"/v1/data/ostiary/{package}/decision", b'{"input":' + text + b"}")
        except httpx.TimeoutException:
            return Reason.POLICY_TIMEOUT
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError):  # httpx says RuntimeError of a closed client
            return Reason.POLICY_UNAVAILABLE
        except (TypeError, ValueError, RecursionError):
            return Reason.POLICY_ERROR
        return self._unwrap(answer) if status == _OK else Reason.POLICY_ERROR

    def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        answer = bytearray()
        # httpx times each read; a server that drips bytes would hold the decision for ever.
        late_ns = time.monotonic_ns() + self.settings.deadline_ms * 1_000_000
        with self._client.stream("POST", path, params=_PARAMETERS, content=body) as response:
            for chunk in response.iter_bytes():
                answer += chunk
                if time.monotonic_ns() > late_ns:
                    raise httpx.ReadTimeout("the answer drips", request=response.request)
                if len(answer) > 2 * self.settings.max_answer_bytes:
                    break  # the reader refuses what is too long
        return response.status_code, bytes(answer)

    def _unwrap(self, answer: bytes) -> bytes | Reason:
        try:
            body = _body.decode(answer)
        except UNREADABLE:
            return Reason.POLICY_MALFORMED
        self._note(body.provenance)
        return bytes(body.result) or Reason.POLICY_UNDEFINED

    def _note(self, provenance: _Provenance | None) -> None:
        if provenance is None:
            return
        named = [f"{name}@{each.revision}" for name, each in sorted(provenance.bundles.items())]
        revision = ",".join(named) or provenance.revision
        if revision != self.bundle.revision:
            with self._changing:
                self.bundle = BundleInfo(f"remote:{revision}", revision, self.bundle.rules)


def check_url(url: str) -> str:
    """Return ``url`` when policy may be asked there: by https, or plainly on this machine.

    Raises:
        FaultyInputError: ``policy_url_invalid``.
    """
    parts = urlsplit(url)
    odd = parts.query or parts.fragment or parts.username or not parts.hostname
    if odd or not (parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or ""))):
        text = f"`{url[:200]}`: policy travels by https, or to this machine only"
        raise FaultyInputError("policy_url_invalid", text)
    return url


def _loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
