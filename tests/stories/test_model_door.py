"""The door of models over real HTTP: each stage of a pipeline with its own token, and what each of them cannot do."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.keys import random_bytes, sha256_hex
from ostiary.pipeline.registered import Registered
from ostiary.pipeline.registry.journal import event_of
from ostiary.pipeline.registry.model import Event
from ostiary.server import own_rooms
from ostiary.server.models import Models, assemble
from ostiary.testing.model_scene import NAME, STAGE, AllDatasets, FakeInspector, FakeReleases, ModelScene, SomeRuns
from ostiary.testing.pipeline import PipelineCaller

PUBLIC = "http://pdp.example"
BASE = f"/pipeline/default/models/{NAME}"
GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if {
    input.resource.known == true
    input.subject.identity.exchanged == true
}
deny contains {"rule": "shut"} if input.resource.properties.state == "quarantined"
decision := {"allow": allow, "deny": deny}
"""


def opened(*given: Any) -> Models:
    """Open the registry as the server does, but with signatures that need no library."""
    places, settings, store, log, _, clock, *_ = given
    from ostiary.pipeline.registry.folder_blobs import FolderBlobs  # noqa: PLC0415
    from ostiary.pipeline.registry.journal import Journal  # noqa: PLC0415
    from ostiary.pipeline.registry.people import PeopleFolder  # noqa: PLC0415
    from ostiary.pipeline.registry.staging import Staging  # noqa: PLC0415

    return assemble(
        settings,
        log=log,
        book=store.models,
        people=PeopleFolder(places.people),
        journal=Journal(log, store.models, clock),
        blobs=FolderBlobs(places.registry / "blobs"),
        staging=Staging(places.registry / "staging", settings.staging(), clock.now_ns),
        inspector=FakeInspector(),
        releases=FakeReleases(),
        datasets=AllDatasets(),
        runs=SomeRuns(),
        clock=clock,
    )


class Door:
    """The door, and everybody who comes to it."""

    def __init__(self, server: Any, root: Path) -> None:
        self.server, self.house = server, server.house
        self.scene = ModelScene(self.house.log, self.house.store.models, self.house.clock, root)
        self.people = self.house.places.people / "default.yaml"
        self.people.parent.mkdir(parents=True, exist_ok=True)
        self.people.write_text(self.scene.cast.text())
        self.trainer = self.stage("ci_job", "train")
        self.promoter = self.stage("user", "paul")
        self.deployer = self.stage("service", "dora")

    def stage(self, kind: str, name: str, **more: Any) -> PipelineCaller:
        return PipelineCaller(self.house.ring, self.house.clock, PUBLIC, subject_type=kind, subject_id=name, **more)

    def send(self, who: PipelineCaller, method: str, path: str, action: str, **more: Any) -> httpx.Response:
        stage = more.pop("stage", "")
        model = more.pop("model", NAME)
        detail = AccessDetail("ostiary_model", model, (action,), stage=stage)
        headers = who.headers(method, PUBLIC + path.partition("?")[0], who.token(detail))
        response: httpx.Response = self.server.client.request(
            method, path, headers={**headers, **more.pop("headers", {})}, **more
        )
        return response

    def begin(self, who: PipelineCaller | None = None) -> str:
        answer = self.send(who or self.trainer, "POST", f"{BASE}/uploads", "model.register")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["upload"])

    def put(self, upload: str, path: str, content: Any, who: PipelineCaller | None = None) -> httpx.Response:
        place = f"{BASE}/uploads/{upload}/files/{path}"
        return self.send(who or self.trainer, "PUT", place, "model.register", content=content)

    def documents(self, content: bytes, **more: Any) -> dict[str, Any]:
        folder = self.scene.folder(content)
        signed = self.scene.documents(folder, **more)
        return {name: b64encode(data).decode() for name, data in signed.items()}

    def finish(self, upload: str, body: dict[str, Any], who: PipelineCaller | None = None) -> httpx.Response:
        place = f"{BASE}/uploads/{upload}/register"
        return self.send(who or self.trainer, "POST", place, "model.register", json=body)

    def register(self, content: bytes | None = None) -> dict[str, Any]:
        content = content or random_bytes(16)
        upload = self.begin()
        assert self.put(upload, "weights/model.bin", content).status_code == 201
        answer = self.finish(upload, self.documents(content))
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def promotion(self, version: int, **more: Any) -> dict[str, Any]:
        found = self.house.models.journal.version("default", NAME, version)
        asked = self.scene.approved(self.scene.asked(found, **more))
        report, approval = (b64encode(one).decode() for one in (asked.report, asked.approval))
        return {"version": version, "stage": asked.stage, "report": report, "approval": approval}

    def promote(self, body: dict[str, Any], who: PipelineCaller | None = None, **more: Any) -> httpx.Response:
        given = {"stage": body["stage"], **more}
        return self.send(who or self.promoter, "POST", f"{BASE}/promote", "model.promote", json=body, **given)

    def load(self, who: PipelineCaller | None = None, stage: str = STAGE, **more: Any) -> httpx.Response:
        given = {"stage": stage, **more}
        return self.send(who or self.deployer, "POST", f"{BASE}/load", "model.load", json={"stage": stage}, **given)

    def file(self, path: str = "weights/model.bin", *, stage: str = STAGE, digest: str = "") -> httpx.Response:
        place = f"{BASE}/files/{path}?stage={stage}&digest={digest}"
        return self.send(self.deployer, "GET", place, "model.load", stage=stage)

    def events(self) -> list[Event]:
        found = [event_of(one) for one in self.house.log.iterate("default", "model")]
        return [one for one in found if one is not None]


