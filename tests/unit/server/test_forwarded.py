import base64
from ipaddress import ip_network
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.keys.hashing import sha256_hex
from ostiary.server.forwarded import Proxies, parse_address

NETS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
XFF = Proxies(NETS)
FORWARDED = Proxies(NETS, "forwarded")
HASH = "ab" * 32


def xff(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), *((b"x-forwarded-for", v.encode("latin-1")) for v in values)]


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, fd00::1"], "203.0.113.9"),
        (["203.0.113.9, unknown"], None),
        (["203.0.113.9,"], None),
        (["203.0.113.9, 10.0.0.1%eth0"], None),
        (["10.0.0.1, 10.0.0.2"], None),
        ([""], None),
        ([], None),
        (["203.0.113.999"], None),
        (["\xff\xfe"], None),
    ],
)
def test_the_rightmost_untrusted_address_is_the_client(values: list[str], client: str | None) -> None:
    assert XFF.client("10.1.2.3", xff(*values)) == client


@pytest.mark.parametrize("peer", ["203.0.113.1", "::1", None, "", "testclient", "11.0.0.1"])
def test_an_untrusted_peer_is_not_even_read(peer: str | None) -> None:
    headers = [(b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-client-cert", b"Hash=" + HASH.encode())]
    proxies = Proxies(NETS, certificate_header="x-forwarded-client-cert")
    assert proxies.client(peer, headers) is None
    assert proxies.certificate(peer, headers) is None


def test_a_trusted_peer_may_come_as_ipv4_in_ipv6() -> None:
    assert XFF.client("::ffff:10.0.0.1", xff("203.0.113.9")) == "203.0.113.9"


def test_only_the_configured_header_is_read() -> None:
    headers = [(b"forwarded", b"for=6.6.6.6"), (b"x-forwarded-for", b"203.0.113.9")]
    assert XFF.client("10.0.0.1", headers) == "203.0.113.9"
    assert FORWARDED.client("10.0.0.1", headers) == "6.6.6.6"


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("for=203.0.113.9", "203.0.113.9"),
        ('For="[2001:db8::1]:4711";proto=https', "2001:db8::1"),
        ("for=6.6.6.6, for=203.0.113.9;by=10.0.0.1", "203.0.113.9"),
        ('for=203.0.113.9;host="a,for=6.6.6.6"', "203.0.113.9"),
        ('host="x;for=6.6.6.6"', None),
        ("for=203.0.113.9, for=_hidden", None),
        ("for=unknown", None),
        ("proto=https", None),
    ],
)
def test_forwarded_is_read_by_its_grammar(value: str, client: str | None) -> None:
    assert FORWARDED.client("10.0.0.1", [(b"forwarded", value.encode())]) == client


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (f'By=spiffe://a;Hash={HASH};Subject="CN=x"', HASH),
        (f"Hash={'cd' * 32},Hash={HASH.upper()}", HASH),
        (f'Subject="x;Hash={"cd" * 32}";Hash={HASH}', HASH),
        (f'Subject=";Hash={HASH}"', None),
        (f'Hash={HASH},Subject="evil"', None),
        ("Hash=abc", None),
        ("", None),
    ],
)
def test_the_nearest_proxys_certificate_hash_counts(value: str, found: str | None) -> None:
    proxies = Proxies(NETS, certificate_header="x-forwarded-client-cert")
    assert proxies.certificate("10.0.0.1", [(b"x-forwarded-client-cert", value.encode())]) == found


def test_an_escaped_pem_is_hashed() -> None:
    der = b"not really a certificate"
    body = base64.encodebytes(der).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"
    proxies = Proxies(NETS, certificate_header="ssl-client-cert")
    assert proxies.certificate("10.0.0.1", [(b"ssl-client-cert", quote(pem).encode())]) == sha256_hex(der)
    assert proxies.certificate("10.0.0.1", [(b"ssl-client-cert", b"%00%FF")]) is None


@given(st.binary(max_size=200))
def test_any_header_gives_an_address_or_nothing(value: bytes) -> None:
    for proxies in (XFF, FORWARDED, Proxies(NETS, certificate_header="x-forwarded-client-cert")):
        name = b"forwarded" if proxies is FORWARDED else b"x-forwarded-for"
        told = proxies.client("10.0.0.1", [(name, value)])
        assert told is None or parse_address(told) is not None
        proxies.certificate("10.0.0.1", [(b"x-forwarded-client-cert", value)])
