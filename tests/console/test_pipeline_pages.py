"""The pages of pipelines: runs, tokens, sandboxes, and where models come from, from the log alone."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.stories.test_model_door import opened

from ostiary.pipeline.commits import ApprovedCommit
from ostiary.pipeline.registered import Registered
from ostiary.server import own_rooms
from ostiary.server.lineage.chain import lineage_of
from ostiary.testing.console import FakeBrowser
from ostiary.testing.model_scene import NAME, ModelScene
from ostiary.testing.pipeline_records import PipelineHistory

People = Callable[..., FakeBrowser]


@pytest.fixture(scope="module")
def start_server(start_server: Callable[..., Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_rooms, "open_models", opened)
        yield start_server


@pytest.fixture(scope="module")
def history(server: Any) -> PipelineHistory:
    made = PipelineHistory(server.house)
    made.token()
    made.run("run_good")
    made.run("run_refused", phases=("refused",), code="training_denied", reasons=["no-grant"])
    made.run("run_lost", phases=("began",))
    made.run("run_far", phases=("granted", "began"), sandbox="kubernetes", told_by="ci_job:x")
    return made


def test_every_run_has_one_row_and_its_state(people: People, history: PipelineHistory) -> None:
    page = people("developer").get("/pipelines").text
    for run in ("run_good", "run_refused", "run_lost", "run_far"):
        assert page.count(f'<tr data-href="/sandboxes/{run}">') == 1, run
    assert "training_denied" in page
    assert "never came back, or runs" in page
    assert "repo:acme/churn" in page
    assert page.index("run_far") < page.index("run_good"), "newest first"


def test_pages_neither_repeat_nor_hide_a_run(server: Any, people: People, history: PipelineHistory) -> None:
    seen, below = list[str](), None
    while True:
        path = "/tenants/default/training/runs"
        told = server.admin("GET", path, params={"limit": 1, **({"below": below} if below else {})}).json()
        seen += [one["run"]["run"] for one in told["runs"]]
        below = told["next"]
        if below is None:
            break
    assert seen == ["run_far", "run_lost", "run_refused", "run_good"]


def test_a_sandbox_tells_whom_it_called(server: Any, people: People, history: PipelineHistory) -> None:
    page = people("auditor").get("/sandboxes/run_good").text
    for text in ("evil.example", "egress_denied", "asked for <bdi>registry.example", "not approved", "31", "90,000"):
        assert text in page, text
    now, issuer = server.house.clock.now_ns(), "https://token.actions.githubusercontent.com"
    approval = ApprovedCommit("c" * 40, issuer, "42", "signature", "dora", now, now + 86_400 * 10**9)
    server.house.commits.approve("default", approval)
    assert "by the signature of <bdi>dora" in people("auditor").get("/sandboxes/run_good").text
    for unknown in ("run_none", "run_good-began", "x" * 300, "%2e%2e"):
        assert people("auditor").get(f"/sandboxes/{unknown}").status_code == 404
    assert people("owner", "acme").get("/sandboxes/run_good").status_code == 404
    assert "run_good" not in people("owner", "acme").get("/pipelines").text


def test_tokens_are_filtered(people: People, history: PipelineHistory) -> None:
    history.token(identifier="other", subject="service:x")
    owner = people("owner")
    assert "jti_default_1" in owner.get("/pipelines?resource=sales").text
    assert "jti_default_1" not in owner.get("/pipelines?resource=other").text
    assert "service:x" in owner.get("/pipelines?subject=service:x").text
    assert "No token" in owner.get("/pipelines?subject=nobody").text
    assert owner.get("/pipelines?tokens=x").status_code == 400


def test_hostile_words_of_a_run_stay_words(people: People, history: PipelineHistory) -> None:
    bad = "<script>alert(1)</script>{{7*7}}\u202e"
    history.token(subject=f"ci_job:{bad}", identifier=bad)
    history.run(
        "run_<b>bad</b>",
        pipeline=bad,
        command=[bad],
        sandbox=bad,
        commit=bad,
        connections=[
            {"at_ns": 1, "verdict": bad, "host": bad, "port": 1, "sni": "javascript:alert(1)", "address": bad}
            | {"bytes_up": 0, "bytes_down": 0, "duration_ms": 0}
        ],
        datasets=[{"name": bad, "digest": bad, "producer": bad}],
    )
    for path in ("/pipelines", "/sandboxes/run_%3Cb%3Ebad%3C%2Fb%3E"):
        page = people("owner").get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<b>bad" not in page.text
        assert "\u202e" not in page.text
        assert "}}49" not in page.text


def test_where_a_model_comes_from(
    server: Any, people: People, history: PipelineHistory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    house = server.house
    scene = ModelScene(house.log, house.store.models, house.clock, tmp_path_factory.mktemp("scene"))
    house.places.people.mkdir(parents=True, exist_ok=True)
    (house.places.people / "default.yaml").write_text(scene.cast.text())
    version = scene.register(b"one")
    scene.promote(version)
    spec = {"model": version.digest}
    house.registry.put("default", Registered(type="endpoint", id="score", spec=spec), house.clock.now_ns())
    found = lineage_of(house, "default", NAME)
    assert {one.kind for one in found.nodes} >= {"model", "endpoint", "dataset"}
    assert ("fraud version 1", "endpoint score") in {(one.source, one.target) for one in found.links}
    page = people("developer").get(f"/pipelines/lineage?model={NAME}").text
    assert 'data-chart="lineage"' in page
    assert "endpoint score" in page
    assert people("developer").get("/pipelines/lineage").status_code == 200
    assert people("developer").get("/pipelines/lineage?model=none").status_code == 404
    assert people("developer").get("/pipelines/lineage?model=%3Cscript%3E").status_code == 404
    assert people("owner", "acme").get(f"/pipelines/lineage?model={NAME}").status_code == 404


def test_the_whole_chain_from_identity_to_endpoint(server: Any, history: PipelineHistory, monkeypatch: Any) -> None:
    house, asked = server.house, "ci_job:github:owner:9919:repository:42"
    versions = house.models.journal.versions("default", NAME)
    origin = msgspec.structs.replace(versions[0].origin, run="run_good")
    told = msgspec.structs.replace(versions[0], origin=origin)
    monkeypatch.setattr(type(house.models.journal), "version", lambda *_: told)
    monkeypatch.setattr("ostiary.server.lineage.runs.DecidedRuns.asked_by", lambda *_: asked)
    found = lineage_of(house, "default", NAME)
    chain = {(one.source.split()[0], one.target.split()[0]) for one in found.links}
    wanted = {("ci:repo:acme/churn", "token"), ("token", "dataset"), ("dataset", "run"), ("run", "fraud")}
    assert wanted <= chain
    assert all(one.known_by for one in found.links)
