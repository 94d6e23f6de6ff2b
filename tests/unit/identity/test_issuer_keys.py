import json
import threading
from typing import Any

import pytest

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.identity.jwks import MAX_KEYS, MAX_UNKNOWN, IssuerKeys, parse_jwks
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import JwksSettings
from ostiary.testing.issuer import FakeKey

SECOND = 1_000_000_000
FIRST, SECOND_KEY, THIRD = (FakeKey.generate(kid) for kid in ("k1", "k2", "k3"))
SETTINGS = JwksSettings(refresh_s=300, max_stale_s=3600, retry_s=15, miss_interval_s=10, unknown_s=60)


def document(*keys: FakeKey | dict[str, Any]) -> bytes:
    return json.dumps({"keys": [dict(key.jwk) if isinstance(key, FakeKey) else key for key in keys]}).encode()


class Source:
    """A JWKS that can be changed, made to fail, and counts how often it is fetched."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetches = 0
        self.fails = False
        self.before_answer = lambda: None

    def fetch(self) -> bytes:
        self.fetches += 1
        self.before_answer()
        if self.fails:
            raise UnavailableError(Refusal.JWKS_UNAVAILABLE, "the issuer is away")
        return self.content


def code_of(keys: IssuerKeys, kid: str, at_s: int) -> str:
    with pytest.raises(OstiaryError) as raised:
        keys.find(kid, at_s * SECOND)
    return raised.value.code


def test_a_document_is_fetched_once_while_it_is_fresh() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    assert keys.generation == 0
    for at in (0, 1, 299):
        assert keys.find("k1", at * SECOND)[0].kid == "k1"
    assert (source.fetches, keys.generation) == (1, 1)
    keys.find("k1", 300 * SECOND)
    assert (source.fetches, keys.generation) == (2, 1)  # unchanged: what was verified stays verified


def test_a_new_key_is_found_at_once_and_a_retired_one_is_forgotten() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    keys.find("k1", 0)
    source.content = document(SECOND_KEY)
    assert keys.find("k2", 1 * SECOND)[1] == 2
    assert code_of(keys, "k1", 2) == Refusal.TOKEN_KEY_LOOKUP_LIMITED
    assert code_of(keys, "k1", 12) == Refusal.TOKEN_KEY_UNKNOWN


def test_made_up_key_ids_cannot_hammer_the_issuer() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    keys.find("k1", 0)
    codes = [code_of(keys, f"made-up-{n}", at_s=n // 100) for n in range(6000)]
    assert source.fetches == 1 + 6  # one each ten seconds
    assert codes.count(Refusal.TOKEN_KEY_UNKNOWN) == 6
    assert set(codes) == {Refusal.TOKEN_KEY_UNKNOWN, Refusal.TOKEN_KEY_LOOKUP_LIMITED}
    assert keys.find("k1", 61 * SECOND)[0].kid == "k1"


def test_an_unknown_key_id_is_not_asked_for_twice_in_a_minute() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    assert code_of(keys, "k9", 0) == Refusal.TOKEN_KEY_UNKNOWN
    fetched = source.fetches
    assert {code_of(keys, "k9", at) for at in (1, 11, 59)} == {Refusal.TOKEN_KEY_UNKNOWN}
    assert source.fetches == fetched
    assert code_of(keys, "k9", 60) == Refusal.TOKEN_KEY_UNKNOWN
    assert source.fetches == fetched + 1


def test_the_memory_of_unknown_key_ids_is_bounded() -> None:
    keys = IssuerKeys(Source(document(FIRST)), JwksSettings(miss_interval_s=0, unknown_s=3600, refresh_s=3000))
    for n in range(MAX_UNKNOWN + 50):
        code_of(keys, f"made-up-{n}", at_s=n)
    assert len(keys._unknown) == MAX_UNKNOWN


def test_while_the_issuer_is_away_old_keys_serve_for_a_while_and_then_nobody_is_believed() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    keys.find("k1", 0)
    source.fails = True
    for at in (300, 310, 316, 3599):
        assert keys.find("k1", at * SECOND)[0].kid == "k1"
    assert source.fetches == 1 + 3  # at 300, 316 and 3599: not more often than every 15 s
    assert code_of(keys, "k1", 3600) == Refusal.JWKS_UNAVAILABLE
    source.fails = False
    assert keys.find("k1", 3700 * SECOND)[0].kid == "k1"


def test_an_issuer_that_was_never_reached_is_unavailable_and_asked_again_later() -> None:
    source = Source(document(FIRST))
    source.fails = True
    keys = IssuerKeys(source, SETTINGS)
    assert {code_of(keys, "k1", at) for at in (0, 1, 14)} == {Refusal.JWKS_UNAVAILABLE}
    assert source.fetches == 1
    source.fails = False
    assert keys.find("k1", 15 * SECOND)[0].kid == "k1"


def test_a_key_looked_for_while_the_issuer_is_away_is_unavailable_not_unknown() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    keys.find("k1", 0)
    source.fails = True
    assert code_of(keys, "k2", 1) == Refusal.JWKS_UNAVAILABLE


def test_a_broken_document_does_not_replace_a_good_one() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    keys.find("k1", 0)
    source.content = b"<html>sign in</html>"
    assert keys.find("k1", 301 * SECOND)[0].kid == "k1"
    with pytest.raises(UnavailableError):
        keys.refresh(302 * SECOND)


def test_a_document_that_cannot_change_is_not_asked_again() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS, fixed=True)
    assert {code_of(keys, "k9", at) for at in (0, 1, 2)} == {Refusal.TOKEN_KEY_UNKNOWN}
    assert source.fetches == 1


def test_one_thread_fetches_and_the_others_go_on_with_what_there_is() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    keys.find("k1", 0)
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        go_on.wait(10)

    source.before_answer = wait
    slow = threading.Thread(target=keys.find, args=("k1", 400 * SECOND))
    slow.start()
    assert inside.wait(10)
    assert keys.find("k1", 400 * SECOND)[0].kid == "k1"  # does not wait for the slow one
    go_on.set()
    slow.join(10)
    assert source.fetches == 2


def test_two_threads_that_miss_the_same_new_key_fetch_once_and_both_find_it() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    keys.find("k1", 0)
    source.content = document(FIRST, SECOND_KEY)
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        go_on.wait(10)

    source.before_answer = wait
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(keys.find("k2", SECOND)[0].kid)) for _ in range(2)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    threads[1].join(0.1)  # it waits for the first
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (found, source.fetches) == (["k2", "k2"], 2)


def test_many_threads_at_the_start_fetch_once() -> None:
    source = Source(document(FIRST))
    keys = IssuerKeys(source, SETTINGS)
    threads = [threading.Thread(target=keys.find, args=("k1", 5 * SECOND)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert source.fetches == 1


def respelled(text: str) -> str:
    """Return another base64url spelling of the same bytes: the last bits, which nobody reads, differ."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


