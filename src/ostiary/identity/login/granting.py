"""Asks a provider's token endpoint, with a proof of the holder's key where it binds tokens (RFC 6749 §5, RFC 9449 §5).

- A proof names the endpoint and, when the provider wants one, its nonce: then the form is sent once more.
- The answer is believed for what it is: text of bounded length; a token type that is neither Bearer nor DPoP is none.
"""

from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.exchange.proving import make_proof
from ostiary.identity.login.provider import Provider
from ostiary.identity.login.talking import UNAVAILABLE, Answer, Talk
from ostiary.identity.tokens import MAX_LENGTH
from ostiary.keys import SigningKey
from ostiary.vocabulary.clock import Clock

NONCE_WANTED: Final = "use_dpop_nonce"
_OK: Final = 200
_NS: Final = 1_000_000_000
_DEFAULT_LIFE_S: Final = 300  # where the provider does not say, RFC 6749 §5.1 lets us guess: a short one
_LONGEST_LIFE_S: Final = 30 * 86_400


class Granted(msgspec.Struct, frozen=True):
    """Tokens.

    Attributes:
        access_token: for enforcement points.
        id_token: what the provider says of the person.
        refresh_token: for the provider alone.
        bound: whether the access token is bound to the holder's key.
        expires_ns: when the access token ends.
    """

    access_token: str
    expires_ns: int
    bound: bool = False
    id_token: str = ""
    refresh_token: str = ""


class Granting:
    """One provider's token endpoint."""

    def __init__(self, provider: Provider, client_id: str, key: SigningKey, talk: Talk, clock: Clock) -> None:
        """Ask ``provider`` as ``client_id``, a public client; ``key`` is the holder's."""
        self.provider = provider
        self._client_id = client_id
        self._key = key
        self._talk = talk
        self._clock = clock

    def ask(self, form: dict[str, str]) -> Answer:
        """Send a form to the token endpoint; once more with the nonce, when the provider wants one."""
        form = {**form, "client_id": self._client_id}
        answer = self._once(form, "")
        if answer.told.get("error") == NONCE_WANTED and answer.nonce:
            answer = self._once(form, answer.nonce)
        return answer

    def _once(self, form: dict[str, str], nonce: str) -> Answer:
        url = self.provider.token
        proof = make_proof(self._key, "POST", url, self._clock.now_ns(), nonce=nonce) if self.provider.proofs else ""
        return self._talk.post(url, form, proof)

    def granted(self, answer: Answer, refresh_token: str = "") -> Granted:
        """Return the tokens in an answer; a refresh token that is not renewed goes on.

        Raises:
            RefusedError: ``login_refused``: the provider says no.
            UnavailableError: ``provider_unavailable``: it is broken, or its answer is no token.
        """
        told = answer.told
        if answer.status != _OK:
            raise refused(answer)
        token, kind = _text(told, "access_token"), _text(told, "token_type").lower()
        if not token or kind not in {"bearer", "dpop"}:
            raise UnavailableError(UNAVAILABLE, "the provider's answer holds no token that can be used")
        life = told.get("expires_in", _DEFAULT_LIFE_S)
        seconds = life if isinstance(life, int) and 0 < life <= _LONGEST_LIFE_S else _DEFAULT_LIFE_S
        return Granted(
            access_token=token,
            expires_ns=self._clock.now_ns() + seconds * _NS,
            bound=kind == "dpop",
            id_token=_text(told, "id_token"),
            refresh_token=_text(told, "refresh_token") or refresh_token,
        )


def refused(answer: Answer) -> RefusedError | UnavailableError:
    """Return the error for an answer that is none; what the provider says is shown plainly, and never a token."""
    error = printable(answer.told.get("error"), 64)
    if answer.status >= 500 or not error:  # noqa: PLR2004 - server errors
        return UnavailableError(UNAVAILABLE, f"the provider answered {answer.status}")
    why = printable(answer.told.get("error_description"), 300)
    return RefusedError("login_refused", f"the provider refuses: {error}" + (f" ({why})" if why else ""))


def printable(value: Any, length: int) -> str:
    """Return a provider's word so that it can be shown on a terminal."""
    return "".join(c for c in value if c.isprintable())[:length] if isinstance(value, str) else ""


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name, "")
    sound = isinstance(value, str) and len(value) <= MAX_LENGTH and value.isascii() and value.isprintable()
    return value if sound and " " not in value else ""
