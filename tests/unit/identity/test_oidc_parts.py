"""The parts of signing in at a provider, against bytes that nobody meant: cookies, documents, answers, claims."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.identity.oidc.attempts import LIFE_NS, Attempts
from ostiary.identity.oidc.client import OidcClient, issuer_and_audience
from ostiary.identity.oidc.config import ProviderConfig
from ostiary.identity.oidc.endpoints import read_endpoints
from ostiary.identity.oidc.talking import Redeemed, redeem
from ostiary.identity.oidc.types import VerifiedLogout, VerifiedSignIn
from ostiary.server.console.oidc.attempt_cookie import NAME, read_attempt

CONFIG = ProviderConfig(name="corp", tenant="acme", issuer="https://idp.example", client_id="ostiary")
DOCUMENT = {
    "issuer": "https://idp.example",
    "authorization_endpoint": "https://idp.example/a",
    "token_endpoint": "https://idp.example/t",
}
TOKENS = {"id_token": "a.b.c", "access_token": "x", "token_type": "Bearer"}
PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
JSON = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=2)


@given(st.text(max_size=300))
def test_no_text_is_an_attempt_that_we_did_not_make(text: str) -> None:
    with pytest.raises(RefusedError, match="not begun in this browser"):
        Attempts(bytes(32)).read(text, now_ns=1)


@given(st.binary(min_size=1, max_size=4), st.integers(min_value=0, max_value=10_000))
def test_an_attempt_that_was_changed_is_none(change: bytes, place: int) -> None:
    attempts = Attempts(bytes(32))
    text, _ = attempts.begin("corp", "/", 1, bytes(16))
    place %= len(text)
    changed = text[:place] + change.hex() + text[place + 2 * len(change) :]
    if changed != text:
        with pytest.raises(RefusedError):
            attempts.read(changed, now_ns=2)


def test_an_attempt_of_another_process_or_time_is_none() -> None:
    attempts = Attempts(bytes(32))
    text, attempt = attempts.begin("corp", "/", 5, bytes(16))
    assert attempts.read(text, now_ns=5) == attempt
    for reader, now_ns in ((Attempts(bytes(31) + b"1"), 6), (attempts, 4), (attempts, 5 + LIFE_NS)):
        with pytest.raises(RefusedError):
            reader.read(text, now_ns)


def test_what_an_attempt_is_made_into_tells_nothing_of_the_others() -> None:
    attempts = Attempts(bytes(32))
    text, attempt = attempts.begin("corp", "/", 5, bytes(16))
    _, other = attempts.begin("corp", "/", 5, bytes(15) + b"1")
    words = [f(one) for one in (attempt, other) for f in (attempts.state, attempts.nonce, attempts.verifier)]
    assert len(set(words)) == 6
    assert all(len(word) == 43 and word not in text for word in words)
    with pytest.raises(RefusedError):
        attempts.use(attempt, attempts.state(other), 6)
    attempts.use(attempt, attempts.state(attempt), 6)
    with pytest.raises(RefusedError, match="used before"):
        attempts.use(attempt, attempts.state(attempt), 7)


@given(st.binary(max_size=200))
def test_a_cookie_header_is_read_or_nothing(raw: bytes) -> None:
    assert isinstance(read_attempt([(b"cookie", raw), (b"cookie", b"x=y")]), str)
    assert read_attempt([(b"cookie", f"{NAME}=a; {NAME}=b".encode())]) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "https://evil.example/a"},
        {"authorization_endpoint": "http://idp.example/a"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://idp.example@evil.example/a"},
        {"authorization_endpoint": "https://user@idp.example/a"},
        {"authorization_endpoint": "https://idp.example/a#b"},
        {"authorization_endpoint": "https://idp.example/a b"},
        {"authorization_endpoint": None},
        {"token_endpoint": "https://169.254.169.254/t"},
        {"token_endpoint": "http://localhost/t"},
        {"token_endpoint": "https://idp.example:444/t"},
        {"token_endpoint": "https://[::1/t"},
        {"token_endpoint": 7},
        {"end_session_endpoint": "https://evil.example/e"},
        {"end_session_endpoint": None},
    ],
)
def test_a_document_sends_nobody_elsewhere(changed: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError) as no:
        read_endpoints(json.dumps({**DOCUMENT, **changed}).encode(), CONFIG)
    assert no.value.code == "oidc_provider_unavailable"


def test_hosts_that_an_operator_names_are_the_providers_own() -> None:
    told = json.dumps({**DOCUMENT, "token_endpoint": "https://tokens.example/t"}).encode()
    config = ProviderConfig(
        name="corp", tenant="acme", issuer="https://idp.example", client_id="ostiary", hosts=("tokens.example",)
    )
    assert read_endpoints(told, config).token == "https://tokens.example/t"


@given(st.binary(max_size=200) | st.dictionaries(st.sampled_from(sorted(DOCUMENT)), JSON).map(json.dumps))
def test_documents_are_read_or_refused(raw: bytes | str) -> None:
    with pytest.raises(UnavailableError):
        read_endpoints(raw if isinstance(raw, bytes) else raw.encode(), CONFIG)


def answered(status: int, told: Any) -> Redeemed:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return redeem(CONFIG, "https://idp.example/t", "c", "v", "https://us.example", lambda *_: (status, body))


@given(st.integers(min_value=100, max_value=599), st.binary(max_size=100) | JSON)
def test_answers_of_a_token_endpoint_are_tokens_or_refused(status: int, told: Any) -> None:
    with pytest.raises(OstiaryError) as no:
        answered(status, told)
    assert no.value.code in {"oidc_provider_refused", "oidc_provider_unavailable"}


@pytest.mark.parametrize(
    ("status", "changed", "code"),
    [
        (400, {}, "oidc_provider_refused"),
        (302, {}, "oidc_provider_refused"),
        (500, {}, "oidc_provider_unavailable"),
        (200, {"id_token": None}, "oidc_provider_unavailable"),
        (200, {"id_token": "a" * 20_000}, "oidc_provider_unavailable"),
        (200, {"id_token": "ä"}, "oidc_provider_unavailable"),
        (200, {"token_type": "mac"}, "oidc_provider_unavailable"),
    ],
)
def test_what_is_no_token_signs_nobody_in(status: int, changed: dict[str, Any], code: str) -> None:
    assert answered(200, TOKENS) == Redeemed("a.b.c", "x")
    with pytest.raises(OstiaryError) as no:
        answered(status, {**TOKENS, **changed})
    assert no.value.code == code


def test_secrets_are_encoded_before_they_are_joined() -> None:
    """RFC 6749 §2.3.1: a colon in a client's name must not move the border."""
    seen: list[tuple[dict[str, str], str]] = []
    config = ProviderConfig(
        name="corp", tenant="acme", issuer="https://idp.example", client_id="a:b", secret=lambda: "c:d"
    )

    def send(_url: str, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
        seen.append((form, authorization))
        return 200, json.dumps(TOKENS).encode()

    redeem(config, "https://idp.example/t", "code", "verifier", "https://us.example", send)
    ((form, authorization),) = seen
    assert authorization == "Basic YSUzQWI6YyUzQWQ="
    assert "client_secret" not in form
    assert form["code_verifier"] == "verifier"


@given(st.text(max_size=200))
def test_what_is_no_logout_token_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        issuer_and_audience(text)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Corp"},
        {"name": "a:b"},
        {"name": ""},
        {"issuer": ""},
        {"scopes": ("profile",)},
        {"scopes": ("openid", "a b")},
        {"algorithms": ("HS256",)},
        {"algorithms": ("none",)},
        {"acr_values": ("a b",)},
        {"clock_skew_s": 301},
    ],
)
def test_a_provider_that_cannot_be_used_safely_is_refused_at_start(changed: dict[str, Any]) -> None:
    given_ = {"name": "corp", "tenant": "acme", "issuer": "https://idp.example", "client_id": "ostiary", **changed}
    with pytest.raises(FaultyInputError):
        ProviderConfig(**given_)


@pytest.mark.parametrize("issuer", ["http://idp.example", "http://127.0.0.1:1", "https://u@idp.example", "file:///x"])
def test_an_issuer_is_https(issuer: str) -> None:
    config = ProviderConfig(name="corp", tenant="acme", issuer=issuer, client_id="ostiary")
    with pytest.raises(FaultyInputError):
        OidcClient(config, "https://us.example/sign-in/callback")


def test_nobody_else_says_who_signed_in() -> None:
    for kind in (VerifiedSignIn, VerifiedLogout):
        with pytest.raises(TypeError):
            kind(seal=object(), provider="corp")
