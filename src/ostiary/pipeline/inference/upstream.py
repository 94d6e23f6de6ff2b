"""Asks the model behind an endpoint: one POST to the very address that was checked, and nothing of the caller's.

Rules:

- Where it may go is ``AddressRules``' word: https, or http to this machine where that is allowed; the name is resolved
  once for each request, every address must be allowed, and the connection goes to that address (CWE-918). No redirect
  is followed, no proxy of the environment is asked, nothing compressed is unpacked.
- No header of the caller's goes on, its token least of all: what the model gets is written here.
- Status, type and length of the answer are checked while it comes; a length that lies, an answer that drips, one that
  is too long or none at all is one ``UnavailableError``.
"""

import ssl
from typing import Final

import httpx

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.identity.deadline import Deadline
from ostiary.pipeline.inference.endpoint import EndpointSpec
from ostiary.response.ssf.addresses import AddressRules, Resolve, Target, aim, look_up

DECISION_HEADER: Final = "ostiary-decision"
_OK: Final = 200
_HEADERS: Final = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "connection": "close",
    "content-type": "application/json",
    "user-agent": "ostiary",
}


class Upstream:
    """Reaches models; safe for many threads."""

    def __init__(self, rules: AddressRules, ca_file: str = "", resolve: Resolve = look_up) -> None:
        """Keep to ``rules``; ``ca_file`` names the authorities that are believed, empty = the system's."""
        self.rules = rules
        self._resolve = resolve
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None

    def ask(self, spec: EndpointSpec, body: bytes, decision_id: str) -> bytes:
        """Return the model's answer.

        Raises:
            UnavailableError: ``upstream_refused`` (its address is not allowed) or ``upstream_failed``.
        """
        try:
            target = aim(spec.url, self.rules, self._resolve)
        except OstiaryError as fault:
            raise UnavailableError("upstream_refused", "the endpoint's address is not allowed or not known") from fault
        headers = {**_HEADERS, "host": target.authority, DECISION_HEADER: decision_id}
        try:
            return self._post(target, spec, body, headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:
            raise _failed("the model does not answer properly") from fault

    def _post(self, target: Target, spec: EndpointSpec, body: bytes, headers: dict[str, str]) -> bytes:
        verify = self._verify() if target.scheme == "https" else False
        with (
            Deadline(spec.timeout_s) as deadline,
            httpx.Client(verify=verify, timeout=spec.timeout_s, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST",
                target.url,
                content=body,
                headers=headers,
                extensions={"sni_hostname": target.host, **deadline.extensions},
            ) as answer,
        ):
            _check_head(answer, spec.max_answer)
            whole = bytearray()
            for chunk in answer.iter_raw():
                whole += chunk
                if len(whole) > spec.max_answer:
                    raise _failed(f"the model's answer is longer than {spec.max_answer} bytes")
            if deadline.over:  # an answer without a length ends where we cut it, and would pass for whole
                raise _failed(f"the model took longer than {spec.timeout_s:g} s")
            return bytes(whole)

    def _verify(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context(cafile=self._ca_file or None)
        return self._context


def _check_head(answer: httpx.Response, max_answer: int) -> None:
    if answer.status_code != _OK:
        raise _failed(f"the model answered {answer.status_code}")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or answer.headers.get("content-encoding", "identity") != "identity":
        raise _failed("the model answered something else than plain JSON")
    told = answer.headers.get("content-length", "0")
    if not told.isascii() or not told.isdigit() or len(told) > 12 or int(told) > max_answer:  # noqa: PLR2004
        raise _failed(f"the model's answer is longer than {max_answer} bytes")


def _failed(why: str) -> UnavailableError:
    return UnavailableError("upstream_failed", why)
