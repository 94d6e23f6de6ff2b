"""CI jobs, pods and services ask a running server with their platforms' tokens; policy sees their verified claims."""

import time
from typing import Any

import pytest

from ostiary.testing.issuer import FakeKey
from ostiary.testing.workloads import FakeGithub, FakeKubernetes, FakeSpiffe, FakeWorkloads

GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "ours"} if {
    input.subject.type == "ci_job"
    input.subject.identity.claims.repository_id == "42"
    input.subject.identity.claims.workload.rule == "ours"
}
allow contains {"rule": "pod"} if input.subject.identity.claims.pod_name == "trainer-0"
allow contains {"rule": "service"} if startswith(input.subject.identity.claims.path, "/ns/prod/")
decision := {"allow": allow}
"""
GITHUB, CLUSTER, SPIFFE = FakeGithub(), FakeKubernetes(), FakeSpiffe()


def now() -> int:
    return time.time_ns()  # noqa: TID251 - the server's own clock decides on the token


@pytest.fixture(scope="module")
def server(start_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("keys")
    sections: list[dict[str, Any]] = []
    for fake in (GITHUB, CLUSTER, SPIFFE):
        keys = folder / f"{fake.kind}.json"
        keys.write_text(fake.jwks().inline)
        one = {"kind": fake.kind, "audience": fake.audience, "jwks_path": str(keys), "rules": list(fake.rules())}
        sections.append(one)
    sections[0]["single_use"] = True
    sections[1] |= {"issuer": CLUSTER.issuer, "name": "prod"}
    sections[2]["trust_domain"] = SPIFFE.trust_domain
    return start_server(guardrails=GUARDRAILS, identity={"workloads": sections})


def ask(server: Any, fake: FakeWorkloads, token: str, subject: str = "") -> dict[str, Any]:
    who = {"type": fake.config().subject_type, "id": subject or fake.subject}
    answer = server.ask(subject=who, context={"subject_token": token})
    told: dict[str, Any] = answer.json()
    assert token not in answer.text
    return told


def test_a_ci_job_gets_in_once(server: Any) -> None:
    token = GITHUB.token(now())
    assert ask(server, GITHUB, token)["decision"] is True
    again = ask(server, GITHUB, token)
    assert (again["decision"], again["context"]["reasons"]) == (False, ["workload_replayed"])


def test_a_batch_of_one_request_is_one_use(server: Any) -> None:
    token = GITHUB.token(now(), jti="batch")
    who = {"type": "ci_job", "id": GITHUB.subject}
    answer = server.ask(path="evaluations", evaluations=[{}, {}], subject=who, context={"subject_token": token})
    assert [one["decision"] for one in answer.json()["evaluations"]] == [True, True]
    assert ask(server, GITHUB, token)["decision"] is False


def test_a_pod_and_a_service_get_in(server: Any) -> None:
    assert ask(server, CLUSTER, CLUSTER.token(now()), CLUSTER.subject.replace("kubernetes", "prod"))["decision"] is True
    assert ask(server, SPIFFE, SPIFFE.token(now()))["decision"] is True


def test_a_re_created_repository_is_denied_by_its_own_reason(server: Any) -> None:
    told = ask(server, GITHUB, GITHUB.token(now(), repository_id="43"))
    assert (told["decision"], told["context"]["reasons"]) == (False, ["workload_repository_wrong"])


def test_the_records_say_who_it_was_and_hold_no_token(server: Any) -> None:
    token = SPIFFE.token(now(), jti="recorded")
    ask(server, SPIFFE, token)
    assert ask(server, SPIFFE, SPIFFE.token(now(), sub="spiffe://example.org/ns/dev/x"))["decision"] is False
    last, denied = server.records()[-2:]
    assert (last.event.subject_type, last.event.subject_id) == ("workload", SPIFFE.subject)
    assert denied.refusal == "workload_path_wrong"
    everything = b"".join(one.payload or b"" for one in server.house.log.iterate("default", "decision"))
    assert token.encode() not in everything


def test_a_bundle_cannot_go_back_while_the_server_runs(server: Any) -> None:
    issuer = server.house.issuers.find("default", "spiffe://example.org")
    assert issuer is not None
    thief = FakeKey.generate("old")
    place = issuer.keys._source.path
    genuine = place.read_bytes()
    try:
        place.write_bytes(SPIFFE.bundle(thief, sequence=0))
        assert "went back" in server.house.issuers.refresh(now())["default", "spiffe://example.org"]
    finally:
        place.write_bytes(genuine)
    assert server.house.store.snapshots.load("default", "spiffe_bundle", "spiffe://example.org") is not None
    assert ask(server, SPIFFE, SPIFFE.token(now()))["decision"] is True
