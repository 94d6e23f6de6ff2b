"""Approved commits: list, approve, withdraw."""

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from ostiary.errors import FaultyInputError
from ostiary.pipeline.commits import ApprovedCommit
from ostiary.server.admin.context import Desk, Model, Tenant, Who
from ostiary.server.commits import DEFAULT_DAYS, Wanted, approve_signed, approve_unsigned, withdraw

router = APIRouter(tags=["commits"])


class CommitBody(Model):
    """A commit to approve: its own bytes with a signature, or its hash with a reason."""

    repository: Annotated[str, Field(pattern="^[1-9][0-9]{0,18}$")]
    issuer: Annotated[str, Field(max_length=512)]
    commit: Annotated[str, Field(max_length=1_400_000, description="The bytes of the commit, base64.")] = ""
    sha: Annotated[str, Field(pattern="^([0-9a-f]{40}|[0-9a-f]{64})?$")] = ""
    sha256: bool = False
    reason: Annotated[str, Field(max_length=500)] = ""
    days: Annotated[int, Field(ge=1, le=366)] = DEFAULT_DAYS


class CommitShown(Model):
    """An approval."""

    sha: str
    issuer: str
    repository: str
    how: str
    by: str
    at_ns: int
    until_ns: int
    reason: str


def _shown(one: ApprovedCommit) -> CommitShown:
    return CommitShown.model_validate({name: getattr(one, name) for name in CommitShown.model_fields})


@router.get("/tenants/{tenant}/commits")
def list_commits(tenant: Tenant, desk: Desk) -> list[CommitShown]:
    """List approved commits, newest first."""
    return [_shown(one) for one in desk.house.commits.all(tenant)]


@router.post("/tenants/{tenant}/commits", status_code=201)
def approve_commit(tenant: Tenant, body: CommitBody, who: Who, desk: Desk) -> CommitShown:
    """Approve a commit that a trusted key signed, or by word and reason."""
    wanted = Wanted(issuer=body.issuer, repository=body.repository, days=body.days, reason=body.reason)
    if bool(body.commit) == bool(body.sha):
        raise FaultyInputError("commit_invalid", "send either `commit`, the signed bytes, or `sha` with a reason")
    if body.sha:
        return _shown(approve_unsigned(desk.house, who.key_id, tenant, wanted, body.sha))
    try:
        data = base64.b64decode(body.commit, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise FaultyInputError("commit_malformed", "`commit` is no base64") from fault
    return _shown(approve_signed(desk.house, who.key_id, tenant, wanted, data, sha256=body.sha256))


@router.delete("/tenants/{tenant}/commits/{repository}/{sha}", status_code=204)
def withdraw_commit(tenant: Tenant, repository: str, sha: str, issuer: str, who: Who, desk: Desk) -> None:
    """Withdraw an approval."""
    withdraw(desk.house, who.key_id, tenant, Wanted(issuer=issuer, repository=repository), sha)
