r"""Verifies a signed commit from its own bytes, without asking the repository that it came from.

1. The hash is computed from the bytes: what was approved is what will be checked out.
2. The one ``gpgsig`` header is an SSH signature over the rest (git-commit(1), PROTOCOL.sshsig); OpenSSH itself checks
   it against an ``allowed_signers`` file, for the namespace ``git`` and the time of verification.
3. No git runs: a repository's own configuration could name another program for it. OpenPGP and X.509 signatures are
   refused by name, not passed over.

SHA-1 commits rest on a hash whose collisions can be bought; approve repositories in SHA-256 format where it matters.

>>> CommitObject.parse(b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a\ncommitter a\n\nhello\n").sha[:8]
'35fcad72'
"""

import hashlib
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, UnavailableError, VerificationError

MALFORMED: Final = "commit_malformed"
UNSIGNED: Final = "commit_unsigned"
UNTRUSTED: Final = "commit_untrusted_signature"
MAX_BYTES: Final = 1_048_576
MAX_SIGNERS: Final = 1_048_576
TIMEOUT_S: Final = 10
_PROGRAM: Final = "/usr/bin/ssh-keygen"
_HEAD: Final = re.compile(rb"tree [0-9a-f]{40}(?:[0-9a-f]{24})?\n")
_FIELD: Final = re.compile(rb"[a-z][a-z0-9-]{0,63}\Z")
_SSH: Final = b"-----BEGIN SSH SIGNATURE-----"
_SIGNATURES: Final = {b"gpgsig": 40, b"gpgsig-sha256": 64}
_PRINCIPAL: Final = re.compile(r"[^\s\x00-\x1f\x7f]{1,256}\Z")


class CommitObject(msgspec.Struct, frozen=True):
    """One commit: its hash, its signature and the bytes that were signed."""

    sha: str
    signature: bytes
    signed: bytes

    @classmethod
    def parse(cls, data: bytes, *, sha256: bool = False) -> "CommitObject":
        """Read the bytes of a commit, as ``git cat-file commit`` prints them.

        Raises:
            FaultyInputError: ``commit_malformed``.
        """
        if len(data) > MAX_BYTES:
            raise FaultyInputError(MALFORMED, f"the commit has {len(data)} bytes, {MAX_BYTES} are allowed")
        if not _HEAD.match(data):
            raise FaultyInputError(MALFORMED, "this is no commit: it does not begin with its tree")
        head, gap, message = data.partition(b"\n\n")
        if not gap:
            raise FaultyInputError(MALFORMED, "the commit has no message")
        kept, signatures = _headers(head)
        maker = hashlib.sha256 if sha256 else hashlib.sha1  # git's own name of the commit, not a choice of ours
        digest = maker(b"commit %d\0" % len(data) + data).hexdigest()
        wanted = b"gpgsig-sha256" if sha256 else b"gpgsig"
        if signatures.keys() - {wanted}:
            raise FaultyInputError(MALFORMED, "the commit bears the signature of another object format")
        return cls(digest, signatures.get(wanted, b""), kept + gap + message)


class SignedCommit(msgspec.Struct, frozen=True):
    """A commit whose signature was verified, and who made it."""

    sha: str
    principal: str


def verify_commit(commit: CommitObject, allowed_signers: bytes) -> SignedCommit:
    """Return who signed a commit.

    Args:
        commit: the commit.
        allowed_signers: whose keys may sign, in the format of ssh-keygen(1), ALLOWED SIGNERS.

    Raises:
        VerificationError: ``commit_unsigned``, ``commit_untrusted_signature``.
        UnavailableError: ``commit_unverifiable``: OpenSSH is not here, or takes too long.
    """
    if not commit.signature:
        raise VerificationError(UNSIGNED, f"commit {commit.sha} bears no signature")
    if not commit.signature.startswith(_SSH):
        raise VerificationError(UNTRUSTED, "only SSH signatures are verified here: `git config gpg.format ssh`")
    if len(allowed_signers) > MAX_SIGNERS:
        raise FaultyInputError(MALFORMED, "the file of allowed signers is too large")
    with tempfile.TemporaryDirectory(prefix="ostiary-commit-") as name:
        folder = Path(name)
        (folder / "signature").write_bytes(commit.signature)
        (folder / "signers").write_bytes(allowed_signers)
        principal = _principal(folder)
        verify = ("-Y", "verify", "-n", "git", "-f", "signers", "-s", "signature", "-I", principal)
        if _run(folder, verify, commit.signed).returncode != 0:
            raise VerificationError(UNTRUSTED, f"the signature of commit {commit.sha} is not that of `{principal}`")
    return SignedCommit(commit.sha, principal)


def _principal(folder: Path) -> str:
    found = _run(folder, ("-Y", "find-principals", "-f", "signers", "-s", "signature"), b"")
    names = found.stdout.decode("utf-8", "replace").splitlines() if found.returncode == 0 else []
    if not names or not _PRINCIPAL.match(names[0]) or names[0].startswith("-"):
        raise VerificationError(UNTRUSTED, "the commit is signed with a key that may not sign here")
    return names[0]


def _run(folder: Path, arguments: tuple[str, ...], data: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - a fixed program, fixed words, and files of our own making
            (_PROGRAM, *arguments), cwd=folder, input=data, capture_output=True, timeout=TIMEOUT_S, env={}, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise UnavailableError("commit_unverifiable", "OpenSSH cannot be asked about the signature") from fault


def _headers(head: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the headers without signatures, and the signatures with their continuation lines unfolded."""
    kept: list[bytes] = []
    signatures: dict[bytes, bytes] = {}
    current: bytes | None = None
    for line in head.split(b"\n"):
        if line.startswith(b" "):
            if current is not None:
                signatures[current] += b"\n" + line[1:]
            else:
                kept.append(line)
            continue
        name, space, value = line.partition(b" ")
        if not space or not _FIELD.match(name) or name in signatures:
            raise FaultyInputError(MALFORMED, "the commit's headers are malformed")
        current = name if name in _SIGNATURES else None
        if current is None:
            kept.append(line)
        else:
            signatures[current] = value
    return b"\n".join(kept), {name: value + b"\n" for name, value in signatures.items()}