@pytest.fixture(scope="module")
def door(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Door:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_rooms, "open_models", opened)
        server = start_server(
            guardrails=GUARDRAILS,
            server={"public_url": PUBLIC, "deadline_ms": 5_000},
            models={"max_upload_mb": 8, "max_uploads": 8},
        )
    server.house.registry.put("default", Registered(type="model", id=NAME), 1)
    return Door(server, tmp_path_factory.mktemp("scene"))


@pytest.fixture
def live(door: Door) -> dict[str, Any]:
    """A version that is live in production."""
    version = door.register()
    answer = door.promote(door.promotion(version["version"]))
    assert answer.status_code == 200, answer.text
    return {**version, **answer.json()}


def told(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_from_training_to_serving_each_step_is_a_decision(door: Door) -> None:
    content = random_bytes(3 << 20)
    version = door.register(content)
    promoted = door.promote(door.promotion(version["version"])).json()
    ticket = door.load().json()
    got = door.file(digest=ticket["digest"])
    assert (got.status_code, got.content == content) == (200, True)
    assert sha256_hex(got.content) == got.headers["x-ostiary-sha256"]
    by_id = {record.receipt.decision_id: record for record in door.server.records()}
    steps = [by_id[one] for one in (version["decision_id"], promoted["decision_id"], ticket["decision_id"])]
    assert [record.pep for record in steps] == ["ostiary:models"] * 3
    inputs = [msgspec.json.decode(bytes(record.input)) for record in steps]
    assert [one["action"]["name"] for one in inputs] == ["model.register", "model.promote", "model.load"]
    assert [one["subject"]["id"] for one in inputs] == ["train", "paul", "dora"]
    assert inputs[1]["resource"]["properties"]["metrics"] == {"auc": 0.91}
    assert inputs[2]["resource"]["properties"]["promoted_by"] == "user:paul"
    assert "ci_job:train" in inputs[2]["resource"]["properties"]["trainers"]
    assert [one.action for one in door.events()][-3:] == ["register", "promote", "load"]


def test_each_stage_reaches_what_its_token_names_and_no_more(door: Door, live: dict[str, Any]) -> None:
    body, show = door.promotion(live["version"]), {"stage": STAGE}
    tries = {
        "token_other_stage": lambda: door.promote(body, stage="staging"),
        "token_other_resource": lambda: door.promote(body, model="churn"),
        "token_other_action": lambda: door.send(door.trainer, "POST", f"{BASE}/load", "model.register", json=show),
    }
    for why, act in tries.items():
        answer = act()
        assert (answer.status_code, answer.json()["reasons"]) == (403, [why])
        assert door.server.records()[-1].refusal == why


def test_without_a_token_nobody_learns_what_there_is(door: Door, live: dict[str, Any]) -> None:
    codes = {
        told(door.server.client.post(f"/pipeline/{tenant}/models/{name}/load", json={"stage": STAGE}))
        for tenant, name in (("default", NAME), ("default", "never"), ("beta", NAME))
    }
    assert codes == {(401, "token_missing")}  # nor which tenants there are
    key = {"Authorization": f"Bearer {door.server.pep_key}"}
    answer = door.server.client.post(f"{BASE}/load", json={"stage": STAGE}, headers=key)
    assert told(answer) == (401, "api_key_not_enough")
    assert live["version"]


def test_another_tenants_token_opens_nothing_here(door: Door, live: dict[str, Any]) -> None:
    stranger = door.stage("service", "dora", tenant="beta")
    assert door.load(stranger).status_code == 401
    assert live["counter"]


def test_an_upload_is_its_callers_own(door: Door) -> None:
    upload = door.begin()
    other = door.stage("ci_job", "other")
    assert told(door.put(upload, "a.bin", b"x", other)) == (404, "upload_unknown")
    assert told(door.finish(upload, door.documents(b"x"), other)) == (404, "upload_unknown")
    assert told(door.put("upl_" + "0" * 26, "a.bin", b"x")) == (404, "upload_unknown")
    assert told(door.put("upl_x", "a.bin", b"x")) == (404, "upload_unknown")
    answer = door.send(door.trainer, "DELETE", f"{BASE}/uploads/{upload}", "model.register")
    assert answer.status_code == 204
    assert told(door.put(upload, "a.bin", b"x")) == (404, "upload_unknown")


@pytest.mark.parametrize(
    "path", ["%2e%2e/x", "a//b", ".hidden", "a/%2e%2e/b", "a" * 200, "a/b/c/d/e/f/g/h/i", "a%00", "a\\b"]
)
def test_a_file_lies_inside_the_upload_or_nowhere(door: Door, path: str) -> None:
    upload = door.begin()
    try:
        answer = door.put(upload, path, b"x")
        assert answer.status_code in {400, 401, 404}, answer.text
        files = list((door.house.places.registry / "staging").rglob("files/*"))
        assert not files
    finally:
        door.send(door.trainer, "DELETE", f"{BASE}/uploads/{upload}", "model.register")


def test_a_file_comes_once_and_an_upload_is_bounded(door: Door) -> None:
    upload = door.begin()
    assert door.put(upload, "a.bin", b"x").status_code == 201
    assert told(door.put(upload, "a.bin", b"y")) == (409, "upload_file_exists")
    assert told(door.put(upload, "b.bin", bytes(9 << 20))) == (413, "body_too_large")
    pieces = (bytes(1 << 20) for _ in range(20))
    assert door.put(upload, "c.bin", pieces).status_code == 413
    assert told(door.put(upload, "d.bin", bytes(8 << 20))) == (413, "upload_too_large")
    assert not list((door.house.places.registry / "staging").rglob("parts/*"))
    door.send(door.trainer, "DELETE", f"{BASE}/uploads/{upload}", "model.register")


def test_uploads_at_a_time_are_bounded(door: Door) -> None:
    uploads = [door.begin() for _ in range(4)]
    answer = door.send(door.trainer, "POST", f"{BASE}/uploads", "model.register")
    assert told(answer) == (429, "uploads_too_many")
    for upload in uploads:
        door.send(door.trainer, "DELETE", f"{BASE}/uploads/{upload}", "model.register")


def test_verifying_waits_in_a_line_of_its_own_that_ends(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = door.begin()
    monkeypatch.setattr("ostiary.server.model_door.visit.HEAVY_WAITING", 0)
    answer = door.finish(upload, door.documents(b"x"))
    assert told(answer) == (503, "overloaded")
    door.send(door.trainer, "DELETE", f"{BASE}/uploads/{upload}", "model.register")


def test_what_is_not_what_was_signed_is_refused_recorded_and_erased(door: Door) -> None:
    upload = door.begin()
    door.put(upload, "weights/model.bin", b"poisoned")
    answer = door.finish(upload, door.documents(b"clean"))
    assert told(answer) == (422, "artifact_modified")
    event = door.events()[-1]
    assert (event.action, event.code) == ("register.refused", "artifact_modified")
    assert door.server.records()[-1].receipt.decision_id == event.decision_id
    assert told(door.put(upload, "more.bin", b"x")) == (404, "upload_unknown")


def test_a_dry_run_leaves_the_upload_as_it_is(door: Door) -> None:
    content = random_bytes(8)
    upload = door.begin()
    door.put(upload, "weights/model.bin", content)
    dry = door.finish(upload, {**door.documents(content), "dry": True})
    assert (dry.status_code, dry.json()["version"]) == (200, 0)
    assert door.finish(upload, door.documents(content)).json()["version"] > 0


def test_the_trainer_does_not_promote_by_any_name_of_hers(door: Door) -> None:
    version = door.register()
    tess = door.stage("user", "tess")
    assert told(door.promote(door.promotion(version["version"]), tess)) == (403, "promoter_own_work")
    assert told(door.promote(door.promotion(version["version"]), door.trainer)) == (403, "promoter_own_work")
    assert door.events()[-1].code == "promoter_own_work"


def test_whose_token_was_exchanged_is_a_name_too(door: Door) -> None:
    version = door.register()
    origin = {"iss": "https://idp.example", "sub_type": "user", "sub": "tess", "claims": {}}
    detail = AccessDetail("ostiary_model", NAME, ("model.promote",), stage=STAGE)
    robot = door.stage("service", "robot")
    headers = robot.headers("POST", f"{PUBLIC}{BASE}/promote", robot.token(detail, origin=origin))
    answer = door.server.client.post(f"{BASE}/promote", json=door.promotion(version["version"]), headers=headers)
    assert told(answer) == (403, "promoter_own_work")


def test_a_replayed_approval_is_refused_over_http_too(door: Door, live: dict[str, Any]) -> None:
    first, second = door.register(), door.register()
    body = door.promotion(first["version"])
    assert told(door.promote({**body, "version": second["version"]})) == (403, "report_other_model")
    other = door.promotion(second["version"])
    assert told(door.promote({**other, "approval": body["approval"]})) == (403, "approval_other_digest")
    assert live["version"]


def test_a_quarantined_model_is_denied_by_policy_and_by_the_registry(door: Door, live: dict[str, Any]) -> None:
    from ostiary.testing.model_scene import PROMOTER  # noqa: PLC0415

    door.house.models.warden.quarantine("default", NAME, live["version"], PROMOTER, "backdoor")
    answer = door.load()
    assert (answer.status_code, answer.json()["reasons"]) == (403, ["no_allow_rule", "rule:shut"]) or (
        "rule:shut" in answer.json()["reasons"]
    )
    door.promote(door.promotion(door.register()["version"]))
    assert door.load().status_code == 200


def test_a_file_of_the_version_begun_with_or_none(door: Door, live: dict[str, Any]) -> None:
    assert told(door.file(digest="sha256:" + "0" * 64)) == (409, "model_changed")
    assert told(door.file("weights/none.bin")) == (404, "model_file_unknown")
    assert told(door.file(stage="canary")) == (404, "model_not_live")
    assert door.file(digest=live["digest"]).status_code == 200


def test_a_swapped_file_never_arrives_whole(door: Door) -> None:
    content = random_bytes(5 << 20)
    version = door.register(content)
    assert door.promote(door.promotion(version["version"])).status_code == 200
    file = door.house.models.journal.version("default", NAME, version["version"]).files[0]
    place = door.house.models.blobs._place("default", file.sha256)
    place.chmod(0o600)
    place.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(httpx.HTTPError):
        door.file()
    assert (door.events()[-1].action, door.events()[-1].code) == ("load.refused", "model_file_swapped")


def test_history_is_told_by_the_door(door: Door, live: dict[str, Any]) -> None:
    at = live["since_ns"]
    answer = door.send(door.deployer, "GET", f"{BASE}/history?stage={STAGE}&at={at}", "model.read").json()
    assert (answer["number"], answer["loadable"]) == (live["version"], True)
    events = door.send(door.deployer, "GET", f"{BASE}/history", "model.read").json()["events"]
    assert events[-1]["action"] == "promote"
    shown = door.send(door.deployer, "GET", BASE, "model.read").json()
    assert {one["stage"]: one["version"] for one in shown["live"]}[STAGE] == live["version"]
    odd = door.send(door.deployer, "GET", f"{BASE}/history?stage={STAGE}&at=²", "model.read")
    assert told(odd) == (400, "request_invalid")


def test_what_an_approval_must_say_is_told(door: Door) -> None:
    version = door.register()
    body = door.promotion(version["version"])
    answer = door.send(door.promoter, "POST", f"{BASE}/wanted", "model.read", json=body).json()
    assert (answer["digest"], answer["stage"], answer["version"]) == (version["digest"], STAGE, version["version"])
    assert "own" not in answer


def test_paths_that_are_none_of_ours(door: Door) -> None:
    for path in ("/pipeline/default/models", f"{BASE}/nothing", f"{BASE}/uploads/upl_x/nothing", f"{BASE}/history/x"):
        assert told(door.server.client.get(path)) == (404, "not_found")
    for path in ("load/x", "uploads/upl_x/register/more", "uploads/upl_x"):
        assert door.server.client.post(f"{BASE}/{path}").status_code in {404, 405}
    assert told(door.server.client.get(f"{BASE}/files")) == (404, "not_found")
    assert told(door.server.client.get(f"{BASE}/load")) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "body", [{}, {"stage": 1}, {"stage": "x", "more": 1}, {"version": 1, "stage": STAGE, "report": "%%"}]
)
def test_bodies_that_cannot_be_meant(door: Door, body: dict[str, Any]) -> None:
    answer = door.send(door.promoter, "POST", f"{BASE}/promote", "model.promote", json=body, stage=STAGE)
    assert told(answer) == (400, "request_invalid")
