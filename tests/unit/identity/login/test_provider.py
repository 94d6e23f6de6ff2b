import json

import pytest

from ostiary.errors import FaultyInputError
from ostiary.identity.login.provider import check_address, read_provider

ISSUER = "https://idp.example"
SOUND = {
    "issuer": ISSUER,
    "device_authorization_endpoint": f"{ISSUER}/device",
    "token_endpoint": f"{ISSUER}/token",
    "dpop_signing_alg_values_supported": ["RS256", "ES256"],
}


def document(**changes):
    return json.dumps({name: value for name, value in {**SOUND, **changes}.items() if value is not None}).encode()


def test_a_document_says_where_to_ask():
    provider = read_provider(document(revocation_endpoint=f"{ISSUER}/revoke"), ISSUER)
    assert (provider.device, provider.token, provider.revocation) == (
        f"{ISSUER}/device",
        f"{ISSUER}/token",
        f"{ISSUER}/revoke",
    )
    assert provider.proofs


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": "https://other.example"}, "provider_invalid"),
        ({"device_authorization_endpoint": None}, "provider_invalid"),
        ({"token_endpoint": 7}, "provider_invalid"),
        ({"token_endpoint": "http://idp.example/token"}, "url_invalid"),
        ({"token_endpoint": "https://user:secret@idp.example/token"}, "url_invalid"),
        ({"device_authorization_endpoint": "javascript:alert(1)"}, "url_invalid"),
        ({"revocation_endpoint": "ftp://idp.example"}, "url_invalid"),
    ],
)
def test_a_document_that_leads_elsewhere_is_refused(changes, code):
    with pytest.raises(FaultyInputError) as caught:
        read_provider(document(**changes), ISSUER)
    assert caught.value.code == code


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"issuer": "a", "issuer": "b"}', b"\xff"])
def test_what_is_no_document_is_refused(raw):
    with pytest.raises(FaultyInputError):
        read_provider(raw, ISSUER)


def test_proofs_are_made_only_where_they_are_understood():
    assert not read_provider(document(dpop_signing_alg_values_supported=["RS256"]), ISSUER).proofs
    assert not read_provider(document(dpop_signing_alg_values_supported="ES256"), ISSUER).proofs


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:1/", "https://a.example"])
def test_secrets_go_over_tls_or_stay_on_this_machine(url):
    assert check_address(url, "it") == url


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://localhost.example/", "https://", "https://a.example/#x", "x"]
)
def test_secrets_go_nowhere_else(url):
    with pytest.raises(FaultyInputError):
        check_address(url, "it")
