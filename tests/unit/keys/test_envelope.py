"""Ciphertexts of conversations: bound to their place, padded, and useless without both secrets."""

from itertools import product

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import VerificationError
from ostiary.keys.envelope import ConversationKey, Place, joined, padded

SHARE, DATA = b"s" * 32, b"d" * 32
PLACES = [
    Place(tenant, user, conversation, index, epoch, version, use)
    for tenant, user, conversation, index, epoch, version, use in product(
        ("t", "u"), ("a", "b"), ("c", "d"), (0, 1), (1, 2), (1, 2), ("message", "head")
    )
]


def test_a_ciphertext_opens_at_its_own_place_and_at_no_other() -> None:
    """Every pair of a small world: the same two secrets are behind all keys, so only the place differs."""
    keys = {place: ConversationKey(DATA, SHARE, place) for place in PLACES}
    sealed = {place: keys[place].seal(place, b"secret") for place in PLACES}
    opened = 0
    for here, there in product(PLACES, PLACES):
        if here == there and there.version == 1:
            assert keys[there].open(there, sealed[here]) == b"secret"
            opened += 1
            continue
        with pytest.raises(VerificationError, match="altered, or belongs"):
            keys[there].open(there, sealed[here])
    assert opened == len(PLACES) / 2


def test_a_key_works_for_its_own_conversation_only() -> None:
    place = Place("t", "a", "c", 0, 1)
    for other in (Place("u", "a", "c", 0, 1), Place("t", "b", "c", 0, 1), Place("t", "a", "d", 0, 1)):
        key = ConversationKey(DATA, SHARE, other)
        with pytest.raises(VerificationError):
            key.seal(place, b"x")


@pytest.mark.parametrize(("data", "share"), [(b"e" * 32, SHARE), (DATA, b"e" * 32)])
def test_both_secrets_are_needed(data: bytes, share: bytes) -> None:
    place = Place("t", "a", "c", 0, 1)
    sealed = ConversationKey(DATA, SHARE, place).seal(place, b"x")
    with pytest.raises(VerificationError):
        ConversationKey(data, share, place).open(place, sealed)


def test_the_key_is_hkdf_of_rfc_5869() -> None:
    place = Place("t", "a", "c", 0, 7)
    info = joined(b"ostiary/conversation", b"t", b"a", b"c", b"7")
    wanted = HKDF(algorithm=SHA256(), length=32, salt=SHARE, info=info).derive(DATA)
    assert bytes(ConversationKey(DATA, SHARE, place)._cipher_key) == wanted


@given(st.lists(st.binary(max_size=6), max_size=5), st.lists(st.binary(max_size=6), max_size=5))
def test_no_two_lists_join_to_the_same_bytes(one: list[bytes], other: list[bytes]) -> None:
    assert (joined(*one) == joined(*other)) == (one == other)


NAMES = st.text(alphabet="ab|\0,:", max_size=4)
ANY = st.builds(Place, NAMES, NAMES, NAMES, st.integers(0, 3), st.integers(0, 3), st.just(1))


@given(ANY, ANY)
def test_places_are_bound_apart(one: Place, other: Place) -> None:
    assert (one.bound() == other.bound()) == (one == other)


@given(st.binary(max_size=2000), st.integers(min_value=0), st.integers(1, 255))
def test_one_changed_byte_is_noticed(plaintext: bytes, where: int, change: int) -> None:
    place = Place("t", "a", "c", 0, 1)
    key = ConversationKey(DATA, SHARE, place)
    sealed = bytearray(key.seal(place, plaintext))
    assert key.open(place, bytes(sealed)) == plaintext
    sealed[where % len(sealed)] ^= change
    with pytest.raises(VerificationError):
        key.open(place, bytes(sealed))


@given(st.binary(max_size=60))
def test_what_is_no_ciphertext_is_refused(junk: bytes) -> None:
    place = Place("t", "a", "c", 0, 1)
    for told in (junk, b"\x01" + junk):
        with pytest.raises(VerificationError):
            ConversationKey(DATA, SHARE, place).open(place, told)


@given(st.integers(0, 1 << 30))
def test_padding_costs_little_and_tells_little(length: int) -> None:
    full = padded(length)
    assert full >= length
    assert full <= max(256, length * 1.12)
    assert padded(full) == full


def test_lengths_fall_into_few_buckets() -> None:
    place = Place("t", "a", "c", 0, 1)
    key = ConversationKey(DATA, SHARE, place)
    assert {len(key.seal(place, bytes(length))) for length in range(253)} == {256 + 1 + 12 + 16}
    assert len({padded(length) for length in range(1 << 16)}) < 140


def test_nonces_do_not_repeat() -> None:
    place = Place("t", "a", "c", 0, 1)
    key = ConversationKey(DATA, SHARE, place)
    sealed = [key.seal(place, b"same") for _ in range(20_000)]
    assert len({one[1:13] for one in sealed}) == len(set(sealed)) == 20_000


def test_a_forgotten_key_seals_nothing() -> None:
    place = Place("t", "a", "c", 0, 1)
    key = ConversationKey(DATA, SHARE, place)
    sealed = key.seal(place, b"x")
    kept = key._cipher_key
    key.forget()
    assert not any(kept)
    with pytest.raises(VerificationError):
        key.open(place, sealed)
    with pytest.raises(RuntimeError):
        key.seal(place, b"x")


def test_nothing_secret_is_shown() -> None:
    key = ConversationKey(DATA, SHARE, Place("t", "a", "c", 0, 1))
    told = f"{key!r} {key}"
    assert DATA.decode() not in told
    assert bytes(key._cipher_key).hex() not in told
