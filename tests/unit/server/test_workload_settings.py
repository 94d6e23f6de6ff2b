"""Workloads in the configuration: read strictly, refused at start with the key, and remarked on by the doctor."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import FaultyInputError
from ostiary.server.checkup import State, examine
from ostiary.server.places import Places
from ostiary.server.settings import Settings, load
from ostiary.server.workloads import workload_issuers, workload_remarks
from ostiary.vocabulary.clock import SystemClock

TOML = """
[[identity.workloads]]
kind = "github"
audience = "ostiary"
single_use = true
[[identity.workloads.rules]]
name = "train"
repository_owner_id = 9919
repository_id = ["42", "43"]
refs = ["refs/heads/main", "refs/tags/v*"]

[[identity.workloads]]
kind = "kubernetes"
name = "prod-eu"
audience = "ostiary"
issuer = "https://kubernetes.default.svc"
discovery_url = "https://kubernetes.default.svc/.well-known/openid-configuration"
[[identity.workloads.rules]]
name = "trainer"
namespace = "prod"
serviceaccount_uid = "0c4a7f5e-3c6f-4a6e-9d43-7a54c3a6f2b1"
bound_to_pod = false
"""
RULE = {"name": "train", "repository_owner_id": "9919", "repository_id": "42"}
GITHUB = {"kind": "github", "audience": "ostiary", "rules": [RULE]}
SPIFFE = {"kind": "spiffe", "audience": "x", "jwks_url": "https://td/b", "rules": [{"name": "a", "paths": "/a"}]}


def settings(*workloads: dict[str, Any]) -> Settings:
    return load(None, environ={}, options={"identity": {"workloads": list(workloads)}}).settings


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "ostiary.toml"
    file.write_text(TOML)
    identity = load(file, environ={}).settings.identity
    github, cluster = workload_issuers(identity)
    assert (github.issuer, github.single_use, github.subject_type) == (
        "https://token.actions.githubusercontent.com",
        True,
        "ci_job",
    )
    assert github.workload is not None
    assert [dict(rule.values)["repository_owner_id"] for rule in github.workload.rules] == [("9919",)]
    assert cluster.jwks.discovery_of == "https://kubernetes.default.svc"
    assert not cluster.jwks.allow_loopback_http
    assert [text.partition(":")[0] for text in workload_remarks(identity)] == [
        "rule `train` of `github`",
        "rule `trainer` of `prod-eu`",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "jenkins"}, "no kind"),
        ({"color": "red"}, "no known setting"),
        ({"rules": [{"name": "train", "repository": "acme/models"}]}, "repository_owner_id"),
        ({"rules": [{**RULE, "events": "pull_request_target"}]}, "anybody can cause it"),
        ({"rules": [{**RULE, "secret": "x"}]}, "do not know"),
        ({"rules": [{**RULE, "refs": {"a": "b"}}]}, "rules"),
        ({"audience": ""}, "audience"),
        ({"tenant": "No Tenant"}, "tenant"),
        ({"max_lifetime_s": 90_000}, "max_lifetime_s"),
        ({"jwks_url": "https://a", "jwks_path": "b"}, "give one of"),
        ({"discovery_url": "https://a"}, "needs the `issuer`"),
        ({"issuer": "https://ghes.example"}, "keys are"),
    ],
)
def test_what_cannot_be_meant_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(FaultyInputError, match=words) as refused:
        settings({**GITHUB, **change})
    assert refused.value.code == "config_invalid"
    assert "identity.workloads.0" in refused.value.message


def test_the_how_tos_rules_are_good_ones(repo: Path, tmp_path: Path) -> None:
    page = (repo / "docs" / "how-to" / "let-ci-jobs-and-pods-in.md").read_text()
    file = tmp_path / "ostiary.toml"
    file.write_text(page.partition("```toml\n")[2].partition("```")[0])
    identity = load(file, environ={}).settings.identity
    assert [one.kind for one in identity.workloads] == ["github", "kubernetes", "spiffe"]
    assert list(workload_remarks(identity)) == []


def test_plain_http_is_for_this_machine_and_by_option() -> None:
    local = {**SPIFFE, "trust_domain": "td", "jwks_url": "http://127.0.0.1:1/b"}
    with_option = load(None, environ={}, options={"identity": {"workloads": [local], "allow_http_loopback": True}})
    assert workload_issuers(with_option.settings.identity)[0].jwks.allow_loopback_http
    assert not workload_issuers(settings(local).identity)[0].jwks.allow_loopback_http


def test_the_doctor_tells_what_is_loose(tmp_path: Path) -> None:
    loose = {**GITHUB, "rules": [{**RULE, "runners": "self-hosted"}]}
    found = [
        one for one in examine(Places(tmp_path), lambda: settings(loose), SystemClock()) if one.check == "workloads"
    ]
    assert [one.state for one in found] == [State.MIND, State.MIND]
    assert "self-hosted" in found[1].text


def test_the_doctor_tells_what_is_wrong(tmp_path: Path) -> None:
    broken = {**GITHUB, "rules": [{"name": "x"}]}
    (first,) = examine(Places(tmp_path), lambda: settings(broken), SystemClock())
    assert (first.check, first.state) == ("configuration", State.WRONG)
    assert "repository_owner_id" in first.text
