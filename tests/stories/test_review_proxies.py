"""A client that opens a quote and never closes it must not swallow what the proxy writes behind it."""

from ipaddress import ip_network

import pytest

from ostiary.server.forwarded import Proxies

NETS = (ip_network("10.0.0.0/8"),)
VICTIM, REAL = "ab" * 32, "cd" * 32


@pytest.mark.parametrize(
    "attacker",
    ['for=6.6.6.6;x="', 'for=6.6.6.6,"', 'x=",for=6.6.6.6', '"', "\\", 'for=6.6.6.6;x="\\', ";;;", "a" * 5000 + ","],
)
@pytest.mark.parametrize("real", ["203.0.113.9", '"203.0.113.9:4711"', '"[2001:db8::1]"'])
@pytest.mark.parametrize("joined", [True, False])
def test_an_open_quote_spoofs_no_address(attacker: str, real: str, *, joined: bool) -> None:
    proxies = Proxies(NETS, "forwarded")
    lines = [f"{attacker}, for={real}"] if joined else [attacker, f"for={real}"]
    told = proxies.client("10.0.0.1", [(b"forwarded", line.encode()) for line in lines])
    assert told == ("2001:db8::1" if "2001" in real else "203.0.113.9")


@pytest.mark.parametrize(
    "attacker", [f';Hash={VICTIM};z="', f'Hash={VICTIM};z="a', f'Hash={VICTIM},"', f'Hash={VICTIM}\\"']
)
@pytest.mark.parametrize("behind", ["", ";URI=spiffe://me", ";DNS=a;DNS=b"])
@pytest.mark.parametrize("subject", ["CN=me", "O=Acme, CN=me", 'CN=a\\"b', f"CN=x,Hash={VICTIM};a="])
def test_an_open_quote_borrows_no_certificate(attacker: str, behind: str, subject: str) -> None:
    proxies = Proxies(NETS, certificate_header="x-forwarded-client-cert")
    written = f'By=spiffe://gate;Hash={REAL};Subject="{subject}"{behind}'
    for headers in ([attacker, written], [f"{attacker},{written}"]):
        told = proxies.certificate("10.0.0.1", [(b"x-forwarded-client-cert", line.encode()) for line in headers])
        assert told == REAL


def test_a_header_full_of_commas_costs_little() -> None:
    proxies = Proxies(NETS, "forwarded", "x-forwarded-client-cert")
    for text in (b"," * 32_000, b'a="' + b"," * 32_000, b"a=b;" * 8_000 + b'"'):
        assert proxies.client("10.0.0.1", [(b"forwarded", text)]) is None
        assert proxies.certificate("10.0.0.1", [(b"x-forwarded-client-cert", text)]) is None
