"""Names of others stay inside their part of a key, whatever they hold."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.storage.valkey.address import read_address
from ostiary.storage.valkey.names import LONGEST, escaped, key

ODD = [
    "{acme}",
    "acme}:used:{beta",
    "*",
    "a?[b]",
    "\\",
    "\r\nFLUSHALL\r\n",
    "\0",
    "..",
    "~x",
    "%7E",
    "x" * 10_000,
    "é",
    "",
]


@pytest.mark.parametrize("tenant", ODD)
def test_a_tenant_is_one_hash_tag_and_no_pattern(tenant: str) -> None:
    made = key(tenant, "used", "dpop")
    assert re.fullmatch(rb"ostiary:\{[A-Za-z0-9%~_-]*\}:used:dpop", made)
    assert len(made) <= LONGEST + 40


@given(st.text(max_size=200), st.text(max_size=200))
def test_two_names_are_never_one(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


@given(st.lists(st.text(max_size=20), max_size=3), st.lists(st.text(max_size=20), max_size=3))
def test_parts_cannot_be_moved_between_each_other(some: list[str], others: list[str]) -> None:
    assert (key("t", "k", *some) == key("t", "k", *others)) == (some == others)


def test_a_digest_is_no_name_that_anybody_could_have() -> None:
    long = "x" * 500
    assert escaped(escaped(long)) != escaped(long)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://a",
        "valkey://",
        "valkey://h:x",
        "valkey://h/x",
        "valkey://h/0?db=3",
        "valkey://h:99999",
        "redis://[::1",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(FaultyInputError) as refused:
        read_address(url)
    assert refused.value.code == "valkey_url_invalid"
    assert len(url) < 12 or url not in refused.value.message


def test_a_password_is_shown_nowhere() -> None:
    at = read_address("valkeys://us%40er:pa%3Ass@h:1/2")
    assert (at.user, at.password) == ("us@er", "pa:ss")
    assert "pa" not in repr(at)
    with pytest.raises(FaultyInputError) as refused:
        read_address("valkey://u:hunter2@h:port")
    assert "hunter2" not in str(refused.value)
