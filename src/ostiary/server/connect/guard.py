"""Who may use the loopback helper: programs of the person who started it, and nothing in a browser.

1. The request must be for this machine by name: a page whose name was made to lead here says another (DNS rebinding).
2. What a browser adds to a page's requests (`Origin`, `Sec-Fetch-Site`) is refused: no page speaks for the person.
3. The local key is needed, compared in constant time: other accounts of this machine reach the port too.
4. Only paths below ``/v1/`` go on, and only plain ones: nothing climbs, nothing is encoded twice.

>>> Guard("s3cret", 8182).fault("127.0.0.1:8182", {b"authorization": b"Bearer s3cret"}, "/v1/models") is None
True
>>> Guard("s3cret", 8182).fault("evil.example:8182", {b"authorization": b"Bearer s3cret"}, "/v1/models").code
'host_unknown'
"""

import hmac
import re
from collections.abc import Mapping
from typing import Final

import msgspec

_PATH: Final = re.compile(r"/v1(?:/[A-Za-z0-9_.~:@-]{1,256}){1,8}")
_BROWSER: Final = (b"origin", b"sec-fetch-site", b"sec-fetch-mode")
MAX_PATH: Final = 2048


class Fault(msgspec.Struct, frozen=True):
    """Why a request goes no further."""

    status: int
    code: str
    message: str


class Guard:
    """Judges requests by their heads."""

    def __init__(self, key: str, port: int) -> None:
        """Take the local key and the port."""
        self._key = f"Bearer {key}".encode()
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}

    def fault(self, host: str, headers: Mapping[bytes, bytes], path: str) -> Fault | None:
        """Return why a request goes no further, or nothing."""
        if host.lower() not in self._hosts:
            return Fault(403, "host_unknown", "this helper is for programs on this machine: use its loopback address")
        if any(name in headers for name in _BROWSER):
            return Fault(403, "browser_refused", "a page in a browser may not use this helper")
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._key):
            text = "use the key that `ostiary connect` printed as the client's API key (OPENAI_API_KEY)"
            return Fault(401, "local_key_wrong", text)
        if len(path) > MAX_PATH or not _PATH.fullmatch(path) or "/." in path:
            return Fault(404, "path_unknown", "only plain paths below `/v1/` are passed on")
        return None
