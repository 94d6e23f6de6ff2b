import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError
from ostiary.pipeline.training.connect import read_connect
from ostiary.pipeline.training.egress import Target

GOOD = "CONNECT registry.example:443 HTTP/1.1\r\n"


def read(text: str | bytes):
    return read_connect(text.encode("latin-1") if isinstance(text, str) else text)


@pytest.mark.parametrize(
    "text",
    [
        GOOD + "\r\n",
        GOOD + "Host: registry.example:443\r\n\r\n",
        GOOD + "Host: registry.example\r\nUser-Agent: x\r\nProxy-Connection: Keep-Alive\r\n\r\n",
        "CONNECT Registry.Example:443 HTTP/1.0\r\n\r\n",
    ],
)
def test_a_plain_connect_is_read(text):
    assert read(text) == Target("registry.example", 443)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("GET http://registry.example/ HTTP/1.1\r\n\r\n", "proxy_method"),
        ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "proxy_method"),
        ("connect registry.example:443 HTTP/1.1\r\n\r\n", "proxy_request_malformed"),
        ("CONNECT  registry.example:443 HTTP/1.1\r\n\r\n", "proxy_request_malformed"),
        ("CONNECT registry.example:443 HTTP/1.1 \r\n\r\n", "proxy_request_malformed"),
        ("CONNECT registry.example:443 HTTP/2.0\r\n\r\n", "proxy_request_malformed"),
        ("CONNECT registry.example:443\r\n\r\n", "proxy_request_malformed"),
        ("CONNECT registry.example:443 HTTP/1.1\n\n", "proxy_request_malformed"),
        (GOOD + "X: a\nY: b\r\n\r\n", "proxy_request_malformed"),
        (GOOD + " folded: x\r\n\r\n", "proxy_request_malformed"),
        (GOOD + "Host : registry.example\r\n\r\n", "proxy_request_malformed"),
        (GOOD + "Host: evil.example:443\r\n\r\n", "proxy_request_malformed"),
        (GOOD + "Host: registry.example:443\r\nHost: registry.example:443\r\n\r\n", "proxy_request_malformed"),
        (GOOD + "Content-Length: 10\r\n\r\n", "proxy_request_malformed"),
        (GOOD + "Transfer-Encoding: chunked\r\n\r\n", "proxy_request_malformed"),
        (GOOD + "Upgrade: h2c\r\n\r\n", "proxy_request_malformed"),
        (GOOD + "X: \0\r\n\r\n", "proxy_request_malformed"),
        (GOOD + "X: y\r\n" * 40 + "\r\n", "proxy_request_malformed"),
        (GOOD + "X: " + "y" * 9000 + "\r\n\r\n", "proxy_request_malformed"),
        ("CONNECT registry.example HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT registry.example:0 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT registry.example:0443 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT registry.example:+443 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT registry.example:65536 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT registry.example.:443 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT user@registry.example:443 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT registry.example%00.evil.example:443 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT http://registry.example:443 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT r\xe9gistry.example:443 HTTP/1.1\r\n\r\n", "proxy_request_malformed"),
        ("CONNECT *.example:443 HTTP/1.1\r\n\r\n", "egress_malformed"),
        ("CONNECT 127.0.0.1:443 HTTP/1.1\r\n\r\n", "egress_ip_literal"),
        ("CONNECT 2130706433:443 HTTP/1.1\r\n\r\n", "egress_ip_literal"),
        ("CONNECT 0x7f.1:443 HTTP/1.1\r\n\r\n", "egress_ip_literal"),
        ("CONNECT 0177.0.0.01:443 HTTP/1.1\r\n\r\n", "egress_ip_literal"),
        ("CONNECT [::1]:443 HTTP/1.1\r\n\r\n", "egress_ip_literal"),
        ("CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\r\n\r\n", "egress_ip_literal"),
    ],
)
def test_anything_else_is_refused(text, code):
    with pytest.raises(FaultyInputError) as no:
        read(text)
    assert no.value.code == code


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_code(data):
    with pytest.raises(FaultyInputError):
        read(data + b"\r\n\r\n")


@given(st.text(alphabet="abz09.-:@/[]% *\\\t", max_size=40))
def test_only_names_come_through(text):
    try:
        found = read(f"CONNECT {text}:443 HTTP/1.1\r\n\r\n")
    except FaultyInputError:
        return
    assert set(found.host) <= set("abz09.-")
    assert not found.host.rpartition(".")[2].isdigit()
