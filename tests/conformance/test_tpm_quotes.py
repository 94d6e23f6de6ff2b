"""Quotes of a TPM that we did not write: swtpm's, kept as golden vectors, and live ones where it is installed."""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import RefusedError
from ostiary.identity.attestation import Evidence, Expected, PcrPolicy, QuoteRefusal, verify_quote
from ostiary.identity.attestation.public import read_key
from ostiary.identity.attestation.quote import read_quote

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "tpm" / "swtpm.json").read_text())
NONCE = bytes.fromhex(GOLDEN["nonce"])
HAS_SWTPM = shutil.which("swtpm") is not None and importlib.util.find_spec("tpm2_pytss") is not None


def evidence_of(case: dict[str, Any]) -> Evidence:
    pcrs = {(bank, number): bytes.fromhex(value) for bank, number, value in case["pcrs"]}
    return Evidence(bytes.fromhex(case["attest"]), bytes.fromhex(case["signature"]), pcrs)


def expected_of(case: dict[str, Any], **more: Any) -> Expected:
    public = bytes.fromhex(case["public"])
    return Expected(**{"key": public, "key_name": read_key(public).name, "extra": NONCE, "policy": PcrPolicy(), **more})


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["template"])
def test_a_real_quote_is_believed(case: dict[str, Any]) -> None:
    told = verify_quote(evidence_of(case), expected_of(case))
    assert set(told.pcrs) == {0, 2, 4, 7}
    assert told.firmware > 0


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["template"])
def test_every_bit_of_a_real_quote_counts(case: dict[str, Any]) -> None:
    evidence = evidence_of(case)
    for at in range(len(evidence.attest)):
        turned = bytearray(evidence.attest)
        turned[at] ^= 1 << at % 8
        with pytest.raises(RefusedError):
            verify_quote(Evidence(bytes(turned), evidence.signature, evidence.pcrs), expected_of(case))


def test_the_first_key_is_the_same_after_a_restart_and_its_registers_are_not() -> None:
    """The agent stores no attestation key: the TPM makes it anew from the same seed and template."""
    before, after = GOLDEN["cases"][0], GOLDEN["cases"][-1]
    assert before["public"] == after["public"]
    first = verify_quote(evidence_of(before), expected_of(before))
    later = verify_quote(evidence_of(after), expected_of(after, last=first))
    assert later.clock.resets == first.clock.resets + 1
    with pytest.raises(RefusedError) as caught:
        verify_quote(evidence_of(after), expected_of(after, last=first, baseline=first.pcrs))
    assert caught.value.code == QuoteRefusal.QUOTE_PCR_CHANGED
    with pytest.raises(RefusedError) as rolled_back:
        verify_quote(evidence_of(before), expected_of(before, last=later))
    assert rolled_back.value.code == QuoteRefusal.QUOTE_RESET_BACKWARDS


def test_our_software_tpm_writes_what_a_tpm_writes() -> None:
    """Field by field: the same lengths, the same order, and a signer that is the hash of hierarchy and name."""
    from ostiary.testing.tpm import SoftTpm  # noqa: PLC0415

    real, ours = GOLDEN["cases"][0], SoftTpm.make()
    attest = ours.quote(NONCE).attest
    assert len(attest) == len(bytes.fromhex(real["attest"]))
    assert len(ours.public) == len(bytes.fromhex(real["public"]))
    assert ours.public[:16] == bytes.fromhex(real["public"])[:16]
    from ostiary.keys import sha256  # noqa: PLC0415

    name = read_key(bytes.fromhex(real["public"])).name
    assert read_quote(bytes.fromhex(real["attest"])).signer == b"\x00\x0b" + sha256(b"\x40\x00\x00\x0b" + name)


@pytest.mark.skipif(not HAS_SWTPM, reason="no live TPM to quote: needs `swtpm` on the path and `tpm2-pytss`")
def test_a_live_tpm_is_believed(repo: Path, tmp_path: Path) -> None:
    from ostiary.cli.device.tpm import open_tpm  # noqa: PLC0415

    spec = importlib.util.spec_from_file_location("write_tpm_golden", repo / "tools" / "write_tpm_golden.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    with tool.swtpm(tmp_path) as tcti, open_tpm(tcti) as tpm:
        tpm.extend(7, b"live")
        evidence = tpm.quote(NONCE, {"sha256": (0, 1, 2, 3, 4, 5, 6, 7, 14), "sha384": (0,)})
        known = Expected(key=tpm.public, key_name=read_key(tpm.public).name, extra=NONCE, policy=PcrPolicy())
        assert verify_quote(evidence, known).pcrs[7] != bytes(32)
