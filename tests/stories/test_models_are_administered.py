"""Administrators and models: they see everything of their tenant, and can only shut out, never let in."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.stories.test_model_door import opened

from ostiary.pipeline.registry.journal import event_of
from ostiary.server import own_rooms
from ostiary.testing.model_scene import NAME, STAGE, ModelScene

BASE = f"/tenants/default/models/{NAME}"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_rooms, "open_models", opened)
        return start_server(server={"deadline_ms": 5_000})


@pytest.fixture(scope="module")
def scene(server: Any, tmp_path_factory: pytest.TempPathFactory) -> ModelScene:
    house = server.house
    made = ModelScene(house.log, house.store.models, house.clock, tmp_path_factory.mktemp("scene"))
    house.places.people.mkdir(parents=True)
    (house.places.people / "default.yaml").write_text(made.cast.text())
    made.promote(made.register(b"one"))
    made.promote(made.register(b"two"))
    return made


def test_what_there_is_and_was(server: Any, scene: ModelScene) -> None:
    assert server.admin("GET", "/tenants/default/models").json() == [{"model": NAME, "versions": 2, "live": {STAGE: 2}}]
    shown = server.admin("GET", BASE).json()
    assert [one["version"] for one in shown["versions"]] == [1, 2]
    assert "trainer" not in shown["versions"][0]
    events = server.admin("GET", f"{BASE}/history").json()
    assert [one["action"] for one in events] == ["register", "promote", "register", "promote"]
    first = events[1]["at_ns"]
    at = [server.admin("GET", f"{BASE}/stages/{STAGE}/live", params={"at_ns": at}).json() for at in (first, first - 1)]
    assert [(one["number"], one["loadable"]) for one in at] == [(1, True), (0, False)]
    assert server.admin("GET", f"{BASE}/stages/{STAGE}/live").json()["number"] == 2
    assert scene.load().version.number == 2


def test_what_is_not_there(server: Any) -> None:
    for path in ("/tenants/default/models/churn", "/tenants/beta/models", f"/tenants/beta/models/{NAME}"):
        assert server.admin("GET", path).status_code == 404
    for path in (f"{BASE}/versions/9/quarantine", f"{BASE}/versions/9/retire"):
        assert server.admin("POST", path, json={}).json()["code"] == "model_version_unknown"
    for path in (f"{BASE}/versions/{2**70}/retire", "/tenants/default/models/UPPER/versions/1/retire"):
        assert server.admin("POST", path, json={}).status_code == 400


def test_a_model_is_made_known(server: Any) -> None:
    body = {"name": "churn", "sensitivity": 3, "critical": True, "owner": "user:tess"}
    assert server.admin("POST", "/tenants/default/models", json=body).status_code == 201
    found = server.house.registry.get("default", "model", "churn")
    assert (found.sensitivity, found.critical, found.owner) == (3, True, "user:tess")
    assert server.admin("POST", "/tenants/default/models", json={"name": "../x"}).status_code == 400


def test_shutting_out_is_one_persons_word_and_on_record(server: Any, scene: ModelScene) -> None:
    approval = next(one["approval"] for one in server.admin("GET", f"{BASE}/history").json()[::-1] if "approval" in one)
    revoke = {"approval": approval, "why": "bob was phished"}
    assert server.admin("POST", f"{BASE}/approvals/revoke", json=revoke).status_code == 204
    again = server.admin("POST", f"{BASE}/approvals/revoke", json=revoke)
    assert (again.status_code, again.json()["code"]) == (409, "approval_revoked")
    shut = server.admin("POST", f"{BASE}/versions/2/quarantine", json={"why": "a backdoor"})
    assert (shut.status_code, shut.json()["state"]) == (200, "quarantined")
    assert server.admin("POST", f"{BASE}/versions/2/quarantine", json={}).status_code == 409
    gone = server.admin("POST", f"{BASE}/stages/{STAGE}/withdraw", json={"why": "incident 7"})
    assert (gone.status_code, gone.json()["version"]) == (200, 0)
    assert server.admin("POST", f"{BASE}/versions/1/retire", json={}).json()["state"] == "retired"
    told = [event_of(one) for one in server.house.log.iterate("default", "model")]
    deeds = {one.action: one.decision_id for one in told if one is not None and one.action in {"quarantine", "revoke"}}
    assert {server.house.log.get("default", name).kind for name in deeds.values()} == {"admin"}
    with pytest.raises(Exception, match="no version"):
        scene.load()
