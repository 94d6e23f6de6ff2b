"""``ostiary workload`` as a user types it."""

import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.cli.app import build_app
from ostiary.errors import OstiaryError
from ostiary.testing.workloads import FakeGithub, FakeKubernetes, FakeSpiffe, FakeWorkloads

Run = Callable[..., tuple[int, str]]
GITHUB, CLUSTER, SPIFFE = FakeGithub(), FakeKubernetes(), FakeSpiffe()
RULE = ("--rule", "repository_id=42", "--rule", "repository_owner_id=9919")


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("OSTIARY_DATA", str(tmp_path / "data"))

    def call(*words: str, stdin: bytes = b"") -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = 0
        try:
            build_app()(["workload", *words], result_action="return_value", exit_on_error=False)
        except SystemExit as end:
            code = int(end.code or 0)
        except OstiaryError as fault:
            code = fault.exit_code
            return code, fault.message
        return code, capsys.readouterr().out

    return call


def now() -> int:
    return time.time_ns()  # noqa: TID251 - the command looks at the real clock


@pytest.fixture
def shown(tmp_path: Path) -> Callable[[FakeWorkloads, str], list[str]]:
    def make(fake: FakeWorkloads, token: str) -> list[str]:
        (tmp_path / "token").write_text(token + "\n")
        (tmp_path / "keys.json").write_text(fake.jwks().inline)
        return ["--kind", fake.kind, "--token-file", str(tmp_path / "token"), "--jwks", str(tmp_path / "keys.json")]

    return make


def test_a_rule_can_be_tried_before_it_is_written(run: Run, shown: Any) -> None:
    token = GITHUB.token(now())
    code, out = run("check", *shown(GITHUB, token), *RULE)
    assert code == 0
    assert "let in as ci_job github:owner:9919:repository:42" in out
    assert token not in out


def test_what_fails_is_named_and_the_exit_code_is_3(run: Run, shown: Any) -> None:
    token = GITHUB.token(now(), repository_id="43", runner_environment="self-hosted")
    code, out = run("check", *shown(GITHUB, token), *RULE, "--json")
    told = json.loads(out)
    assert (code, told["accepted"], told["reason"]) == (3, False, "workload_repository_wrong")
    failed = [one["reason"] for one in told["rules"][0]["checks"] if not one["holds"]]
    assert failed == ["workload_repository_wrong", "workload_runner_wrong"]
    assert token not in out
    code, out = run("check", *shown(GITHUB, token), *RULE)
    assert code == 3
    assert "NO  one_of repository_id" in out
    assert "`repository_id` is `43`, which the rule does not name (workload_repository_wrong)" in out


def test_nothing_is_explained_of_a_token_that_is_not_genuine(run: Run, shown: Any) -> None:
    words = shown(GITHUB, FakeGithub(keys=[CLUSTER.keys[0]]).token(now()))
    code, out = run("check", *words, *RULE, "--json")
    assert (code, json.loads(out)["reason"], json.loads(out)["rules"]) == (3, "token_algorithm_not_allowed", [])


def test_configured_rules_are_asked(run: Run, shown: Any, tmp_path: Path) -> None:
    words = shown(SPIFFE, SPIFFE.token(now()))[:-2]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ostiary.toml").write_text(
        f"""[[identity.workloads]]
kind = "spiffe"
audience = "ostiary"
trust_domain = "example.org"
jwks_path = "{tmp_path / "keys.json"}"
rules = [{{name = "prod", paths = ["/ns/prod"]}}, {{name = "dev", paths = ["/ns/dev"]}}]
"""
    )
    code, out = run("check", *words)
    assert code == 0
    assert "rule prod: holds" in out
    assert "rule dev: does not hold" in out
    assert run("check", *words, "--rule", "paths=/ns/dev")[0] == 3
    assert run("check", *words, "--tenant", "other")[0] == 1


def test_a_token_comes_by_standard_input_too(run: Run, shown: Any) -> None:
    words = shown(CLUSTER, "x")
    words[3] = "-"
    more = ("--issuer", CLUSTER.issuer, "--rule", "namespace=prod")
    rule = ("--rule", f"serviceaccount_uid={CLUSTER.rule['serviceaccount_uid']}")
    assert run("check", *words, *more, *rule, stdin=CLUSTER.token(now()).encode())[0] == 0
    code, text = run("check", *words, *more, stdin=CLUSTER.token(now()).encode())
    assert code == 1
    assert "must say `serviceaccount_uid`" in text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--kind", "jenkins", "--token-file", "-"], "no kind of workload"),
        (["--kind", "github", "--token-file", "/no/such/file"], "no token can be read"),
        (["--kind", "github", "--token-file", "-", "--rule", "repository"], "KEY=VALUE"),
        (["--kind", "kubernetes", "--token-file", "-"], "need"),
    ],
)
def test_what_makes_no_sense_is_an_error(run: Run, words: list[str], text: str) -> None:
    code, told = run("check", *words)
    assert code == 1
    assert text in told


def test_the_kinds_and_their_rules_are_told(run: Run) -> None:
    code, out = run("kinds", "--json")
    told = {one["kind"]: one for one in json.loads(out)}
    assert code == 0
    assert set(told) == {"github", "gitlab", "kubernetes", "spiffe"}
    assert told["github"]["immutable"] == ["repository_owner_id", "repository_id"]
    assert "pull_request_target" in told["github"]["keys"]["events"]["never"]
    assert "rules of kubernetes" in run("kinds")[1]
