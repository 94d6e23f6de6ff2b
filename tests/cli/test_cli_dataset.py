"""``ostiary dataset``: from an empty data directory to a dataset that is vouched for, and one that is not any more."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.keys import SigningKey

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path.resolve() / "lake"
    place.mkdir()
    monkeypatch.setenv("OSTIARY_DATASETS__ROOTS", json.dumps([str(place)]))
    return place


@pytest.fixture
def run(tmp_path: Path, lake: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        given = ["dataset", *words, "--data", str(tmp_path / "data")]
        try:
            build_app()(given, result_action="return_value", exit_on_error=False)
            code = 0
        except OstiaryError as no:
            return no.exit_code, no.code
        return code, capsys.readouterr().out

    (tmp_path / "data").mkdir(mode=0o700)
    build_app()(["tenant", "create", "acme", "--data", str(tmp_path / "data")], result_action="return_value")
    return call


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, Path]:
    made = SigningKey.generate("ingest")
    private, public = tmp_path / "ingest.key", tmp_path / "ingest.pem"
    private.write_bytes(made.private_pem())
    private.chmod(0o600)
    public.write_bytes(made.public.pem())
    return private, public


def test_from_registration_to_verification(run: Run, lake: Path, key: tuple[Path, Path], tmp_path: Path) -> None:
    acme = ("--tenant", "acme")
    assert run("list", *acme, "--json") == (0, "[]\n")
    code, text = run(
        "register", "sales", f"file://{lake}", "--prefix", "sales", "--purpose", "training", "--stage", "train",
        "--producer", f"ingest={key[1]}", "--verified", "--sensitivity", "2", *acme, "--json",
    )  # fmt: skip
    told: dict[str, Any] = json.loads(text)
    assert (code, told["manifest"], told["reads"]) == (0, "manifest_absent", "verified")
    file = tmp_path / "a.csv"
    file.write_text("x\n1\n")
    assert run("upload", "sales", str(file), "--folder", "2026", *acme)[0] == 0
    assert (lake / "sales" / "2026" / "a.csv").read_text() == "x\n1\n"
    assert run("upload", "sales", str(file), "--folder", "2026", *acme) == (3, "object_exists")
    assert run("upload", "sales", str(file), "--folder", "2026", "--replace", *acme)[0] == 0
    assert run("verify", "sales", *acme) == (5, "manifest_absent")
    signing = ("manifest", "sales", "--producer", "ingest", "--key", str(key[0]), *acme)
    code, text = run(*signing, "--save", str(tmp_path / "m.json"), "--json")
    assert (code, json.loads(text)["objects"]) == (0, 1)
    digest = json.loads(text)["digest"]
    assert "payloadType" in json.loads((tmp_path / "m.json").read_text())
    assert digest in run("show", "sales", *acme)[1]
    assert digest in run("verify", "sales", *acme)[1]
    assert json.loads(run(*signing, "--digest", "blake3", "--json")[1])["sequence"] == 2
    (lake / "sales" / "2026" / "a.csv").write_text("x\n2\n")
    assert run("verify", "sales", *acme) == (5, "dataset_differs")
    assert run("budget", "no-such-token", *acme) == (0, "0 bytes of 0 objects\n")
    assert run("remove", "sales", *acme)[0] == 0
    assert run("show", "sales", *acme) == (3, "dataset_unknown")
    assert (lake / "sales" / "2026" / "a.csv").exists()


def test_what_cannot_be_registered(run: Run, lake: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no key")
    for words, why in (
        (("register", "sales", "file:///etc"), "dataset_store_refused"),
        (("register", "sales", "http://169.254.169.254"), "dataset_store_refused"),
        (("register", "../x", f"file://{lake}"), "registered_invalid"),
        (("register", "sales", f"file://{lake}", "--credentials", "env:PATH"), "dataset_credentials_invalid"),
        (("register", "sales", f"file://{lake}", "--verified"), "dataset_invalid"),
        (("register", "sales", f"file://{lake}", "--producer", f"ci={tmp_path}/bad.pem"), "key_malformed"),
        (("register", "sales", f"file://{lake}", "--producer", "ci=/none"), "usage"),
        (("register", "sales", f"file://{lake}", "--prefix", "../x"), "object_name_invalid"),
    ):
        assert run(*words, "--tenant", "acme") == (1, why)
    assert run("list", "--tenant", "never-was") == (3, "tenant_unknown")


def test_a_document_for_the_cloud_is_narrowed_to_the_dataset(run: Run) -> None:
    assert run("register", "lake", "s3://lake", "--prefix", "sales", "--tenant", "acme")[0] == 0
    code, text = run("credentials", "lake", "--action", "read", "--folder", "2026", "--tenant", "acme")
    told = json.loads(text)
    assert (code, told["kind"]) == (0, "aws-sts-session-policy")
    assert told["Policy"]["Statement"][0]["Resource"] == ["arn:aws:s3:::lake/sales/2026/*"]
    assert run("credentials", "lake", "--folder", "../payroll", "--tenant", "acme") == (1, "object_name_invalid")
    assert run("credentials", "lake", "--lifetime-s", "90000", "--tenant", "acme") == (1, "cloud_credentials_refused")


def test_another_key_vouches_for_nothing(run: Run, lake: Path, key: tuple[Path, Path], tmp_path: Path) -> None:
    run("register", "sales", f"file://{lake}", "--producer", f"ingest={key[1]}", "--tenant", "acme")
    other = tmp_path / "other.key"
    other.write_bytes(SigningKey.generate("ingest").private_pem())
    other.chmod(0o600)
    words = ("manifest", "sales", "--producer", "ingest", "--tenant", "acme")
    assert run(*words, "--key", str(other)) == (5, "manifest_untrusted")
    other.chmod(0o644)
    assert run(*words, "--key", str(other)) == (3, "key_permissions")
