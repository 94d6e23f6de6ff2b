"""A fake provider that signs people in at a console: authorization endpoint, PKCE, id and logout tokens; it can lie.

with SignInProvider("ada") as provider:
    provider.claims["groups"] = ["admins"]
    # a browser that goes to provider.url + "/authorize?…" comes back with a code
"""

import time
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from typing_extensions import override

from ostiary.identity.strict import b64url_encode
from ostiary.keys import new_secret, sha256
from ostiary.testing.identity_provider import FakeProvider, Told
from ostiary.testing.issuer import compact

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT: Final = "ostiary-console"
SECRET: Final = "s3cret +/%"  # noqa: S105 - a fake one, of letters that must be encoded
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_FOUND: Final = 302
_OK: Final = 200
_BAD: Final = 400
_NOT_FOUND: Final = 404
_NS: Final = 1_000_000_000
Claims = dict[str, Any]


class SignInProvider(FakeProvider):
    """A provider with an authorization endpoint, on a free port of this machine.

    Attributes:
        requests: what browsers were sent with.
        claims: what its id tokens say besides; ``None`` as a value takes a claim out.
        forge: makes the id token of its claims in another way.
        names_itself: whether its answers carry ``iss`` (RFC 9207), ``calls_itself`` another name there.
        error: what it answers a browser with, instead of a code.
        changed: members of its discovery document.
        down: whether its token endpoint is broken.
    """

    def __init__(self, subject: str = "ada", host: str = "127.0.0.1") -> None:
        """Sign ``subject`` in; ``host`` is this machine as the browser may call it."""
        self._host = host
        super().__init__(subject)
        self.claims |= {"sid": "their-session", "auth_time": _now(), "acr": "urn:ostiary:acr:mfa"}
        self.requests: list[dict[str, str]] = []
        self.forge: Callable[[SignInProvider, Claims], str] | None = None
        self.names_itself = True
        self.calls_itself = ""
        self.error = ""
        self.changed: Claims = {}
        self.down = False
        self._codes: dict[str, dict[str, str]] = {}

    @property
    @override
    def url(self) -> str:
        """Its name and address."""
        return f"http://{self._host}:{self._server.server_address[1]}"

    @override
    def document(self) -> dict[str, Any]:
        """Return the discovery document."""
        own = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?fixed=1",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/leave",
            "authorization_response_iss_parameter_supported": self.names_itself,
        }
        return {**own, **self.changed}

    @override
    def get(self, path: str) -> Told:
        """Answer a ``GET``."""
        parts = urlsplit(path)
        match parts.path:
            case "/.well-known/openid-configuration":
                return _OK, self.document(), {}
            case "/jwks":
                return _OK, {"keys": [dict(key.jwk) for key in self.issuer.keys]}, {}
            case "/authorize":
                return self._authorized({name: values[0] for name, values in parse_qs(parts.query).items()})
            case _:
                return _NOT_FOUND, {}, {}

    def _authorized(self, asked: dict[str, str]) -> Told:
        self.requests.append(asked)
        code = new_secret()
        self._codes[code] = asked
        answer = {"state": asked["state"], **({"error": self.error} if self.error else {"code": code})}
        if self.names_itself:
            answer["iss"] = self.calls_itself or self.url
        return _FOUND, {}, {"location": f"{asked['redirect_uri']}?{urlencode(answer)}"}

    @override
    def token(self, form: dict[str, str], proof: str) -> Told:
        """Answer the token endpoint; ``proof`` is the ``Authorization`` header here."""
        self.forms.append(form)
        asked = self._codes.pop(form.get("code", ""), None)
        if self.down:
            return 500, {}, {}
        if not _is_client(form, proof) or asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return _BAD, {"error": "invalid_grant"}, {}
        challenge = b64url_encode(sha256(form["code_verifier"].encode())).decode()
        if challenge != asked["code_challenge"] or asked["code_challenge_method"] != "S256":
            return _BAD, {"error": "invalid_grant"}, {}
        access = new_secret()
        told = {"access_token": access, "token_type": "Bearer", "id_token": self.id_token(asked["nonce"], access)}
        return _OK, told, {}

    def id_token(self, nonce: str, access: str) -> str:
        """Return an id token."""
        half = b64url_encode(sha256(access.encode())[:16]).decode()
        claims = self.issuer.claims(_now() * _NS, aud=CLIENT, nonce=nonce, at_hash=half, azp=CLIENT)
        said = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        return self.forge(self, said) if self.forge else self.signed(said)

    def signed(self, claims: Claims, **header: Any) -> str:
        """Return a token that says this, signed."""
        return compact(self.issuer.header(**{"typ": "JWT", **header}), claims, self.issuer.keys[0].signer)

    def logout_token(self, **changed: Any) -> str:
        """Return a logout token; ``None`` takes a claim out."""
        now = _now()
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": new_secret(),
            "sub": self.claims["sub"],
            "sid": self.claims["sid"],
            "events": {LOGOUT_EVENT: {}},
            **changed,
        }
        return self.signed({name: value for name, value in claims.items() if value is not None}, typ="logout+jwt")


def _is_client(form: dict[str, str], authorization: str) -> bool:
    if form.get("client_id") != CLIENT:
        return False
    pair = b64decode(authorization.removeprefix("Basic ")).decode() if authorization.startswith("Basic ") else ""
    name, _, secret = pair.partition(":")
    by_header = (unquote_plus(name), unquote_plus(secret)) == (CLIENT, SECRET)
    return by_header or form.get("client_secret") == SECRET


def _now() -> int:
    return time.time_ns() // _NS  # noqa: TID251 - a provider of its own has a clock of its own
