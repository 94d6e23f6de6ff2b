"""Whatever bytes come: a quote is refused with a code of ours, or it is the honest one."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thoroughness import tries

from ostiary.errors import RefusedError
from ostiary.identity.attestation import Evidence, Expected, PcrPolicy, QuoteRefusal, verify_quote
from ostiary.identity.attestation.public import read_key
from ostiary.identity.attestation.quote import read_quote
from ostiary.identity.attestation.signature import read_signature
from ostiary.testing.tpm import SoftTpm

NONCE = b"n" * 32
TPMS = {scheme: SoftTpm.make(scheme) for scheme in ("ecdsa", "rsassa", "rsapss")}
QUOTES = {scheme: tpm.quote(NONCE) for scheme, tpm in TPMS.items()}
CODES = set(QuoteRefusal)


def wanted(tpm: SoftTpm) -> Expected:
    return Expected(key=tpm.public, key_name=tpm.name, extra=NONCE, policy=PcrPolicy())


@st.composite
def mutated(draw: st.DrawFn, honest: bytes) -> bytes:
    """Return the honest bytes with some cut, put in, turned or doubled."""
    data = bytearray(honest)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(["cut", "put", "turn", "twice"])):
            case "cut":
                del data[at : at + draw(st.integers(1, 8))]
            case "put":
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "turn" if data:
                data[at] ^= draw(st.integers(1, 255))
            case _:
                data += data[at : at + 16]
    return bytes(data)


@settings(max_examples=tries(100, 150), deadline=None)
@given(st.data(), st.sampled_from(sorted(TPMS)), st.sampled_from(["attest", "signature"]))
def test_a_mutated_quote_is_refused_with_a_code(data: st.DataObject, scheme: str, part: str) -> None:
    honest, tpm = QUOTES[scheme], TPMS[scheme]
    changed = data.draw(mutated(getattr(honest, part)))
    try:
        told = {"attest": honest.attest, "signature": honest.signature, part: changed}
        verify_quote(Evidence(told["attest"], told["signature"], honest.pcrs), wanted(tpm))
    except RefusedError as no:
        assert no.code in CODES  # noqa: PT017 - refused or honest, both are right
    else:
        assert changed == getattr(honest, part)


@settings(max_examples=tries(100, 150), deadline=None)
@given(st.data(), st.sampled_from(sorted(TPMS)))
def test_a_mutated_key_is_another_key_or_none(data: st.DataObject, scheme: str) -> None:
    tpm = TPMS[scheme]
    changed = data.draw(mutated(tpm.public))
    with contextlib.suppress(RefusedError):
        assert (read_key(changed).name == tpm.name) is (changed == tpm.public)


@settings(max_examples=tries(100, 200), deadline=None)
@given(st.binary(max_size=1200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (read_quote, read_signature, read_key):
        try:
            read(data)
        except RefusedError as no:
            assert no.code in CODES  # noqa: PT017 - reading and refusing are both right
