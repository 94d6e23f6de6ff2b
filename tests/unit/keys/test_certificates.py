"""Certificates that sign code: what is read of them, what makes a path, and what is no certificate."""

import pytest

from ostiary.errors import FaultyInputError
from ostiary.keys.certificates import Certificate, chain_of, logged_at, read_pems, text_of_utf8
from ostiary.keys.curves import CurveKey
from ostiary.keys.issuing import Authority, Wish, before_log, to_pem

NOW = 1_795_000_000_000_000_000
DAY = 86_400 * 10**9
ROOT = Authority.new("root", NOW - 10 * DAY, NOW + 10 * DAY)
KEY = CurveKey.generate("P-384")


def leaf(*, purposes: tuple[str, ...] = ("code",), authority: bool = False) -> Certificate:
    wish = Wish("ci", uris=("urn:ci",), emails=("ci@example.org",), purposes=purposes, authority=authority)
    return ROOT.issue(KEY.public, wish, NOW - DAY, NOW + DAY)


def test_what_a_certificate_says_is_read() -> None:
    told = leaf()
    assert (told.subject, told.public) == ("CN=ci", KEY.public)
    assert told.alternative_names() == ("urn:ci", "ci@example.org")
    assert (told.alternative_names("uri"), told.alternative_names("email")) == (("urn:ci",), ("ci@example.org",))
    assert (told.alternative_names("dns"), told.count_alternative_names()) == ((), 2)
    assert (told.not_before_ns, told.not_after_ns) == (NOW - DAY, NOW + DAY)
    assert told.extension("1.2.3.4") is None
    assert told.extension("2.5.29.15") is None  # one that X.509 knows is not asked for in this way
    assert repr(told).startswith("Certificate('CN=ci', sha256:")
    assert [one.der for one in read_pems(to_pem(told) + ROOT.pem())] == [told.der, ROOT.certificate.der]


def test_only_a_certificate_for_code_signs_code() -> None:
    assert leaf().signs_code
    assert not leaf(purposes=("server",)).signs_code
    assert not leaf(purposes=()).signs_code
    assert not leaf(authority=True).signs_code


def test_a_path_holds_while_everything_on_it_is_valid() -> None:
    assert [one.subject for one in chain_of(leaf(), [], [ROOT.certificate], NOW)] == ["CN=ci", "CN=root"]
    for at in (NOW - 2 * DAY, NOW + 2 * DAY, NOW + 20 * DAY):
        assert chain_of(leaf(), [], [ROOT.certificate], at) == ()
    assert chain_of(leaf(), [ROOT.certificate], [], NOW) == ()
    assert chain_of(leaf(), [ROOT.certificate], [Authority.new("root", NOW - DAY, NOW + DAY).certificate], NOW) == ()


def test_nobody_vouches_for_a_certificate_that_was_not_logged() -> None:
    assert logged_at(leaf(), ROOT.certificate, {}) is None
    body, serial = before_log(leaf())
    assert body
    assert serial > 0


def test_a_serial_number_is_positive() -> None:
    der = bytearray(leaf().der)
    der[der.index(b"\xa0\x03\x02\x01\x02\x02") + 7] |= 0x80
    with pytest.raises(FaultyInputError) as caught:
        Certificate.from_der(bytes(der))
    assert caught.value.code == "certificate_malformed"


@pytest.mark.parametrize(
    "data", [b"", b"\x30\x00", b"\x30" * 70_000, b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"]
)
def test_other_bytes_are_no_certificate(data: bytes) -> None:
    for read in (Certificate.from_der, read_pems):
        with pytest.raises(FaultyInputError) as caught:
            read(data)
        assert caught.value.code == "certificate_malformed"


def test_too_many_certificates_are_not_read() -> None:
    with pytest.raises(FaultyInputError):
        read_pems(ROOT.pem() * 65)


@pytest.mark.parametrize(
    "data", [b"", b"\x0c", b"\x0c\x02a", b"\x0c\x01ab", b"\x13\x01a", b"\x0c\x83\x00\x00\x01a", b"\x0c\x01\xff"]
)
def test_other_bytes_are_no_utf8_string(data: bytes) -> None:
    assert text_of_utf8(data) is None
