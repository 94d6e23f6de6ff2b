import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.pipeline.training.hello import MAX_HELLO, ClientHelloReader, ServerHelloReader
from ostiary.testing.tls_hellos import (
    ECH,
    client_hello,
    extension,
    hello_message,
    records,
    retry_request,
    server_hello,
    server_name,
)

NAME = "registry.example"


def fed(data: bytes, step: int = 1 << 20, *, again: bool = False):
    reader = ClientHelloReader(again=again)
    for place in range(0, len(data), step):
        found = reader.feed(data[place : place + step])
        if found is not None:
            return found
    return None


@pytest.mark.parametrize("size", [8, 20, 100, 16_384])
@pytest.mark.parametrize("step", [1, 3, 64, 1 << 20])
def test_a_hello_in_any_pieces_is_the_same_hello(size, step):
    found = fed(client_hello(NAME, size=size), step)
    assert found is not None
    assert (found.server_name, found.hidden) == (NAME, False)


def test_the_name_is_read_in_lower_case():
    assert fed(client_hello("Registry.EXAMPLE")).server_name == NAME


def test_a_hidden_name_is_seen():
    assert fed(client_hello(NAME, more=[extension(ECH, b"\0" * 40)])).hidden
    assert fed(client_hello(NAME, more=[extension(0xFFCE, b"\0" * 40)])).hidden


def test_a_hello_without_a_name_names_nobody():
    assert not fed(records(hello_message([]))).server_name
    assert not fed(records(hello_message([extension(10, b"\0\2\0\x1d")]))).server_name


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\n", "tls_expected"),
        (b"\x16\x02\x00\x00\x05hello", "tls_expected"),
        (b"\x17\x03\x03\x00\x05hello", "tls_expected"),
        (b"\x14\x03\x03\x00\x01\x01", "tls_expected"),
        (b"\x80\x2e\x01\x03\x01", "tls_expected"),
        (b"\x16\x03\x01\x00\x00", "tls_hello_malformed"),
        (b"\x16\x03\x01\xff\xff", "tls_hello_malformed"),
        (records(b"\x02" + (4).to_bytes(3, "big") + b"abcd"), "tls_hello_malformed"),
        (records(hello_message([server_name(NAME, "evil.example")])), "tls_hello_malformed"),
        (records(hello_message([server_name(NAME), server_name("evil.example")])), "tls_hello_malformed"),
        (records(hello_message([extension(0, b"")])), "tls_hello_malformed"),
        (records(hello_message([server_name("")])), "tls_hello_malformed"),
        (records(hello_message([server_name("a" * 256)])), "tls_hello_malformed"),
        (records(hello_message([server_name("r\xe9gistry.example")])), "tls_hello_malformed"),
        (
            records(hello_message([server_name(NAME)]) + hello_message([server_name("evil.example")])),
            "tls_hello_malformed",
        ),
        (records(b"\x01" + (MAX_HELLO + 1).to_bytes(3, "big") + b"x" * 100), "tls_hello_too_large"),
        (client_hello(NAME, size=1), "tls_hello_too_large"),
    ],
)
def test_what_is_no_plain_hello_is_refused(data, code):
    with pytest.raises(FaultyInputError) as no:
        fed(data)
    assert no.value.code == code


def test_a_hello_that_never_ends_is_not_waited_for():
    begun = b"\x01\0\x7f\xff" + b"x" * 32_000  # says that it has 32,767 bytes
    for size in (16_384, 200):
        with pytest.raises(FaultyInputError) as no:
            fed(records(begun, size) + b"\x16\x03\x01\x40\0" * 6_000)
        assert no.value.code in {"tls_hello_too_large", "tls_hello_malformed"}


def test_what_follows_a_hello_is_kept_apart():
    reader = ClientHelloReader()
    first = client_hello(NAME)
    assert fed(first).server_name == NAME
    assert reader.feed(first + b"\x17\x03\x03\x00\x01x") == fed(first)
    assert (reader.raw, reader.rest) == (first, b"\x17\x03\x03\x00\x01x")


def test_the_second_hello_may_follow_a_change_of_cipher_but_the_first_not():
    data = b"\x14\x03\x03\x00\x01\x01" + client_hello(NAME)
    assert fed(data, again=True).server_name == NAME
    with pytest.raises(FaultyInputError):
        fed(b"\x14\x03\x03\x00\x01\x01" + data, again=True)


def test_a_retry_is_told_from_a_hello():
    for step in (1, 7, 500):
        for data, expected in ((retry_request(), True), (server_hello(), False), (b"\x15\x03\x03\0\2\2\x28", False)):
            reader, found = ServerHelloReader(), None
            for place in range(0, len(data), step):
                found = reader.feed(data[place : place + step])
                if found is not None:
                    break
            assert found is expected


def test_a_server_that_asks_for_another_hello_in_the_old_way_is_refused():
    with pytest.raises(FaultyInputError):
        ServerHelloReader().feed(b"\x16\x03\x03\0\x04\0\0\0\0")


def test_a_server_cannot_hide_a_retry_by_cutting_it():
    message = retry_request()[5:]
    with pytest.raises(FaultyInputError):
        ServerHelloReader().feed(b"\x16\x03\x03\0\x06" + message[:6])


@given(st.binary(max_size=600), st.integers(1, 50))
def test_any_bytes_are_a_hello_or_refused_or_waited_for(data, step):
    reader = ClientHelloReader()
    try:
        for place in range(0, len(data), step):
            if reader.feed(data[place : place + step]) is not None:
                return
    except FaultyInputError as no:
        assert no.code in {"tls_expected", "tls_hello_malformed", "tls_hello_too_large"}  # noqa: PT017 - or none at all


@given(st.data())
def test_a_changed_byte_never_names_two_servers(data):
    good = bytearray(client_hello(NAME))
    place = data.draw(st.integers(0, len(good) - 1))
    good[place] = data.draw(st.integers(0, 255))
    try:
        found = fed(bytes(good))
    except FaultyInputError:
        return
    assert found is None or NAME.encode() in bytes(good).lower() or found.server_name.encode() in bytes(good).lower()
