"""Speaks to the features door of a running server: a proof for each request, a table or a document back."""

from typing import Any, Final

import httpx

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.exchange.proving import make_proof
from ostiary.keys import SigningKey
from ostiary.server.body import BodyLimits, parse_object
from ostiary.server.feature_tables import ARROW, read_table
from ostiary.vocabulary.clock import SystemClock

TIMEOUT_S: Final = 60.0
_JSON: Final = "application/json"
_ANSWER: Final = BodyLimits(16 * 1024 * 1024, 16)
_OK: Final = 200
_FAULTY: Final = {400, 404, 405, 408, 413}


class Door:
    """One feature door, with the token of one caller."""

    def __init__(self, url: str, tenant: str, token: str, key: SigningKey) -> None:
        """Take where it is, and what proves who calls."""
        self._base = f"{url.rstrip('/')}/pipeline/{tenant}/features/"
        self._token = token
        self._key = key

    def table(self, path: str, body: bytes, columns: str = "") -> Any:
        """Return the table that a request is answered with.

        Raises:
            OstiaryError: it was refused, or not answered.
        """
        return read_table(self._post(path, body, columns).content)

    def document(self, path: str, body: bytes) -> dict[str, Any]:
        """Return the document that a request is answered with."""
        return parse_object(self._post(path, body, "").content, _ANSWER)

    def _post(self, path: str, body: bytes, columns: str) -> httpx.Response:
        url = self._base + path
        proof = make_proof(self._key, "POST", url, SystemClock().now_ns(), token=self._token)
        kind = _JSON if body[:1] == b"{" else ARROW
        headers = {"Authorization": f"DPoP {self._token}", "DPoP": proof, "Content-Type": kind, "Accept": ARROW}
        try:
            with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as http:
                response = http.post(
                    url, content=body, headers=headers, params={"columns": columns} if columns else None
                )
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise UnavailableError("door_unreachable", "the features door did not answer") from fault
        if response.status_code != _OK:
            raise _fault(response)
        return response


def _fault(response: httpx.Response) -> OstiaryError:
    try:
        told = parse_object(response.content, _ANSWER)
    except OstiaryError:
        told = {}
    code, message = str(told.get("code", "door_answer_invalid")), str(told.get("message", "it was refused"))
    decision = f" ({told['decision_id']})" if "decision_id" in told else ""
    needs = told.get("needs")
    words = f"{message} the query needs {', '.join(map(str, needs))}{decision}" if needs else f"{message}{decision}"
    if response.status_code in _FAULTY:
        return FaultyInputError(code, words)
    return RefusedError(code, words) if response.status_code < 500 else UnavailableError(code, words)  # noqa: PLR2004
