"""The approved commits of a tenant.

- The name of a commit is its issuer, the immutable id of its repository, and its whole hash: a fork's commit of the
  same hash is the same content, and still not the same repository's job.
- An approval holds until its end, or until it is withdrawn; a withdrawn one is gone at the next decision.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from ostiary.decision.ports import CommitFacts
from ostiary.errors import FaultyInputError
from ostiary.identity.exchange.details import origin_of
from ostiary.identity.types import VerifiedIdentity
from ostiary.pipeline.registered import Documents

KIND: Final = "approved-commit"
INVALID: Final = "commit_invalid"
MAX_LIFE_DAYS: Final = 366
_SHA: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_REPOSITORY: Final = re.compile(r"[1-9][0-9]{0,18}\Z")
_ISSUER: Final = re.compile(r"https://[\x21-\x7e]{1,500}\Z")


class ApprovedCommit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One approval.

    Attributes:
        sha: the whole hash, SHA-1 or SHA-256, lower case.
        issuer: the CI issuer whose jobs it is for.
        repository: the repository's (GitHub) or project's (GitLab) immutable number.
        how: by a signature that was verified here, or by an administrator's word.
        by: who signed, or who approved.
        at_ns: since when.
        until_ns: and no longer from here.
        reason: why, in the approver's words.
    """

    sha: str
    issuer: str
    repository: str
    how: Literal["approval", "signature"]
    by: str
    at_ns: int
    until_ns: int
    reason: str = ""


class ApprovedCommits:
    """Approvals by tenant; a ``CommitReader`` of the decision."""

    def __init__(self, documents: Documents) -> None:
        """Keep them among ``documents``."""
        self._documents = documents

    @staticmethod
    def check(one: ApprovedCommit) -> None:
        """Check that an approval can be meant.

        Raises:
            FaultyInputError: ``commit_invalid``.
        """
        _check(one)

    def approve(self, tenant: str, one: ApprovedCommit) -> None:
        """Approve a commit, or approve it anew.

        Raises:
            FaultyInputError: ``commit_invalid``.
        """
        _check(one)
        self._documents.save(
            tenant, KIND, _name(one.issuer, one.repository, one.sha), msgspec.json.encode(one), one.at_ns
        )

    def find(self, tenant: str, issuer: str, repository: str, sha: str) -> ApprovedCommit | None:
        """Return an approval, whether it still holds or not."""
        data = self._documents.load(tenant, KIND, _name(issuer, repository, sha))
        return msgspec.json.decode(data, type=ApprovedCommit) if data is not None else None

    def all(self, tenant: str) -> list[ApprovedCommit]:
        """Return all approvals of a tenant, newest first."""
        found = [msgspec.json.decode(row.data, type=ApprovedCommit) for row in self._documents.all(tenant, KIND)]
        return sorted(found, key=lambda one: (-one.at_ns, one.sha))

    def withdraw(self, tenant: str, issuer: str, repository: str, sha: str) -> bool:
        """Withdraw an approval; return whether there was one."""
        return self._documents.delete(tenant, KIND, _name(issuer, repository, sha))

    def commit(self, identity: VerifiedIdentity, now_ns: int) -> CommitFacts | None:
        """Return what is known of the commit that an identity runs; ``None`` when its token names none."""
        named = commit_named(identity)
        if named is None:
            return None
        issuer, repository, sha = named
        one = self.find(identity.tenant, issuer, repository, sha)
        if one is None or not one.at_ns <= now_ns < one.until_ns:
            return CommitFacts(sha=sha)
        return CommitFacts(sha=sha, approved=True, how=one.how, by=one.by)


def commit_named(identity: VerifiedIdentity) -> tuple[str, str, str] | None:
    """Return issuer, repository and hash of the commit that a CI job's own token names, if it names one."""
    origin = origin_of(identity)
    claims: Any = origin.get("claims") if identity.exchanged else identity.claims
    issuer = origin.get("iss") if identity.exchanged else identity.issuer
    if not isinstance(claims, Mapping) or identity.assurance != "token":
        return None
    sha, repository = claims.get("sha"), claims.get("repository_id") or claims.get("project_id")
    if not isinstance(issuer, str) or not isinstance(sha, str) or not isinstance(repository, str):
        return None
    return (issuer, repository, sha) if _SHA.match(sha) and _REPOSITORY.match(repository) else None


def _name(issuer: str, repository: str, sha: str) -> str:
    return f"{sha} {repository} {issuer}"


def _check(one: ApprovedCommit) -> None:
    if not _SHA.match(one.sha):
        raise FaultyInputError(INVALID, f"`{one.sha[:80]}` is no whole commit hash: 40 or 64 lower-case hex digits")
    if not _REPOSITORY.match(one.repository):
        raise FaultyInputError(INVALID, f"`{one.repository[:80]}` is no repository number: names pass to others")
    if not _ISSUER.match(one.issuer):
        raise FaultyInputError(INVALID, f"`{one.issuer[:80]}` is no issuer: use its https address")
    if not 0 < one.until_ns - one.at_ns <= MAX_LIFE_DAYS * 86_400 * 10**9:
        raise FaultyInputError(INVALID, f"an approval ends, at most {MAX_LIFE_DAYS} days after it began")
