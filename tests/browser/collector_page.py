"""An application with a strict policy of its own, on another origin than Ostiary, that uses the collector."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ostiary.testing.issuer import FakeIssuer

SECRET_TEXT = "hunter2 correct horse"
PAGE = """<!doctype html><html><head><title>Quarterly salaries of ann@example.org</title></head><body>
<form autocomplete="off"><textarea id="text" rows="3" cols="60"></textarea>
<input id="pass" type="password" name="p"><input id="shown" type="password" name="q">
<input id="code" autocomplete="one-time-code"><input id="card" autocomplete="cc-number">
<div data-ostiary-ignore><input id="ignored"></div></form><div id="field" style="width:900px;height:500px"></div>
<div data-ostiary-ignore id="pad" style="width:300px;height:200px">1 2 3</div>
<script type="module" src="/app.js"></script></body></html>"""
APP = """import * as collector from "%(endpoint)s/biometrics/v1/collector.js";
const key = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key.publicKey);
const query = location.search.slice(1);
const getToken = async () => {
  const answer = await fetch("/token?" + query, { method: "POST", body: JSON.stringify({ kty, crv, x, y }) });
  return answer.text();
};
window.collector = collector;
window.options = { endpoint: "%(endpoint)s/biometrics/v1/default", getToken, key, consent: true, text: "typing-1" };
window.ready = true;
"""


class Application:
    """Its pages, and the issuer of its users' tokens."""

    def __init__(self, issuer: FakeIssuer) -> None:
        self.issuer = issuer
        self.endpoint = ""
        self.origin = ""

    def policy(self) -> str:
        own = f"{self.endpoint}/biometrics/v1/"
        return (
            f"default-src 'none'; script-src 'self' {own}; connect-src 'self' {own}; style-src-attr 'unsafe-inline'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def token(self, jwk: dict[str, str], name: str) -> str:
        from ostiary.identity.strict import b64url_encode  # noqa: PLC0415
        from ostiary.keys import sha256  # noqa: PLC0415

        members = {one: jwk[one] for one in ("crv", "kty", "x", "y")}
        jkt = b64url_encode(sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode())).decode()
        now_ns = time.time_ns()  # noqa: TID251 - the server's own clock decides on the token
        return self.issuer.token(now_ns, sub=name, sid=f"s-{name}", cnf={"jkt": jkt})


@contextmanager
def application(port: int, issuer: FakeIssuer) -> Iterator[Application]:
    """Serve the application on a port of localhost."""
    app = Application(issuer)
    app.origin = f"http://localhost:{port}"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = APP % {"endpoint": app.endpoint} if self.path.startswith("/app.js") else PAGE
            kind = "text/javascript" if self.path.startswith("/app.js") else "text/html; charset=utf-8"
            self._say(text, kind)

        def do_POST(self) -> None:
            jwk = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._say(app.token(jwk, self.path.partition("?")[2] or "ann"), "text/plain")

        def _say(self, text: str, kind: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.send_header("content-security-policy", app.policy())
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield app
    served.shutdown()
    thread.join(10)
    served.server_close()
