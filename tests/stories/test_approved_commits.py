"""A commit is approved by a trusted signature over that very commit, and by nothing that looks alike."""

import base64
import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import FaultyInputError, OstiaryError, VerificationError
from ostiary.pipeline.commits import CommitObject, verify_commit

GITHUB = "https://token.actions.githubusercontent.com"


class Repository:
    """A real repository whose commits are signed with a real SSH key."""

    def __init__(self, root: Path, name: str = "ann@example.com") -> None:
        self.root, self.name = root, name
        root.mkdir()
        self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", "key")
        self.run("git", "init", "-q", ".")

    def run(self, *words: str) -> bytes:
        return subprocess.run(words, cwd=self.root, check=True, capture_output=True).stdout

    def commit(self, *, signed: bool = True, message: str = "work") -> bytes:
        settings = {"user.name": "Ann", "user.email": self.name, "gpg.format": "ssh", "user.signingkey": "key.pub"}
        words = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
        sign = "-S" if signed else "--no-gpg-sign"
        self.run("git", *words, "commit", "-q", "--allow-empty", sign, "-m", message)
        return self.run("git", "cat-file", "commit", "HEAD")

    @property
    def sha(self) -> str:
        return self.run("git", "rev-parse", "HEAD").decode().strip()

    @property
    def signers(self) -> bytes:
        return f'{self.name} namespaces="git" {(self.root / "key.pub").read_text()}'.encode()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("repositories") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository(tmp_path_factory.mktemp("repositories") / "theirs", "mallory@example.com")


def refusal(data: bytes, signers: bytes) -> str:
    with pytest.raises(OstiaryError) as raised:
        verify_commit(CommitObject.parse(data), signers)
    return raised.value.code


def test_a_trusted_signature_names_commit_and_signer(repository: Repository) -> None:
    signed = verify_commit(CommitObject.parse(repository.commit()), repository.signers)
    assert (signed.sha, signed.principal) == (repository.sha, "ann@example.com")


def test_forged_commits_are_refused(repository: Repository, stranger: Repository) -> None:
    good, signers = repository.commit(message="approved work"), repository.signers
    other = repository.commit(message="other work")
    head, _, _ = good.partition(b"\n\n")
    swapped = head + b"\n\n" + other.partition(b"\n\n")[2]
    for data, trusted, why in (
        (repository.commit(signed=False), signers, "commit_unsigned"),
        (stranger.commit(), signers, "commit_untrusted_signature"),
        (good.replace(b"approved work", b"approved w0rk"), signers, "commit_untrusted_signature"),
        (swapped, signers, "commit_untrusted_signature"),
        (
            good.replace(b"tree ", b"tree ", 1).replace(b"author Ann", b"author Bob"),
            signers,
            "commit_untrusted_signature",
        ),
        (good, b"", "commit_untrusted_signature"),
        (good, signers.replace(b'"git"', b'"file"'), "commit_untrusted_signature"),
        (good, signers.replace(b"namespaces=", b'valid-before="20200101",namespaces='), "commit_untrusted_signature"),
        (good.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"), signers, "commit_untrusted_signature"),
        (good.replace(b"gpgsig ", b"gpgsig-sha256 ", 1), signers, "commit_malformed"),
        (good.replace(b"gpgsig ", b"gpgsig a\ngpgsig ", 1), signers, "commit_malformed"),
        (good[5:], signers, "commit_malformed"),
        (head, signers, "commit_malformed"),
        (good + b"x" * 1_100_000, signers, "commit_malformed"),
    ):
        assert refusal(data, trusted) == why


def test_a_principal_that_looks_like_an_option_is_none(repository: Repository) -> None:
    signers = repository.signers.replace(b"ann@example.com", b"-Overify-time=20200101")
    assert refusal(repository.commit(), signers) == "commit_untrusted_signature"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_commit_or_malformed(data: bytes) -> None:
    for whole in (data, b"tree " + b"0" * 40 + b"\n" + data):
        with contextlib.suppress(FaultyInputError):  # anything else fails the test
            assert len(CommitObject.parse(whole).sha) == 40


def test_the_hash_is_gits_own_in_both_formats(tmp_path: Path, repository: Repository) -> None:
    assert CommitObject.parse(repository.commit()).sha == repository.sha
    other = Repository(tmp_path / "sha256")
    other.run("rm", "-rf", ".git")
    other.run("git", "init", "-q", "--object-format=sha256", ".")
    data = other.commit()
    assert CommitObject.parse(data, sha256=True).sha == other.sha
    assert verify_commit(CommitObject.parse(data, sha256=True), other.signers).principal == "ann@example.com"
    with pytest.raises(FaultyInputError):
        CommitObject.parse(data)


def test_approvals_over_http(start_server: Callable[..., Any], repository: Repository) -> None:
    server = start_server()
    data = repository.commit()
    body = {"repository": "42", "issuer": GITHUB, "commit": base64.b64encode(data).decode()}
    place = "/tenants/default/commits"
    assert server.admin("POST", place, json=body).json()["code"] == "commit_signers_missing"
    signers = server.house.places.root / "trust" / "commits" / "default.allowed_signers"
    signers.parent.mkdir(parents=True)
    signers.write_bytes(repository.signers)
    made = server.admin("POST", place, json=body)
    assert (made.status_code, made.json()["by"], made.json()["sha"]) == (201, "ann@example.com", repository.sha)
    assert [one["how"] for one in server.admin("GET", place).json()] == ["signature"]
    word = {"repository": "42", "issuer": GITHUB, "sha": "a" * 40}
    assert server.admin("POST", place, json=word).json()["code"] == "commit_invalid"
    assert server.admin("POST", place, json={**word, "reason": "hotfix 7"}).status_code == 201
    assert server.admin("POST", place, json={**word, "repository": "acme/models"}).status_code in {400, 422}
    gone = f"{place}/42/{'a' * 40}?issuer={GITHUB}"
    assert server.admin("DELETE", gone).status_code == 204
    assert server.admin("DELETE", gone).json()["code"] == "commit_unknown"
    assert len(server.admin("GET", place).json()) == 1


def test_verification_is_refused_by_code_not_by_accident() -> None:
    with pytest.raises(VerificationError) as raised:
        verify_commit(CommitObject("0" * 40, b"", b""), b"")
    assert raised.value.code == "commit_unsigned"
