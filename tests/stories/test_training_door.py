"""The door to training: runs that are held elsewhere are decided here, reported by whom they were granted to, once."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from ostiary.errors import RefusedError, VerificationError
from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.training.ports import DatasetRef
from ostiary.server.training.asked import MAX_BODY
from ostiary.testing.pipeline import PipelineCaller

PUBLIC = "http://pdp.example"
CATALOGUE = """
resources:
  - {type: training, id: churn, sensitivity: 2}
  - {type: training, id: fraud, sensitivity: 2}
subjects:
  - {type: ci_job, id: "github:owner:9919:repository:42"}
  - {type: ci_job, id: "github:owner:9919:repository:43"}
"""
CHURN = AccessDetail("ostiary_training", "churn", ("train.run", "train.report"), purpose="training")
RUN = {
    "sandbox": "kubernetes",
    "command": ["python", "train.py"],
    "environment": {"name": "image", "digest": f"sha256:{'ab' * 32}"},
    "datasets": ["sales"],
}
ENDED = {"phase": "ended", "status": 0, "outputs": [{"name": "m.bin", "size": 3, "sha256": "cd" * 32}]}
PATH = "/pipeline/acme/training/churn/runs"


class Datasets:
    def verified(self, tenant, dataset):
        if dataset == "unsigned":
            raise VerificationError("manifest_untrusted", "nobody signed it")
        if (tenant, dataset) != ("acme", "sales"):
            raise RefusedError("dataset_unknown", "there is no such dataset")
        return DatasetRef("sales", f"sha256:{'ef' * 32}", "ingest")


class Scene:
    def __init__(self, server):
        self.server = server
        self.job = self.caller("github:owner:9919:repository:42")
        self.other = self.caller("github:owner:9919:repository:43")

    def caller(self, subject, tenant="acme"):
        house = self.server.house
        return PipelineCaller(house.ring, house.clock, PUBLIC, tenant=tenant, subject_id=subject)

    def post(self, path=PATH, body=RUN, *, job=None, detail=CHURN, content=None, token=None):
        caller = job or self.job
        headers = caller.headers("POST", PUBLIC + path, token or caller.token(detail))
        data = json.dumps(body) if content is None else content
        return self.server.client.post(path, content=data, headers={**headers, "Content-Type": "application/json"})

    def records(self):
        return [json.loads(one.payload) for one in self.server.house.log.iterate("acme", "training")]


@pytest.fixture(scope="module")
def scene(start_server, repo, tmp_path_factory):
    bundle = tmp_path_factory.mktemp("policies") / "bundle"
    shutil.copytree(repo / "policies", bundle)
    for test in bundle.rglob("*_test.rego"):
        test.unlink()
    data = bundle / "pipeline" / "data.yaml"
    listed = '  registries: [{host: "registry.example", port: 443}]\n  logging: [{host: "logs.example", port: 8443}]\n'
    data.write_text(data.read_text().replace("  registries: []\n  logging: []\n", listed))
    server = start_server(
        server={"public_url": PUBLIC, "deadline_ms": 20_000, "stuck_ms": 40_000}, policy={"bundle": str(bundle)}
    )
    server.house.tenants.create("acme")
    server.house.places.catalogue("acme").write_text(CATALOGUE)
    server.house.policies.load("acme")
    face = next(face for prefix, face in server.assembly.app.faces if prefix == "/pipeline/*/training")
    face._runs._datasets = Datasets()
    return Scene(server)


def code(response):
    return response.status_code, response.json()["code"]


def test_a_run_is_granted_and_told_whom_it_may_call(scene):
    response = scene.post()
    assert response.status_code == 201, response.text
    told = response.json()
    assert [f"{one['host']}:{one['port']}" for one in told["egress"]] == ["logs.example:8443", "registry.example:443"]
    assert told["datasets"] == [{"name": "sales", "digest": f"sha256:{'ef' * 32}", "producer": "ingest"}]
    record = scene.records()[-1]
    assert (record["phase"], record["run"], record["decision_id"]) == ("granted", told["run"], told["decision_id"])
    assert record["told_by"] == "ci_job:github:owner:9919:repository:42"


def test_what_is_reported_cannot_change_what_was_granted(scene):
    run = scene.post().json()["run"]
    assert scene.post(f"{PATH}/{run}", {"phase": "began", "limits": {"memory": "pod"}}).status_code == 200
    assert scene.post(f"{PATH}/{run}", ENDED).status_code == 200
    record = scene.records()[-1]
    assert (record["phase"], record["datasets"][0]["producer"], record["environment"]["name"]) == (
        "ended",
        "ingest",
        "image",
    )
    changes: list[dict[str, object]] = [{"datasets": []}, {"decision_id": "x"}, {"egress": []}, {"environment": {}}]
    for more in changes:
        assert code(scene.post(f"{PATH}/{run}", {**ENDED, **more})) == (400, "training_body_malformed")


def test_a_phase_is_told_once(scene):
    run = scene.post().json()["run"]
    before = len(scene.records())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _n: scene.post(f"{PATH}/{run}", ENDED).status_code, range(6)))
    assert sorted(found) == [200, 409, 409, 409, 409, 409]
    assert len(scene.records()) == before + 1
    assert code(scene.post(f"{PATH}/{run}", {"phase": "began"})) == (409, "training_phase_told")
    assert code(scene.post(f"{PATH}/{run}", {"phase": "refused"})) == (409, "training_phase_told")


def test_somebody_elses_run_is_one_that_never_was(scene):
    run = scene.post().json()["run"]
    never = code(scene.post(f"{PATH}/run_that_never_was", ENDED))
    fraud = AccessDetail("ostiary_training", "fraud", ("train.run", "train.report"))
    assert never == (404, "training_run_unknown")
    assert code(scene.post(f"{PATH}/{run}", ENDED, job=scene.other)) == never
    assert code(scene.post(f"/pipeline/acme/training/fraud/runs/{run}", ENDED, detail=fraud)) == never
    assert scene.post(f"{PATH}/{run}", ENDED).status_code == 200


@pytest.mark.parametrize(
    ("path", "detail", "status"),
    [
        ("/pipeline/acme/training/fraud/runs", CHURN, 403),
        (PATH, AccessDetail("ostiary_training", "fraud", ("train.run",)), 403),
        (PATH, AccessDetail("ostiary_training", "churn", ("train.report",)), 403),
        (PATH, AccessDetail("ostiary_dataset", "churn", ("train.run",)), 403),
        ("/pipeline/default/training/churn/runs", CHURN, 401),
    ],
)
def test_a_token_opens_what_it_names(scene, path, detail, status):
    before = len(scene.records())
    assert scene.post(path, detail=detail).status_code == status
    assert len(scene.records()) == before


def test_a_token_of_another_key_or_none_opens_nothing(scene):
    stolen = scene.job.token(CHURN)
    assert scene.post(job=scene.other, token=stolen).status_code == 401
    assert scene.server.client.post(PATH, json=RUN).status_code == 401
    assert scene.server.client.post(PATH, json=RUN, headers={"Authorization": f"Bearer {stolen}"}).status_code == 401


@pytest.mark.parametrize("dataset", ["unsigned", "of-another-tenant", "never-was"])
def test_a_dataset_that_is_not_proven_is_refused_and_all_alike(scene, dataset):
    response = scene.post(body={**RUN, "datasets": ["sales", dataset]})
    assert code(response) == (403, "access_denied")
    assert "rule:training-dataset" in response.json()["reasons"]


@pytest.mark.parametrize("egress", [["evil.example:443"], ["registry.example:80"], ["10.0.0.1:443"]])
def test_more_than_policy_lists_is_refused(scene, egress):
    assert scene.post(body={**RUN, "egress": egress}).status_code == 403


def test_less_can_be_asked_for(scene):
    assert scene.post(body={**RUN, "egress": []}).json()["egress"] == []
    told = scene.post(body={**RUN, "egress": ["logs.example:8443"]}).json()
    assert [one["host"] for one in told["egress"]] == ["logs.example"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b"\xff", b"[" * 9000, json.dumps({**RUN, "more": 1}),
     json.dumps({**RUN, "datasets": ["x"] * 65}),
     json.dumps({**RUN, "command": ["x" * 300]}), json.dumps({"sandbox": "kubernetes"}), "x" * (MAX_BODY + 1)],
)  # fmt: skip
def test_a_malformed_body_is_told_so(scene, content):
    assert scene.post(content=content).status_code in (400, 413)


def test_other_paths_and_methods(scene):
    assert scene.server.client.get(PATH).status_code == 405
    for path in ("/pipeline/acme/training", f"{PATH}/", f"{PATH}/a/b", "/pipeline/acme/training//runs"):
        assert scene.server.client.post(path).status_code == 404
