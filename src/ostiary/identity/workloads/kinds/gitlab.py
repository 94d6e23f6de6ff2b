"""GitLab CI/CD: a job's ID token (docs.gitlab.com, "OpenID Connect authentication using ID tokens").

- ``project_id`` and ``namespace_id`` never pass to others; ``project_path``, ``namespace_path`` and ``sub`` do.
- A merge request's pipeline may run a fork's code in the target project: ``job_project_id`` tells where it ran,
  ``project_id`` whose code it is (GitLab work item 563038). Where both are told they must agree, and pipelines of
  merge requests are never let in.
- ``ref`` is a bare name; with ``ref_type`` it becomes a full ref, so that a tag is not taken for a branch.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from ostiary.identity.reasons import Refusal
from ostiary.identity.workloads.kind import RuleKey, Values, WorkloadKind
from ostiary.identity.workloads.restrictions import DefinedBy, OneOf, OwnRef, RefIs, RefProtected, Same
from ostiary.identity.workloads.shapes import COMMIT, FLAG, NAME, NUMBER, PLACE, REF, REFS, WORD
from ostiary.identity.workloads.verdicts import HOLDS, Claims, Failure, Restriction, Verdict

_PROPOSED: Final = "the pipeline is of proposed code, of a fork perhaps"
NEVER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chat": "whoever may write in the chat can cause it",
        "external_pull_request_event": _PROPOSED,
        "merge_request_event": _PROPOSED,
    }
)
_PROPOSALS: Final = "refs/merge-requests/"
_REF_TYPES: Final = {"branch": "refs/heads/", "tag": "refs/tags/"}


def _flatten(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a full ref of the bare one, and say how places of the project itself begin."""
    told = {name: value for name, value in claims.items() if value is not None}  # GitLab writes null for "none"
    host = urlsplit(str(claims.get("iss", ""))).hostname or ""
    ref = f"{_REF_TYPES.get(str(told.get('ref_type')), 'refs/?/')}{told.get('ref')}"
    if str(told.get("ref_path")).startswith(_PROPOSALS):  # which GitLab calls a branch: refused as what it is
        ref = str(told["ref_path"])
    return {**told, "ref": ref, "own_place": f"{host}/{told.get('project_path')}//"}


def _agree(claims: Claims) -> Verdict:
    if claims.get("ref_path", claims["ref"]) != claims["ref"]:
        return Failure(Refusal.WORKLOAD_CLAIMS_DISAGREE, "`ref_path` of the token does not agree with its `ref`")
    return HOLDS


def _joint(values: Mapping[str, Values]) -> tuple[Restriction, ...]:
    defined = DefinedBy(
        claim="ci_config_ref_uri",
        commit_claim="ci_config_sha",
        ref_claim="ref",
        own_claim="own_place",
        allowed=values["configs"],
        commits=values["config_commits"],
    )
    return (defined,)


def _check_rule(values: Mapping[str, Values]) -> None:
    if values["ref_protected"] == ("false",) and not values["refs"]:
        msg = "without `ref_protected` it must say `refs`, or whoever may push any branch is let in"
        raise ValueError(msg)


def _remarks(values: Mapping[str, Values]) -> Iterator[str]:
    if values["ref_protected"] == ("false",):
        yield "refs that are not protected are let in"
    if "self-hosted" in values["runners"]:
        yield "self-hosted runners are let in: whoever holds the machine holds the token"


KIND: Final = WorkloadKind(
    name="gitlab",
    text="GitLab CI/CD jobs",
    subject_type="ci_job",
    exchanged_once=True,
    instance=("pipeline_id", "job_id"),
    issuer="https://gitlab.com",
    jwks_url="https://gitlab.com/oauth/discovery/keys",
    algorithms=("RS256",),
    token_types=("jwt",),
    max_lifetime_s=21_600,
    required={
        "ci_config_ref_uri": PLACE,
        "namespace_id": NUMBER,
        "pipeline_id": NUMBER,
        "pipeline_source": WORD,
        "project_id": NUMBER,
        "project_path": NAME,
        "ref": REF,
        "ref_protected": FLAG,
        "runner_environment": WORD,
        "sha": COMMIT,
    },
    optional={
        "ci_config_sha": COMMIT,
        "environment": NAME,
        "environment_protected": FLAG,
        "job_id": NUMBER,
        "job_namespace_id": NUMBER,
        "job_project_id": NUMBER,
        "project_visibility": WORD,
        "ref_path": REF,
        "ref_type": WORD,
    },
    immutable=("namespace_id", "project_id"),
    shown=(
        *("ci_config_ref_uri", "ci_config_sha", "environment", "environment_protected", "job_id", "job_project_id"),
        *("namespace_id", "pipeline_id", "pipeline_source", "project_id", "project_path", "project_visibility"),
        *("ref", "ref_protected", "ref_type", "runner_environment", "sha"),
    ),
    keys={
        "namespace_id": RuleKey(
            text="Number of the group or person that the project belongs to.",
            shape=NUMBER,
            make=lambda v: OneOf("namespace_id", v, Refusal.WORKLOAD_OWNER_WRONG),
            needed=True,
            single=True,
        ),
        "project_id": RuleKey(
            text="Numbers of the projects.",
            shape=NUMBER,
            make=lambda v: OneOf("project_id", v, Refusal.WORKLOAD_REPOSITORY_WRONG),
            needed=True,
        ),
        "project_path": RuleKey(
            text="Their paths, if a renamed one is to be refused too.",
            shape=NAME,
            make=lambda v: OneOf("project_path", v, Refusal.WORKLOAD_NAME_CHANGED),
            name_only=True,
        ),
        "sources": RuleKey(
            text="What may have started the pipeline.",
            shape=WORD,
            make=lambda v: OneOf("pipeline_source", v, Refusal.WORKLOAD_EVENT_REFUSED),
            default=("push", "schedule", "web"),
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
            text="Whose machines may run it: `gitlab-hosted`, `self-hosted`.",
            shape=WORD,
            make=lambda v: OneOf("runner_environment", v, Refusal.WORKLOAD_RUNNER_WRONG),
            default=("gitlab-hosted",),
        ),
        "configs": RuleKey(
            text="Files that define the pipeline, as `ci_config_ref_uri` tells them.",
            shape=PLACE,
            make=lambda _: None,
            name_only=True,
        ),
        "config_commits": RuleKey(
            text="Commits of those files, as `ci_config_sha` tells them.", shape=COMMIT, make=lambda _: None
        ),
    },
    always=(
        Same("project_id", "job_project_id", Refusal.WORKLOAD_FORK_REFUSED),
        Same("namespace_id", "job_namespace_id", Refusal.WORKLOAD_FORK_REFUSED),
        OwnRef("ref"),
    ),
    joint=_joint,
    subject=lambda claims, authority: f"{authority}:namespace:{claims['namespace_id']}:project:{claims['project_id']}",
    flatten=_flatten,
    agree=_agree,
    check_rule=_check_rule,
    remarks=_remarks,
)
