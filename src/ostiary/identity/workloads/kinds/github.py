"""GitHub Actions: a job's OIDC token (docs.github.com, "OpenID Connect reference").

- ``repository_id`` and ``repository_owner_id`` never pass to others; ``repository`` and ``sub`` are names that do.
- A run of somebody else's code bears the same ids: events that a stranger can cause are never let in, and neither
  is a ref that is no branch or tag of the repository.
- ``job_workflow_ref`` names the file that really defines the job, a called one included; ``DefinedBy`` says when a
  name is enough.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from ostiary.identity.reasons import Refusal
from ostiary.identity.workloads.kind import RuleKey, Values, WorkloadKind
from ostiary.identity.workloads.restrictions import DefinedBy, OneOf, OwnRef, RefIs, RefProtected
from ostiary.identity.workloads.shapes import COMMIT, FLAG, NAME, NUMBER, PLACE, REF, REFS, WORD
from ostiary.identity.workloads.verdicts import HOLDS, Claims, Failure, Restriction, Verdict

_STRANGERS: Final = "anybody can cause it, and the run bears the repository's own ids"
_PROPOSED: Final = "the run is of proposed code, of a fork perhaps, and bears the repository's own ids"
NEVER: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("discussion", "discussion_comment", "fork", "gollum", "issue_comment", "issues"), _STRANGERS),
        **dict.fromkeys(("pull_request_comment", "pull_request_review", "pull_request_review_comment"), _STRANGERS),
        **dict.fromkeys(("pull_request_target", "watch", "workflow_run"), _STRANGERS),
        "pull_request": _PROPOSED,
    }
)
_OTHER: Final = {"branch": "refs/tags/", "tag": "refs/heads/"}  # of each type of ref, how the other's refs begin


def _flatten(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**claims, "own_place": f"{claims.get('repository')}/"}


def _agree(claims: Claims) -> Verdict:
    other = _OTHER.get(claims["ref_type"])  # a proposal's ref is of type `branch` too, and is refused as what it is
    if other is not None and claims["ref"].startswith(other):
        return Failure(Refusal.WORKLOAD_CLAIMS_DISAGREE, "`ref_type` and `ref` of the token do not agree")
    return HOLDS


def _joint(values: Mapping[str, Values]) -> tuple[Restriction, ...]:
    defined = DefinedBy(
        claim="job_workflow_ref",
        commit_claim="job_workflow_sha",
        ref_claim="ref",
        own_claim="own_place",
        allowed=values["workflows"],
        commits=values["workflow_commits"],
    )
    return (defined,)


def _check_rule(values: Mapping[str, Values]) -> None:
    if values["ref_protected"] == ("false",) and not values["refs"]:
        msg = "without `ref_protected` it must say `refs`, or whoever may push any branch is let in"
        raise ValueError(msg)


def _remarks(values: Mapping[str, Values]) -> Iterator[str]:
    if not values["workflows"] and not values["workflow_commits"]:
        yield "any workflow of the repository is let in: name `workflows`"
    if values["ref_protected"] == ("false",):
        yield "refs that are not protected are let in"
    if "self-hosted" in values["runners"]:
        yield "self-hosted runners are let in: whoever holds the machine holds the token"


KIND: Final = WorkloadKind(
    name="github",
    text="GitHub Actions jobs",
    subject_type="ci_job",
    exchanged_once=True,
    instance=("run_id", "run_attempt"),
    issuer="https://token.actions.githubusercontent.com",
    jwks_url="https://token.actions.githubusercontent.com/.well-known/jwks",
    algorithms=("RS256",),
    token_types=("jwt",),
    max_lifetime_s=21_600,  # no longer than a job
    required={
        "event_name": WORD,
        "job_workflow_ref": PLACE,
        "job_workflow_sha": COMMIT,
        "ref": REF,
        "ref_protected": FLAG,
        "ref_type": WORD,
        "repository": NAME,
        "repository_id": NUMBER,
        "repository_owner_id": NUMBER,
        "run_id": NUMBER,
        "runner_environment": WORD,
        "sha": COMMIT,
    },
    optional={"environment": NAME, "repository_visibility": WORD, "run_attempt": NUMBER, "workflow_sha": COMMIT},
    immutable=("repository_owner_id", "repository_id"),
    shown=(
        *("environment", "event_name", "job_workflow_ref", "job_workflow_sha", "ref", "ref_protected", "ref_type"),
        *("repository", "repository_id", "repository_owner_id", "repository_visibility", "run_attempt", "run_id"),
        *("runner_environment", "sha", "workflow_sha"),
    ),
    keys={
        "repository_owner_id": RuleKey(
            text="Number of the owner: a person or an organisation.",
            shape=NUMBER,
            make=lambda v: OneOf("repository_owner_id", v, Refusal.WORKLOAD_OWNER_WRONG),
            needed=True,
            single=True,
        ),
        "repository_id": RuleKey(
            text="Numbers of the repositories.",
            shape=NUMBER,
            make=lambda v: OneOf("repository_id", v, Refusal.WORKLOAD_REPOSITORY_WRONG),
            needed=True,
        ),
        "repository": RuleKey(
            text="Their names, if a renamed one is to be refused too.",
            shape=NAME,
            make=lambda v: OneOf("repository", v, Refusal.WORKLOAD_NAME_CHANGED),
            name_only=True,
        ),
        "events": RuleKey(
            text="What may have started the run.",
            shape=WORD,
            make=lambda v: OneOf("event_name", v, Refusal.WORKLOAD_EVENT_REFUSED),
            default=("push", "release", "schedule", "workflow_dispatch"),
            never=NEVER,
        ),
        "ref_protected": RuleKey(
            text="Whether the ref must be protected.",
            shape=FLAG,
            make=lambda v: RefProtected() if v == ("true",) else None,
            default=("true",),
            single=True,
        ),
        "refs": RuleKey(text="Full refs.", shape=REFS, make=lambda v: RefIs("ref", v)),
        "environments": RuleKey(
            text="Deployment environments.",
            shape=NAME,
            make=lambda v: OneOf("environment", v, Refusal.WORKLOAD_ENVIRONMENT_WRONG),
            name_only=True,
        ),
        "runners": RuleKey(
            text="Whose machines may run it: `github-hosted`, `self-hosted`.",
            shape=WORD,
            make=lambda v: OneOf("runner_environment", v, Refusal.WORKLOAD_RUNNER_WRONG),
            default=("github-hosted",),
        ),
        "workflows": RuleKey(
            text="Files that define the job, as `job_workflow_ref` tells them.",
            shape=PLACE,
            make=lambda _: None,
            name_only=True,
        ),
        "workflow_commits": RuleKey(
            text="Commits of those files, as `job_workflow_sha` tells them.", shape=COMMIT, make=lambda _: None
        ),
    },
    always=(OwnRef("ref"),),
    joint=_joint,
    subject=lambda claims, authority: (
        f"{authority}:owner:{claims['repository_owner_id']}:repository:{claims['repository_id']}"
    ),
    flatten=_flatten,
    agree=_agree,
    check_rule=_check_rule,
    remarks=_remarks,
)