UNUSABLE: dict[str, dict[str, Any]] = {
    "no id": {name: value for name, value in FIRST.jwk.items() if name != "kid"},
    "id a number": {**FIRST.jwk, "kid": 1},
    "symmetric": {"kty": "oct", "k": "c2VjcmV0", "kid": "k1"},
    "symmetric, disguised": {**FIRST.jwk, "k": "c2VjcmV0"},
    "private": {**FIRST.jwk, "d": "AAAA"},
    "for encryption": {**FIRST.jwk, "use": "enc"},
    "for signing only": {**FIRST.jwk, "key_ops": ["sign"]},
    "for HMAC": {**FIRST.jwk, "alg": "HS256"},
    "for none": {**FIRST.jwk, "alg": "none"},
    "unknown kind": {"kty": "AKP", "kid": "k1"},
    "unknown curve": {**FIRST.jwk, "crv": "secp256k1"},
    "key agreement curve": {"kty": "OKP", "crv": "X25519", "x": "A" * 43, "kid": "k1"},
    "coordinate in another spelling": {**FIRST.jwk, "x": respelled(FIRST.jwk["x"])},
    "coordinate padded": {**FIRST.jwk, "y": FIRST.jwk["y"] + "="},
    "coordinate empty": {**FIRST.jwk, "y": ""},
    "small RSA": {"kty": "RSA", "e": "AQAB", "n": "_" * 169 + "w", "kid": "k1"},
    "huge RSA": {"kty": "RSA", "e": "AQAB", "n": "_" * 1400, "kid": "k1"},
    "RSA with exponent one": {"kty": "RSA", "e": "AQ", "n": "v" * 341 + "w", "kid": "k1"},
    "RSA with a huge exponent": {"kty": "RSA", "e": "_" * 8, "n": "v" * 341 + "w", "kid": "k1"},
}


@pytest.mark.parametrize("jwk", [pytest.param(jwk, id=name) for name, jwk in UNUSABLE.items()])
def test_an_unusable_key_is_left_out_and_spoils_no_other(jwk: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError):
        parse_jwks(document(jwk))
    assert set(parse_jwks(document(jwk, SECOND_KEY))) == {"k2"}


def test_a_large_but_proper_rsa_key_is_used() -> None:
    assert set(parse_jwks(document({"kty": "RSA", "e": "AQAB", "n": "v" * 341 + "w", "kid": "k1"}))) == {"k1"}


def test_two_keys_with_one_id_are_both_left_out() -> None:
    twin = {**THIRD.jwk, "kid": "k1"}
    assert set(parse_jwks(document(FIRST, twin, SECOND_KEY))) == {"k2"}
    shadow = {"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}
    assert set(parse_jwks(document(FIRST, shadow, SECOND_KEY))) == {"k2"}


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": null}', b'{"keys": [1, "x", null]}', b'{"keys": [], "keys": []}'],
)
def test_a_document_without_usable_keys_is_unavailable(content: bytes) -> None:
    with pytest.raises(UnavailableError) as raised:
        parse_jwks(content)
    assert raised.value.code == Refusal.JWKS_UNAVAILABLE


def test_a_document_with_too_many_keys_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="at most"):
        parse_jwks(document(*[{**FIRST.jwk, "kid": f"k{n}"} for n in range(MAX_KEYS + 1)]))


def test_refusals_of_unknown_keys_do_not_repeat_the_key_id() -> None:
    keys = IssuerKeys(Source(document(FIRST)), SETTINGS)
    with pytest.raises(RefusedError) as refused:
        keys.find("x' OR 1=1", 0)
    assert "OR 1=1" not in refused.value.message
