"""``ostiary commit``: which commits may reach what only approved commits may.

    git cat-file commit HEAD | ostiary commit approve --repository 42

reads the commit's own bytes, computes its hash, and verifies its SSH signature against the tenant's allowed signers in
``trust/commits/TENANT.allowed_signers`` of the data directory. No git runs here, and no repository is trusted.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ostiary.cli.output import out, print_json, print_table
from ostiary.cli.places import Config, Data, Json, Tenant, check_living, open_data
from ostiary.errors import FaultyInputError
from ostiary.pipeline.commits import ApprovedCommit
from ostiary.pipeline.commits.signed import MAX_BYTES
from ostiary.server.commits import DEFAULT_DAYS, Wanted, approve_signed, approve_unsigned, withdraw
from ostiary.server.deeds import COMMAND_LINE

GITHUB = "https://token.actions.githubusercontent.com"
command = App(name="commit", help="Approved commits: whose jobs may reach production features.")

Repository = Annotated[str, Parameter(help="Number of the repository (GitHub) or project (GitLab); never its name.")]
Issuer = Annotated[str, Parameter(help="Issuer of the CI's tokens.")]
Sha = Annotated[str, Parameter(help="The whole hash of the commit.")]


@command.command
def approve(
    file: Annotated[Path | None, Parameter(help="The commit's bytes; by default they are read from stdin.")] = None,
    *,
    repository: Repository,
    issuer: Issuer = GITHUB,
    days: Annotated[int, Parameter(help="For how many days.")] = DEFAULT_DAYS,
    unsigned: Annotated[str, Parameter(help="Approve this hash by your word alone; needs --reason.")] = "",
    reason: Annotated[str, Parameter(help="Why.")] = "",
    sha256: Annotated[bool, Parameter(negative="", help="The repository is in SHA-256 format.")] = False,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Approve a commit that a trusted key signed; exit code 5 when none did."""
    wanted = Wanted(issuer=issuer, repository=repository, days=days, reason=reason)
    content = b"" if unsigned else _read(file)
    with open_data(data, config) as house:
        check_living(house, tenant)
        if unsigned:
            made = approve_unsigned(house, COMMAND_LINE, tenant, wanted, unsigned)
        else:
            made = approve_signed(house, COMMAND_LINE, tenant, wanted, content, sha256=sha256)
    if json:
        print_json(_row(made))
        return
    out.print(f"{made.sha} of repository {made.repository} is approved by {made.by}", markup=False)


@command.command(name="list")
def list_(*, data: Data = None, config: Config = None, tenant: Tenant = "default", json: Json = False) -> None:
    """List approved commits, newest first."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        rows = [_row(one) for one in house.commits.all(tenant)]
    if json:
        print_json(rows)
    else:
        print_table("approved commits", ("sha", "repository", "how", "by", "until", "reason"), rows)


@command.command(name="withdraw")
def withdraw_(
    sha: Sha,
    *,
    repository: Repository,
    issuer: Issuer = GITHUB,
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
) -> None:
    """Withdraw an approval; the next decision does not know it any more."""
    with open_data(data, config) as house:
        check_living(house, tenant)
        withdraw(house, COMMAND_LINE, tenant, Wanted(issuer=issuer, repository=repository), sha)
    out.print(f"{sha} is approved no longer", markup=False)


def _read(file: Path | None) -> bytes:
    if file is None:
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as fault:
        raise FaultyInputError("commit_malformed", f"`{file}` cannot be read: {fault.strerror}") from fault


def _row(one: ApprovedCommit) -> dict[str, object]:
    until = datetime.fromtimestamp(one.until_ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "sha": one.sha,
        "repository": one.repository,
        "issuer": one.issuer,
        "how": one.how,
        "by": one.by,
        "until": until,
        "reason": one.reason,
    }
