"""Whether a job's commit is approved is looked up by what its own token names."""

from typing import Any

import pytest

from ostiary.decision.ports import CommitFacts
from ostiary.errors import FaultyInputError
from ostiary.identity._seal import SEAL
from ostiary.identity.types import VerifiedIdentity, freeze
from ostiary.pipeline.commits import ApprovedCommit, ApprovedCommits

GITHUB, GITLAB = "https://token.actions.githubusercontent.com", "https://gitlab.com"
SHA = "a" * 40
DAY = 86_400 * 10**9


class Documents(dict[tuple[str, str, str], bytes]):
    def save(self, tenant: str, kind: str, name: str, data: bytes, now_ns: int) -> None:
        self[tenant, kind, name] = data

    def load(self, tenant: str, kind: str, name: str) -> bytes | None:
        return self.get((tenant, kind, name))

    def all(self, tenant: str, kind: str) -> list[Any]:
        return []

    def delete(self, tenant: str, kind: str, name: str) -> bool:
        return self.pop((tenant, kind, name), None) is not None


def identity(
    tenant: str = "default", *, exchanged: bool = False, issuer: str = GITHUB, **claims: Any
) -> VerifiedIdentity:
    told: dict[str, Any] = {"sha": SHA, "repository_id": "42", **claims}
    kept = {"origin": {"iss": issuer, "claims": told}} if exchanged else told
    return VerifiedIdentity(
        seal=SEAL,
        tenant=tenant,
        subject_type="ci_job",
        subject_id="x",
        assurance="token",
        issuer="https://pdp.example/oauth/default" if exchanged else issuer,
        claims=freeze(kept),
        exchanged=exchanged,
    )


def approval(**changes: Any) -> ApprovedCommit:
    given = {"sha": SHA, "issuer": GITHUB, "repository": "42", "how": "signature", "by": "ann", "at_ns": 10}
    return ApprovedCommit(**{**given, "until_ns": 10 + DAY, **changes})


@pytest.fixture
def approved() -> ApprovedCommits:
    commits = ApprovedCommits(Documents())
    commits.approve("default", approval())
    return commits


@pytest.mark.parametrize("exchanged", [False, True])
def test_an_approval_is_for_one_commit_of_one_repository_of_one_tenant_and_ends(
    approved: ApprovedCommits, *, exchanged: bool
) -> None:
    yes = CommitFacts(SHA, approved=True, how="signature", by="ann")
    assert approved.commit(identity(exchanged=exchanged), 11) == yes
    for other, now in (
        (identity(exchanged=exchanged, repository_id="43"), 11),
        (identity(exchanged=exchanged, issuer=GITLAB), 11),
        (identity("other", exchanged=exchanged), 11),
        (identity(exchanged=exchanged), 9),
        (identity(exchanged=exchanged), 10 + DAY),
    ):
        assert approved.commit(other, now) == CommitFacts(SHA)
    assert approved.commit(identity(exchanged=exchanged, sha="b" * 40), 11) == CommitFacts("b" * 40)


@pytest.mark.parametrize("claims", [{"sha": "a" * 39}, {"sha": ["a"]}, {"repository_id": "acme/x"}, {"sha": "A" * 40}])
def test_what_is_no_commit_is_not_looked_up(approved: ApprovedCommits, claims: dict[str, Any]) -> None:
    assert approved.commit(identity(**claims), 11) is None


def test_a_withdrawn_approval_is_gone(approved: ApprovedCommits) -> None:
    assert approved.withdraw("default", GITHUB, "42", SHA)
    assert approved.commit(identity(), 11) == CommitFacts(SHA)


@pytest.mark.parametrize(
    "changes",
    [{"sha": "abc"}, {"repository": "acme/models"}, {"issuer": "github"}, {"until_ns": 10}, {"until_ns": 400 * DAY}],
)
def test_an_approval_that_cannot_be_meant_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FaultyInputError):
        ApprovedCommits(Documents()).approve("default", approval(**changes))
