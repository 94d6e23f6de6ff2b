"""``ostiary model sign`` and ``verify`` with OMS bundles: keys, certificates, policies, releases, exit codes."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.artifacts.oms import CertificateSigner
from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.keys.curves import CurveKey
from ostiary.keys.issuing import Authority, Wish, to_pem
from ostiary.vocabulary.clock import SystemClock

Run = Callable[..., tuple[int, str, str]]
DAY = 86_400 * 10**9
NOTHING = "sha256:" + "0" * 64


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))

    def call(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = 0
        try:
            build_app()([str(word) for word in words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        except OstiaryError as fault:
            code = fault.exit_code
            print(fault.code, file=sys.stderr)  # noqa: T201 - as main() does
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "fraud"
    place.mkdir()
    (place / "config.json").write_text("{}")
    (place / "weights.safetensors").write_bytes(b"w" * 1000)
    return place


def told(run: Run, *words: str | Path) -> dict[str, Any]:
    _, out, err = run(*words, "--json")
    answer: dict[str, Any] = json.loads(out or "{}")
    assert answer, err
    return answer


def test_the_tenant_s_own_key_signs_and_is_trusted(run: Run, folder: Path) -> None:
    signed = told(run, "model", "sign", folder, "--oms")
    assert (signed["files"], signed["total_bytes"], signed["release"]) == (2, 1002, None)
    verified = told(run, "model", "verify", folder)
    assert (verified["verified"], verified["root"], verified["hash"]) == (True, signed["root"], "blake3")
    assert run("model", "verify", folder)[0] == 0
    assert run("model", "verify", folder, "--pinned", signed["root"])[0] == 0
    assert run("model", "verify", folder, "--pinned", NOTHING)[0] == 5
    assert run("model", "verify", folder, "--tenant", "another")[0] == 5


def test_a_refusal_says_why_and_leaves_with_five(run: Run, folder: Path) -> None:
    run("model", "sign", folder, "--oms")
    (folder / "config.json").write_text("[]")
    code, out, err = run("model", "verify", folder, "--json")
    answer = json.loads(out)
    assert (code, answer["verified"], answer["code"]) == (5, False, "artifact_modified")
    assert "artifact_modified" in answer["reasons"]
    assert "artifact_modified" in err


def test_a_key_of_one_s_own(run: Run, folder: Path, tmp_path: Path) -> None:
    key = CurveKey.generate("P-521")
    (tmp_path / "key.pem").write_bytes(key.private_pem())
    (tmp_path / "public.pem").write_bytes(key.public.pem())
    bundle = tmp_path / "bundles" / "fraud.sig"
    bundle.parent.mkdir()
    words = ("--key", tmp_path / "key.pem", "--bundle", bundle, "--hash", "sha256", "--shard-bytes", "600")
    assert run("model", "sign", folder, *words)[0] == 0
    assert not (folder / "model.sig").exists()
    assert run("model", "verify", folder, "--bundle", bundle, "--key", tmp_path / "public.pem")[0] == 0
    assert run("model", "verify", folder, "--bundle", bundle)[0] == 5  # the tenant's keys are others
    assert run("model", "verify", folder, "--bundle", tmp_path / "nowhere", "--key", tmp_path / "public.pem")[0] == 1
    assert run("model", "sign", folder, "--certificate", tmp_path / "public.pem")[0] == 1


def test_a_release_is_bound_and_never_goes_back(run: Run, folder: Path, tmp_path: Path) -> None:
    marks = ("--marks", tmp_path / "marks.json", "--stage", "production")
    words = ("--oms", "--stage", "production", "--training-run", "run-7", "--dataset", f"people={NOTHING}")
    assert run("model", "sign", folder, *words, "--version", "2")[0] == 0
    verified = told(run, "model", "verify", folder, *marks)
    assert (verified["release"]["version"], verified["release"]["datasets"]) == (2, {"people": NOTHING})
    assert run("model", "verify", folder, "--stage", "staging")[0] == 5
    assert run("model", "sign", folder, *words, "--version", "1")[0] == 0
    assert run("model", "verify", folder, *marks)[0] == 5
    assert run("model", "sign", folder, "--version", "3", "--metrics", "md5:1")[0] == 1
    assert run("model", "sign", folder, "--version", "3", "--dataset", "people")[0] == 1


def test_a_renamed_folder_is_told(run: Run, folder: Path) -> None:
    run("model", "sign", folder, "--oms")
    moved = folder.rename(folder.with_name("credit"))
    assert run("model", "verify", moved)[0] == 5
    assert run("model", "verify", moved, "--name", "fraud")[0] == 0


def test_a_policy_file_names_certificates(run: Run, folder: Path, tmp_path: Path) -> None:
    now, key = SystemClock().now_ns(), CurveKey.generate()
    root = Authority.new("root", now - DAY, now + DAY)
    leaf = root.issue(key.public, Wish("trainer", uris=("spiffe://example.org/ci",)), now - DAY, now + DAY)
    assert CertificateSigner(key, [leaf]).seal(b"{}")
    files = {"key.pem": key.private_pem(), "leaf.pem": to_pem(leaf), "root.pem": root.pem()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "policy.toml").write_text(
        """
        stages = ["production"]
        hashes = ["blake3"]
        [[signers]]
        kind = "certificate"
        name = "trainer"
        roots = "root.pem"
        identity_kind = "uri"
        identity = "spiffe://example.org/ci"
        """
    )
    words = ("--key", tmp_path / "key.pem", "--certificate", tmp_path / "leaf.pem")
    assert run("model", "sign", folder, *words, "--version", "1", "--stage", "production")[0] == 0
    policy = ("--policy", tmp_path / "policy.toml")
    assert told(run, "model", "verify", folder, *policy)["signer"]["name"] == "trainer"
    assert run("model", "verify", folder, *policy, "--stage", "production")[0] == 0
    assert run("model", "verify", folder, *policy, "--stage", "staging")[0] == 1  # a policy is narrowed, never widened
    (folder / "release.sig").unlink()
    assert run("model", "verify", folder, *policy)[0] == 5
    assert run("model", "verify", folder, "--policy", tmp_path / "nowhere.toml")[0] == 1


def test_the_older_folders_still_sign_and_verify(run: Run, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "card.md").write_text("# a card")
    assert run("model", "sign", notes, "--kind", "notes")[0] == 0
    assert (notes / "manifest.dsse.json").exists()
    assert run("model", "verify", notes, "--kind", "notes")[0] == 0
