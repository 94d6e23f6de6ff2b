"""Approving commits: one way for the API and for the command line.

- By a signature: the commit's own bytes, verified against the tenant's allowed signers (``trust/commits/TENANT``).
- By a person's word: needs a reason.
Either is recorded before it counts, and ends.
"""

from pathlib import Path
from typing import Final

import msgspec

from ostiary.errors import FaultyInputError, RefusedError, UnavailableError
from ostiary.pipeline.commits import ApprovedCommit, CommitObject, verify_commit
from ostiary.pipeline.commits.signed import MAX_SIGNERS
from ostiary.server.deeds import record_deed
from ostiary.server.places import Places
from ostiary.server.wiring import House
from ostiary.vocabulary.ids import check_tenant

DEFAULT_DAYS: Final = 90
_DAY_NS: Final = 86_400 * 10**9


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which commit of which repository, and for how long."""

    issuer: str
    repository: str
    days: int = DEFAULT_DAYS
    reason: str = ""


def signers_file(places: Places, tenant: str) -> Path:
    """Return where a tenant's allowed signers stand (ssh-keygen(1), ALLOWED SIGNERS)."""
    return places.root / "trust" / "commits" / f"{check_tenant(tenant)}.allowed_signers"


def approve_signed(house: House, who: str, tenant: str, wanted: Wanted, data: bytes, *, sha256: bool) -> ApprovedCommit:
    """Approve the commit whose bytes these are, because somebody trusted signed it.

    Raises:
        FaultyInputError: ``commit_malformed``, ``commit_invalid``.
        VerificationError: ``commit_unsigned``, ``commit_untrusted_signature``.
        RefusedError: ``commit_signers_missing``: nobody may sign for this tenant.
    """
    signed = verify_commit(CommitObject.parse(data, sha256=sha256), _signers(house.places, tenant))
    return _approve(house, who, tenant, _approval(house, wanted, signed.sha, "signature", signed.principal))


def approve_unsigned(house: House, who: str, tenant: str, wanted: Wanted, sha: str) -> ApprovedCommit:
    """Approve a commit by an administrator's word.

    Raises:
        FaultyInputError: ``commit_invalid``, also without a reason.
    """
    if not wanted.reason.strip():
        raise FaultyInputError("commit_invalid", "an approval without a signature needs a reason")
    return _approve(house, who, tenant, _approval(house, wanted, sha, "approval", who))


def withdraw(house: House, who: str, tenant: str, wanted: Wanted, sha: str) -> None:
    """Withdraw an approval.

    Raises:
        RefusedError: ``commit_unknown``.
    """
    if house.commits.find(tenant, wanted.issuer, wanted.repository, sha) is None:
        raise RefusedError("commit_unknown", "there is no such approval")
    told = {"sha": sha, "issuer": wanted.issuer, "repository": wanted.repository}
    record_deed(house, who, tenant, "commit.withdraw", **told)
    house.commits.withdraw(tenant, wanted.issuer, wanted.repository, sha)


def _approval(house: House, wanted: Wanted, sha: str, how: str, by: str) -> ApprovedCommit:
    now_ns = house.clock.now_ns()
    given = {"sha": sha, "how": how, "by": by, "at_ns": now_ns, "until_ns": now_ns + wanted.days * _DAY_NS}
    words = {"issuer": wanted.issuer, "repository": wanted.repository, "reason": wanted.reason[:500]}
    return msgspec.convert({**given, **words}, ApprovedCommit)


def _approve(house: House, who: str, tenant: str, one: ApprovedCommit) -> ApprovedCommit:
    house.commits.check(one)
    record_deed(house, who, tenant, "commit.approve", **msgspec.structs.asdict(one))
    house.commits.approve(tenant, one)
    return one


def _signers(places: Places, tenant: str) -> bytes:
    file = signers_file(places, tenant)
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_SIGNERS + 1)
    except FileNotFoundError:
        text = f"nobody may sign commits for this tenant yet: list keys in `{file}`"
        raise RefusedError("commit_signers_missing", text) from None
    except OSError as fault:
        raise UnavailableError("commit_unverifiable", f"`{file}` cannot be read: {fault.strerror}") from fault
