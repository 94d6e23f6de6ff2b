"""Laws of artefacts: any change to any byte is refused, and odd manifests end in a stable code."""

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.artifacts import MANIFEST_NAME, ArtifactPredicate, sign_artifact, verify_artifact
from ostiary.artifacts.dsse import unseal
from ostiary.artifacts.formats import check_format
from ostiary.artifacts.statement import parse_statement
from ostiary.errors import VerificationError
from ostiary.keys.signing import SigningKey
from ostiary.testing.models import lightgbm_text

KEY = SigningKey.from_seed("t.model.1", bytes(32))


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(["model.txt", "a.json", MANIFEST_NAME]))
@settings(max_examples=60, deadline=None)
def test_any_changed_byte_is_refused(place: int, change: int, name: str) -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "model.txt").write_bytes(lightgbm_text().encode())
        (folder / "a.json").write_bytes(b'{"number": 12345}')
        digest = sign_artifact(folder, KEY, ArtifactPredicate(kind="k", created_ns=1))
        data = bytearray((folder / name).read_bytes())
        data[place % len(data)] ^= change
        (folder / name).write_bytes(bytes(data))
        outcome = _outcome(folder)
        if outcome == digest:  # a change of the envelope's spacing or key hint is no change of what was signed
            assert name == MANIFEST_NAME
        else:
            assert outcome.startswith("artifact_")


def _outcome(folder: Path) -> str:
    """Return the digest of what verified, or the code of the refusal."""
    try:
        return verify_artifact(folder, [KEY.public]).digest
    except VerificationError as fault:
        return fault.code


@given(st.binary(max_size=300))
def test_any_bytes_as_manifest_end_in_a_code(data: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        unseal(data, [KEY.public], threshold=1, max_signatures=4)
    assert caught.value.code.startswith("artifact_")


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_as_statement_ends_in_a_code(document: object) -> None:

    with pytest.raises(VerificationError) as caught:
        parse_statement(msgspec.json.encode(document))
    assert caught.value.code == "artifact_manifest_malformed"


@given(st.text(max_size=30), st.binary(max_size=200))
def test_any_bytes_as_file_pass_or_end_in_a_code(name: str, data: bytes) -> None:
    code = ""
    try:
        check_format(name, data)
    except VerificationError as fault:
        code = fault.code
    assert code in {"", "artifact_format_refused"}
