"""The door of models under the bundle that is shipped: who may do what with a model, as the guardrails tell it."""

import shutil
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.stories.test_model_door import Door, opened

from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.registered import Registered
from ostiary.server import own_rooms
from ostiary.testing.model_scene import NAME

PUBLIC = "http://pdp.example"
BASE = f"/pipeline/default/models/{NAME}"
CATALOGUE = """
subjects:
  - {type: ci_job, id: train}
  - {type: service, id: dora}
  - {type: user, id: paul, groups: [release-managers]}
  - {type: user, id: tess, groups: [release-managers]}
  - {type: user, id: ulla, groups: [developers]}
"""
MFA = {"acr": "urn:ostiary:acr:mfa"}


class Shipped(Door):
    """The door with the shipped bundle, and people with several factors."""

    def send(self, who: Any, method: str, path: str, action: str, **more: Any) -> httpx.Response:
        detail = AccessDetail("ostiary_model", NAME, (action,), stage=more.pop("stage", ""))
        origin = {"iss": "https://idp.example", "sub_type": who.subject_type, "sub": who.subject_id, "claims": {}}
        factors = {**MFA, "auth_time": self.house.clock.now_ns() // 10**9} if who.subject_type == "user" else {}
        token = who.token(detail, origin=origin, more=factors)
        headers = who.headers(method, PUBLIC + path.partition("?")[0], token)
        answer: httpx.Response = self.server.client.request(method, path, headers=headers, **more)
        return answer


@pytest.fixture(scope="module")
def door(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_rooms, "open_models", opened)
        server = start_server(server={"public_url": PUBLIC, "deadline_ms": 5_000})
    places = server.house.places
    shutil.rmtree(places.bundle("default"))
    places.catalogue("default").write_text(CATALOGUE)
    server.house.knowledge._catalogues.clear()  # it would be looked at again in a second
    server.house.policies.load("default")
    server.house.registry.put("default", Registered(type="model", id=NAME, sensitivity=2), 1)
    return Shipped(server, tmp_path_factory.mktemp("scene"))


def denied(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 403, answer.text
    return {one.removeprefix("rule:") for one in answer.json()["reasons"]}


def test_each_does_its_own_part_and_no_other(door: Shipped) -> None:
    version = door.register()
    body = door.promotion(version["version"])
    assert "no_allow_rule" in denied(door.promote(body, door.trainer))
    assert "no_allow_rule" in denied(door.promote(body, door.deployer))
    assert "no_allow_rule" in denied(door.promote(body, door.stage("user", "ulla")))
    assert "model-own-work" in denied(door.promote(body, door.stage("user", "tess")))
    assert door.promote(body).status_code == 200
    assert door.load().status_code == 200
    assert door.file().status_code == 200
    assert "no_allow_rule" in denied(door.load(door.trainer))
    assert {"model-deployer"} <= denied(door.load(door.promoter))
    begun = door.send(door.deployer, "POST", f"{BASE}/uploads", "model.register")
    assert "no_allow_rule" in denied(begun)


def test_nobody_whom_the_catalogue_does_not_know(door: Shipped) -> None:
    assert "no_allow_rule" in denied(door.load(door.stage("service", "stranger")))


def test_stages_and_states_are_policys(door: Shipped) -> None:
    version = door.register()
    body = door.promotion(version["version"], stage="canary")
    assert denied(door.promote(body)) == {"model-stage-order"}
    unknown = {**body, "stage": "prod"}
    assert denied(door.promote(unknown)) == {"model-stage-unknown"}
    broken = {**door.promotion(version["version"]), "report": "e30="}
    assert denied(door.promote(broken)) == {"model-report"}
    assert denied(door.load(stage="staging")) == {"model-unusable"}


def test_a_person_without_an_attested_device_stays_off_critical_models(door: Shipped) -> None:
    version = door.register()
    critical = Registered(type="model", id=NAME, sensitivity=2, critical=True)
    door.house.registry.put("default", critical, 2)
    try:
        assert "model-critical-device" in denied(door.promote(door.promotion(version["version"])))
    finally:
        door.house.registry.put("default", Registered(type="model", id=NAME, sensitivity=2), 3)


def test_a_model_that_nobody_made_known_is_unknown(door: Shipped) -> None:
    door.house.registry.remove("default", "model", NAME)
    try:
        answer = door.send(door.trainer, "POST", f"{BASE}/uploads", "model.register")
        assert "unknown-resource" in denied(answer)
    finally:
        door.house.registry.put("default", Registered(type="model", id=NAME, sensitivity=2), 4)
