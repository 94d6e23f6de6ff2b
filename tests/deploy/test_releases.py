"""A release is what its statement says, byte for byte; what is in it is listed with licences, and the list is fresh."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.artifacts.dsse import seal
from ostiary.artifacts.provenance import PROVENANCE_NAME, sign_release, verify_release
from ostiary.cli.app import build_app
from ostiary.errors import FaultyInputError, OstiaryError, VerificationError
from ostiary.keys import SigningKey
from ostiary.keys.files import write_private

COMMIT = "31132c02" + "0" * 32


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.generate("release")


@pytest.fixture
def dist(tmp_path: Path, key: SigningKey) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "ostiary-0.1.0-py3-none-any.whl").write_bytes(b"wheel" * 1000)
    (folder / "ostiary-0.1.0.tar.gz").write_bytes(b"sdist")
    (folder / "ostiary.cdx.json").write_text("{}")
    sign_release(folder, key, COMMIT, {"requirements/run.txt": "00" * 32}, "urn:test")
    return folder


def test_a_release_verifies_and_tells_its_commit(dist: Path, key: SigningKey) -> None:
    statement = verify_release(dist, [key.public])
    assert len(statement.subject) == 3
    definition = statement.predicate["buildDefinition"]
    assert definition["externalParameters"]["commit"] == COMMIT
    assert {"uri": "git:.", "digest": {"gitCommit": COMMIT}} in definition["resolvedDependencies"]


@pytest.mark.parametrize("name", ["ostiary-0.1.0-py3-none-any.whl", "ostiary-0.1.0.tar.gz", "ostiary.cdx.json"])
def test_an_altered_missing_or_added_file_is_found(dist: Path, key: SigningKey, name: str) -> None:
    whole = (dist / name).read_bytes()
    (dist / name).write_bytes(whole[:-1] + bytes((whole[-1] ^ 1,)))
    with pytest.raises(VerificationError, match="was altered"):
        verify_release(dist, [key.public])
    (dist / name).unlink()
    with pytest.raises(VerificationError, match="is missing"):
        verify_release(dist, [key.public])
    (dist / name).write_bytes(whole)
    (dist / "more.whl").write_bytes(b"x")
    with pytest.raises(VerificationError, match="is no part"):
        verify_release(dist, [key.public])
    (dist / "more.whl").unlink()
    (dist / "link.whl").symlink_to("/etc/passwd")
    with pytest.raises(VerificationError, match="no plain file"):
        verify_release(dist, [key.public])


def test_another_key_and_another_statement_are_refused(dist: Path, key: SigningKey) -> None:
    with pytest.raises(VerificationError, match="0 trusted signatures"):
        verify_release(dist, [SigningKey.generate("other").public])
    (dist / PROVENANCE_NAME).write_bytes(seal(b'{"_type":"https://in-toto.io/Statement/v1"}', [key]))
    with pytest.raises(VerificationError, match="malformed"):
        verify_release(dist, [key.public])
    path = b'{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1","predicate":{}'
    (dist / PROVENANCE_NAME).write_bytes(seal(path + b',"subject":[{"name":"../x","digest":{}}]}', [key]))
    with pytest.raises(VerificationError, match="malformed"):
        verify_release(dist, [key.public])


@given(st.binary(max_size=400))
@settings(max_examples=30, deadline=None)
def test_rubbish_is_no_release(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("rubbish")
    (folder / PROVENANCE_NAME).write_bytes(data)
    with pytest.raises(OstiaryError):
        verify_release(folder, [SigningKey.generate("k").public])


def test_an_empty_folder_is_no_release(tmp_path: Path, key: SigningKey) -> None:
    with pytest.raises(FaultyInputError):
        sign_release(tmp_path, key, COMMIT, {}, "urn:test")


def test_the_verb_verifies_and_exits_with_5(
    tmp_path: Path, key: SigningKey, capsys: pytest.CaptureFixture[str]
) -> None:
    write_private(tmp_path / "release.key", key.private_pem())
    (tmp_path / "release.pem").write_bytes(key.public.pem())
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "a.whl").write_bytes(b"a")
    words = ["release", "sign", str(folder), "--key", str(tmp_path / "release.key"), "--commit", COMMIT]
    build_app()([*words, "--material", str(tmp_path / "release.pem")], result_action="return_value")
    capsys.readouterr()
    check = ["release", "verify", str(folder), "--key", str(tmp_path / "release.pem"), "--json"]
    build_app()(check, result_action="return_value")
    assert json.loads(capsys.readouterr().out)["verified"] is True
    (folder / "a.whl").write_bytes(b"b")
    with pytest.raises(VerificationError) as no:
        build_app()(check, result_action="return_value")
    assert no.value.exit_code == 5


@pytest.fixture(scope="module")
def sbom(repo: Path) -> Any:
    spec = importlib.util.spec_from_file_location("sbom", repo / "tools" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    sys.modules["sbom"] = tool  # its dataclass looks there
    spec.loader.exec_module(tool)
    return tool


def test_the_bill_of_materials_is_one_and_the_same_each_time(sbom: Any) -> None:
    text = sbom.text()
    assert text == sbom.text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    told = json.loads(text)
    assert len(told["components"]) == len(sbom.locked()) > 80
    assert all(one["hashes"] and one["purl"] for one in told["components"])
    known = {one["bom-ref"] for one in told["components"]} | {"ostiary"}
    assert {one for edge in told["dependencies"] for one in [edge["ref"], *edge.get("dependsOn", ())]} <= known


def test_the_page_of_licences_is_fresh(sbom: Any) -> None:
    assert sbom.PAGE.read_text() == sbom.licences(), "run `python tools/sbom.py --licences`"


def test_every_licence_is_one_that_may_be_shipped(sbom: Any) -> None:
    for one in sbom.locked():
        told = sbom.licence_of(one.name).replace("LGPL", "")
        assert not any(word in told for word in ("GPL", "SSPL", "BUSL", "CC-BY-NC")), (one.name, told)
