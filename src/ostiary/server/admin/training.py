"""Training runs and the tokens of the pipeline, newest first, as the log tells them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from ostiary.server.admin.context import Desk, Model, Tenant
from ostiary.server.admin.model_papers import Below, Limit
from ostiary.server.lineage.runs import approval_of, newest_runs, one_run
from ostiary.server.lineage.tokens import newest_tokens

router = APIRouter(tags=["training"])
MAX_RUNS = 100
Runs = Annotated[int, Query(ge=1, le=MAX_RUNS)]


class CommitStands(Model):
    """Whether a run's commit is approved; ``approved`` false says that no approval of it holds now."""

    commit: str
    approved: bool
    by: str = ""
    how: str = ""
    repository: str = ""
    until_ns: int = 0


class RunShown(Model):
    """A run: its records joined, when each was written, who asked for it, and how its commit stands."""

    run: Annotated[dict[str, Any], Field(description="Members as in `ostiary train show RUN --json`.")]
    commit: CommitStands


class RunsPage(Model):
    """Runs, newest first; ask again with ``below=next`` for older ones, none when ``next`` is null."""

    runs: list[RunShown]
    next: int | None


class TokensPage(Model):
    """Records of tokens, newest first: what was exchanged, minted, revoked, by whom, for what; never a token."""

    tokens: list[dict[str, Any]]
    next: int | None


@router.get("/tenants/{tenant}/training/runs")
def list_runs(tenant: Tenant, desk: Desk, below: Below = None, limit: Runs = 25) -> RunsPage:
    """List training runs, the one that began last first."""
    walked = newest_runs(desk.house, tenant, limit=limit, below=below)
    return RunsPage(runs=[_shown(tenant, one, desk) for one in walked.found], next=walked.next)


@router.get("/tenants/{tenant}/training/runs/{run}")
def show_run(tenant: Tenant, run: str, desk: Desk) -> RunShown:
    """Show one run: made of what, held by what, whom it called, what it left."""
    return _shown(tenant, one_run(desk.house, tenant, run), desk)


@router.get("/tenants/{tenant}/tokens")
def list_tokens(
    tenant: Tenant,
    desk: Desk,
    below: Below = None,
    limit: Limit = 50,
    resource: Annotated[str, Query(max_length=256, description="Only tokens for the resource of this id.")] = "",
    subject: Annotated[str, Query(max_length=256, description="Only those of this subject, `type:id`.")] = "",
) -> TokensPage:
    """List what became of tokens, newest first; of one with a budget also what was read with it."""
    walked = newest_tokens(desk.house, tenant, limit=limit, below=below, resource=resource, subject=subject)
    return TokensPage(tokens=list(walked.found), next=walked.next)


def _shown(tenant: str, run: dict[str, Any], desk: Desk) -> RunShown:
    commit = str(run.get("commit", ""))
    found = approval_of(desk.house.commits.all(tenant), commit, desk.house.clock.now_ns())
    if found is None:
        return RunShown(run=run, commit=CommitStands(commit=commit, approved=False))
    stands = CommitStands(
        commit=commit,
        approved=True,
        by=found.by,
        how=found.how,
        repository=found.repository,
        until_ns=found.until_ns,
    )
    return RunShown(run=run, commit=stands)
