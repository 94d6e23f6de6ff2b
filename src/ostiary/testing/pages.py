"""A person's page without a browser: it introduces itself and sends windows as the collector does, or lies as told.

The page holds the key that its token is bound to; every body is signed. Sockets are the test's: ``send`` is given.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ostiary.identity.strict import b64url_encode
from ostiary.keys import sha256
from ostiary.testing.issuer import FakeHolder

Send = Callable[[str, str, bytes, Mapping[str, str]], Any]
# Quicker than anybody types: a test does not wait, and a window cannot last longer than there was time.
KEYS: Final = [[0, 12, 1], [10, 21, 1], [24, 30, 3], [33, 39, 1], [41, 50, 4]]
LASTED: Final = 50
JSON: Final = "application/json"


class FakePage:
    """One page of a person.

    Attributes:
        token: what it presents; change it to lie.
        stream, nonce, sequence, began: what the next window says.
    """

    def __init__(self, send: Send, base: str, holder: FakeHolder, token: str, now_ns: Callable[[], int]) -> None:
        """Take how to send, the address that proofs name (with the tenant), the key, the token, and a clock."""
        self._send = send
        self._base = base
        self._now_ns = now_ns
        self.holder = holder
        self.token = token
        self.stream = self.nonce = ""
        self.sequence = 1
        self.began = 0

    def ask(self, method: str, what: str, body: Any = None, **lies: Any) -> Any:
        """Send one request; ``lies`` are claims of the proof, and ``sent`` is a body that it does not sign."""
        sent = lies.pop("sent", body)
        raw = b"" if body is None else msgspec.json.encode(body)
        signed = {} if body is None else {"body_sha256": b64url_encode(sha256(raw)).decode()}
        proof = self.holder.proof(self._now_ns(), self.token, method, f"{self._base}/{what}", **{**signed, **lies})
        headers = {"authorization": f"DPoP {self.token}", "dpop": proof, "content-type": JSON}
        return self._send(method, what, b"" if sent is None else msgspec.json.encode(sent), headers)

    def agree(self, text: str = "typing-1") -> Any:
        """Say that the person agrees."""
        return self.ask("PUT", "consent", {"text": text})

    def open(self, **more: Any) -> Any:
        """Introduce itself, and remember stream and nonce."""
        answer = self.ask("POST", "streams", more)
        if answer.status_code == 201:  # noqa: PLR2004 - created
            told = answer.json()
            self.stream, self.nonce, self.sequence, self.began = told["stream"], told["nonce"], 1, 0
        return answer

    def window(self, **changes: Any) -> dict[str, Any]:
        """Return the next window, with changes."""
        told = {
            "stream": self.stream,
            "nonce": self.nonce,
            "sequence": self.sequence,
            "modality": "keystroke",
            "began": self.began,
            "lasted": LASTED,
            "untrusted": 0,
            "events": KEYS,
        }
        return {**told, **changes}

    def say(self, **changes: Any) -> Any:
        """Send the next window; go on with the nonce that the answer brings."""
        answer = self.ask("POST", "windows", self.window(**changes))
        told = answer.json()
        if told.get("nonce"):
            self.nonce = told["nonce"]
        if answer.status_code == 202:  # noqa: PLR2004 - accepted
            self.sequence = told["sequence"] + 1
            self.began += LASTED
        return answer
