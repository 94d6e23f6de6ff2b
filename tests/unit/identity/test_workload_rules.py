"""What an administrator may write about workloads, and what is refused at start rather than at the first token."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.identity.issuers import IssuerBook
from ostiary.identity.reasons import Refusal
from ostiary.identity.settings import JwksSource
from ostiary.identity.workloads.config import MAX_RULES, WorkloadSettings, issuer_config, remarks
from ostiary.identity.workloads.found import kind_of, kinds
from ostiary.identity.workloads.rule import read_rule
from ostiary.identity.workloads.verdicts import HOLDS
from ostiary.testing.workloads import FAKES, FakeGithub, FakeGitlab, FakeKubernetes, FakeSpiffe, FakeWorkloads

GITHUB, GITLAB, CLUSTER, SPIFFE = FakeGithub(), FakeGitlab(), FakeKubernetes(), FakeSpiffe()


def with_rule(fake: FakeWorkloads, **changes: Any) -> Callable[[], object]:
    return lambda: fake.config(rules=fake.rules(**changes))


def without(fake: FakeWorkloads, key: str, **more: Any) -> Callable[[], object]:
    rule = {name: value for name, value in fake.rules(**more)[0].items() if name != key}
    return lambda: fake.config(rules=(rule,))


FAULTY: dict[str, tuple[Callable[[], object], str]] = {
    "unknown kind": (lambda: issuer_config(WorkloadSettings(tenant="a", kind="jenkins", audience="x")), "no kind"),
    "repository by name": (without(GITHUB, "repository_id", repository="acme/models"), "`repository_id`"),
    "owner by name": (without(GITHUB, "repository_owner_id", repository="acme/models"), "`repository_owner_id`"),
    "project by name": (without(GITLAB, "project_id", project_path="acme/models"), "`project_id`"),
    "service account by name": (
        without(CLUSTER, "serviceaccount_uid", serviceaccount="trainer"),
        "`serviceaccount_uid`",
    ),
    "trust domain without a path": (without(SPIFFE, "paths"), "`paths`"),
    "name for an id": (with_rule(GITHUB, repository_id="acme/models"), "a number"),
    "unknown key": (with_rule(GITHUB, branch="main"), "do not know"),
    "another kind's key": (with_rule(GITHUB, project_id="1"), "do not know"),
    "bare ref": (with_rule(GITHUB, refs="main"), "refs/heads/NAME"),
    "every ref": (with_rule(GITHUB, refs="*"), "refs/heads/NAME"),
    "star in the middle": (with_rule(GITHUB, refs="refs/heads/*/x"), "refs/heads/NAME"),
    "any branch": (with_rule(GITHUB, ref_protected=False), "whoever may push"),
    "any branch of GitLab": (with_rule(GITLAB, ref_protected=False), "whoever may push"),
    "pull_request_target": (with_rule(GITHUB, events=["push", "pull_request_target"]), "anybody can cause it"),
    "pull_request": (with_rule(GITHUB, events="pull_request"), "proposed code"),
    "merge request": (with_rule(GITLAB, sources="merge_request_event"), "proposed code"),
    "workflow without a ref": (with_rule(GITHUB, workflows="acme/ci/.github/workflows/t.yml"), "OWNER/REPOSITORY"),
    "workflow at any ref": (with_rule(GITHUB, workflows="acme/ci/.github/workflows/t.yml@*"), "OWNER/REPOSITORY"),
    "short commit": (with_rule(GITHUB, workflow_commits="9f2c1e0"), "whole commit"),
    "uid in capitals": (with_rule(CLUSTER, serviceaccount_uid="0C4A7F5E-3C6F-4A6E-9D43-7A54C3A6F2B1"), "UUID"),
    "path that climbs": (with_rule(SPIFFE, paths="/ns/../x"), "a path"),
    "path with a slash at its end": (with_rule(SPIFFE, paths="/ns/"), "a path"),
    "every path": (with_rule(SPIFFE, paths="/"), "a path"),
    "no value": (with_rule(GITHUB, refs=[]), "1 to 100"),
    "too many values": (with_rule(GITHUB, repository_id=[str(n + 1) for n in range(101)]), "1 to 100"),
    "two owners": (with_rule(GITHUB, repository_owner_id=["1", "2"]), "one value"),
    "a table": (with_rule(GITHUB, refs={"main": True}), "1 to 100"),
    "rule without a name": (lambda: GITHUB.config(rules=(GITHUB.rule,)), "`name`"),
    "rule with a spacious name": (with_rule(GITHUB, name="our rule"), "`name`"),
    "two rules of one name": (lambda: GITHUB.config(rules=GITHUB.rules() * 2), "same name"),
    "too many rules": (lambda: GITHUB.config(rules=GITHUB.rules() * (MAX_RULES + 1)), "at most"),
    "authority with a colon": (lambda: GITHUB.config(name="a:b"), "must be"),
    "no keys of a foreign issuer": (lambda: GITHUB.config(issuer="https://ghes.example", jwks=None), "keys are"),
    "cluster without an issuer": (lambda: CLUSTER.config(issuer=""), "`issuer`"),
    "cluster with a trust domain": (lambda: CLUSTER.config(trust_domain="example.org"), "means nothing"),
    "no trust domain": (lambda: SPIFFE.config(trust_domain=""), "`trust_domain`"),
    "trust domain in capitals": (lambda: SPIFFE.config(trust_domain="Example.org"), "`trust_domain`"),
    "trust domain in a rule": (with_rule(SPIFFE, trust_domain="else.example"), "said once"),
    "two issuers of one name": (
        lambda: IssuerBook([CLUSTER.config(), FakeKubernetes("https://other.example").config()]),
        "bear the name",
    ),
}


@pytest.mark.parametrize(("make", "words"), FAULTY.values(), ids=FAULTY)
def test_what_cannot_be_meant_is_refused_at_start(make: Callable[[], object], words: str) -> None:
    with pytest.raises(FaultyInputError) as refused:
        make()
    assert refused.value.code == Refusal.IDENTITY_CONFIG_INVALID
    assert words in refused.value.message


def test_the_kinds_own_issuer_and_keys_are_known() -> None:
    config = GITHUB.config(issuer="", jwks=None)
    assert config.issuer == "https://token.actions.githubusercontent.com"
    assert config.jwks == JwksSource(url="https://token.actions.githubusercontent.com/.well-known/jwks")
    assert GITLAB.config(issuer="", jwks=None).jwks.url == "https://gitlab.com/oauth/discovery/keys"
    assert SPIFFE.config().jwks.form == "spiffe_bundle"
    assert SPIFFE.config().workload.authority == "example.org"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fake", "changes", "words"),
    [
        (GITHUB, {}, "any workflow"),
        (GITHUB, {"ref_protected": False, "refs": "refs/heads/x"}, "not protected"),
        (GITHUB, {"runners": "self-hosted"}, "self-hosted"),
        (GITLAB, {"ref_protected": False, "refs": "refs/heads/x"}, "not protected"),
        (GITLAB, {"runners": ["gitlab-hosted", "self-hosted"]}, "self-hosted"),
        (CLUSTER, {"bound_to_pod": False}, "bound to no pod"),
    ],
)
def test_what_is_allowed_and_loose_is_remarked_on(fake: FakeWorkloads, changes: dict[str, Any], words: str) -> None:
    assert any(words in text for text in remarks(fake.config(rules=fake.rules(**changes))))


def test_a_tight_rule_needs_no_remark_and_no_rule_needs_one() -> None:
    pinned = GITHUB.rules(workflows="acme/models/.github/workflows/train.yml@refs/heads/main")
    assert list(remarks(GITHUB.config(rules=pinned))) == []
    assert list(remarks(GITLAB.config())) == list(remarks(CLUSTER.config())) == list(remarks(SPIFFE.config())) == []
    assert "no rule" in next(iter(remarks(SPIFFE.config(rules=()))))


def test_a_rule_can_be_asked_by_itself() -> None:
    rule = read_rule(kind_of("github"), GITHUB.rules()[0])
    claims: Mapping[str, Any] = {**GITHUB.own, "own_place": "acme/models/"}
    assert rule.verify(claims) is HOLDS
    assert [bool(verdict) for _, verdict in rule.verdicts({**claims, "event_name": "x"})].count(False) == 1


def test_each_kind_has_a_fake_named_as_one() -> None:
    assert set(FAKES) == set(kinds())
    assert all(fake.__name__.startswith("Fake") for fake in FAKES.values())
