"""A fake identity provider with a device flow, in a thread: it approves when told to, and remembers what it was asked.

with FakeProvider() as provider:
    provider.approve = True
    # ostiary login --issuer provider.url --client-id cli
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs

from typing_extensions import override

from ostiary.identity.algorithms import import_public
from ostiary.identity.strict import b64url_decode
from ostiary.testing.issuer import FakeIssuer

_JOIN_S: Final = 10.0
_BAD: Final = 400
_OK: Final = 200
_DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
Told = tuple[int, dict[str, Any], dict[str, str]]


class FakeProvider:
    """A provider on a free port of this machine.

    Attributes:
        approve: whether the person has approved; ``None`` means they said no.
        nonce: what it wants in proofs; empty wants none.
        bound: whether it binds tokens to the key of the proof.
        claims: what its tokens say besides.
        life_s: how long a token lives.
        forms: what the token endpoint was asked.
        revoked: tokens that were given back.
        dead: whether a refresh token came twice, which ends all of its family.
    """

    def __init__(self, subject: str = "ada") -> None:
        """Sign ``subject`` in."""
        self.approve: bool | None = False
        self.nonce = ""
        self.bound = True
        self.claims: dict[str, Any] = {"sub": subject}
        self.life_s = 300
        self.forms: list[dict[str, str]] = []
        self.revoked: list[str] = []
        self.dead = False
        self._current = ""
        self._count = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.issuer = FakeIssuer(self.url)

    @property
    def url(self) -> str:
        """Its name and address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Start it."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_JOIN_S)

    def document(self) -> dict[str, Any]:
        """Return the discovery document."""
        return {
            "issuer": self.url,
            "device_authorization_endpoint": f"{self.url}/device",
            "token_endpoint": f"{self.url}/token",
            "revocation_endpoint": f"{self.url}/revoke",
            "dpop_signing_alg_values_supported": ["ES256"],
        }

    def get(self, path: str) -> Told:  # noqa: ARG002 - there is one document here
        """Answer a ``GET``."""
        return _OK, self.document(), {}

    def begun(self) -> dict[str, Any]:
        """Return what a sign-in begins with."""
        address = f"{self.url}/activate"
        return {
            "device_code": "device-code",
            "user_code": "WDJB-MJHT",
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code=WDJB-MJHT",
            "expires_in": 60,
            "interval": 1,
        }

    def token(self, form: dict[str, str], proof: str) -> Told:
        """Answer the token endpoint."""
        with self._lock:
            self.forms.append(form)
            told = _claims_of(proof) if proof else {}
            if self.nonce and told.get("nonce") != self.nonce:
                return _BAD, {"error": "use_dpop_nonce"}, {"dpop-nonce": self.nonce}
            if form.get("grant_type") == _DEVICE_GRANT:
                return self._approved(proof)
            return self._renewed(form.get("refresh_token", ""), proof)

    def _approved(self, proof: str) -> Told:
        if self.approve is None:
            return _BAD, {"error": "access_denied", "error_description": "the person said no"}, {}
        return self._issue(proof) if self.approve else (_BAD, {"error": "authorization_pending"}, {})

    def _renewed(self, refresh: str, proof: str) -> Told:
        if self.dead or refresh != self._current:
            self.dead = True  # RFC 9700 §4.14: a refresh token that comes twice ends all of its family
            return _BAD, {"error": "invalid_grant"}, {}
        return self._issue(proof)

    def _issue(self, proof: str) -> Told:
        self._count += 1
        self._current = f"refresh-{self._count}"
        now = time.time_ns()  # noqa: TID251 - a provider of its own has a clock of its own
        bound = self.bound and bool(proof)
        confirmed = {"cnf": {"jkt": import_public(_head_of(proof)["jwk"]).thumbprint}} if bound else {}
        token = self.issuer.token(
            now, exp=now // 10**9 + self.life_s, jti=f"t-{self._count}", **confirmed, **self.claims
        )
        told = {
            "access_token": token,
            "token_type": "DPoP" if bound else "Bearer",
            "expires_in": self.life_s,
            "refresh_token": self._current,
        }
        return _OK, told, {}


def _part(proof: str, number: int) -> dict[str, Any]:
    raw = b64url_decode(proof.split(".")[number].encode())
    told: dict[str, Any] = json.loads(raw or b"{}")
    return told


def _head_of(proof: str) -> dict[str, Any]:
    return _part(proof, 0)


def _claims_of(proof: str) -> dict[str, Any]:
    return _part(proof, 1)


def _handler(provider: FakeProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            self._answer(*provider.get(self.path))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(raw).items()}
            if self.path == "/device":
                self._answer(_OK, provider.begun(), {})
            elif self.path == "/revoke":
                provider.revoked.append(form.get("token", ""))
                self._answer(_OK, {}, {})
            else:
                proof = self.headers.get("dpop") or self.headers.get("authorization") or ""
                self._answer(*provider.token(form, proof))

        def _answer(self, status: int, told: dict[str, Any], headers: dict[str, str]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            for name, value in {
                **headers,
                "content-type": "application/json",
                "content-length": str(len(body)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
