"""A model of high value answers people who signed in, in a living session, on an attested device, by its own key.

Each thing that lacks is refused over HTTP by the reason that names it, and the model never hears of it.
"""

from collections.abc import Iterator

import httpx
import pytest
from tests.stories.inference_scene import PUBLIC, ROW, Person, Scene, open_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    for scene in open_scene(tmp_path_factory.mktemp("valuable") / "data"):
        scene.register("fraud")
        scene.register("credit", labels=("high-value",))
        yield scene


@pytest.fixture(scope="module")
def ada(scene: Scene) -> Person:
    return Person(scene).enrol()


def refused(scene: Scene, answer: httpx.Response, status: int, *reasons: str) -> None:
    """Check who is told what, that the decision is on record, and that the model heard nothing."""
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert set(reasons) <= set(told["reasons"]), told["reasons"]
    record = scene.server.records()[-1]
    assert record.receipt.decision_id == told["decision_id"]
    assert not record.outcome.effect.permits


@pytest.fixture(autouse=True)
def heard(scene: Scene) -> Iterator[None]:
    scene.clock.ahead_s = 0.0
    yield
    scene.clock.ahead_s = 0.0


def unheard(scene: Scene) -> int:
    return len(scene.model.asked)


def test_with_everything_it_answers(scene: Scene, ada: Person) -> None:
    answer = ada.ask(endpoint="credit")
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == [0.0625]
    assert scene.inferences()[-1][1].endpoint == "credit"


def test_no_attestation(scene: Scene) -> None:
    before = unheard(scene)
    answer = Person(scene).enrol(attested=False).ask(endpoint="credit")
    refused(scene, answer, 403, "rule:high-value-attestation-required")
    assert unheard(scene) == before


def test_stale_attestation(scene: Scene, ada: Person) -> None:
    before = unheard(scene)
    scene.clock.ahead_s = 3700.0
    ada.report()
    refused(scene, ada.ask(endpoint="credit"), 403, "rule:high-value-attestation-required")
    assert unheard(scene) == before


def test_an_unknown_device(scene: Scene) -> None:
    answer = Person(scene).ask(endpoint="credit")
    refused(scene, answer, 403, "rule:high-value-attestation-required", "rule:high-value-device-bound")


def test_an_attested_device_that_is_merely_named(scene: Scene, ada: Person) -> None:
    before, thief = unheard(scene), Person(scene, "ada")  # her token leaked, her device did not
    path = scene.path("credit")
    headers = thief.headers(path) | {"Ostiary-Device": ada.voice.device_id}
    refused(scene, thief.ask(endpoint="credit", headers=headers), 403, "rule:high-value-device-bound")
    assert unheard(scene) == before


def test_a_bearer_token_from_the_attested_device(scene: Scene, ada: Person) -> None:
    headers = {"Authorization": f"Bearer {ada.token(bound=False)}", "Ostiary-Device": ada.voice.device_id}
    answer = ada.ask(endpoint="credit", headers=headers)
    refused(scene, answer, 403, "rule:high-value-device-bound")


def test_an_api_key_alone(scene: Scene) -> None:
    before, records = unheard(scene), len(scene.server.records())
    for headers in ({"Authorization": f"Bearer {scene.server.pep_key}"}, {"X-API-Key": scene.server.pep_key}, {}):
        answer = scene.post(scene.path("credit"), {"instances": [ROW]}, headers)
        assert answer.status_code == 401
        assert answer.json()["code"] in {"api_key_not_enough", "token_missing"}
        assert "token" in answer.json()["message"]
        assert answer.headers["www-authenticate"].startswith("DPoP ")
    key = {"Authorization": f"Bearer {scene.server.pep_key}"}
    told = scene.post(scene.path("credit"), {"instances": [ROW]}, key).json()
    assert told["code"] == "api_key_not_enough"
    assert "exchange your identity for a token" in told["message"]
    assert (unheard(scene), len(scene.server.records())) == (before, records)


def test_a_service_with_a_good_token(scene: Scene) -> None:
    answer = scene.ask_as_service(scene.service(), "credit", "credit")
    refused(scene, answer, 403, "rule:high-value-user-required")


def test_a_weak_sign_in_is_asked_again(scene: Scene, ada: Person) -> None:
    weak = ada.token(acr="urn:ostiary:acr:password", amr=["pwd"], sid="s-weak")
    answer = ada.ask(endpoint="credit", token=weak)
    refused(scene, answer, 401, "rule:high-value-sign-in")
    assert "insufficient_user_authentication" in answer.headers["www-authenticate"]


def test_a_token_without_a_session(scene: Scene, ada: Person) -> None:
    refused(scene, ada.ask(endpoint="credit", token=ada.token(sid=None)), 403, "rule:high-value-session-required")


def test_a_revoked_session(scene: Scene, ada: Person) -> None:
    token, before = ada.token(sid="s-revoked"), None
    assert ada.ask(endpoint="credit", token=token).status_code == 200
    before = unheard(scene)
    now_ns = scene.clock.now_ns()
    scene.house.ledger.terminate("default", "s-revoked", at_ns=now_ns, reason="signed_out")
    refused(scene, ada.ask(endpoint="credit", token=token), 403, "session_terminated")
    refused(scene, ada.ask(endpoint="credit", token=ada.token(sid="s-revoked")), 403, "session_terminated")
    assert unheard(scene) == before


def test_a_quarantined_device(scene: Scene) -> None:
    bob = Person(scene).enrol()
    device = bob.voice.device_id
    assert bob.ask(endpoint="credit", token=bob.token(sid="s-q")).status_code == 200
    answer = scene.server.admin("POST", f"/tenants/default/devices/{device}/quarantine", json={})
    assert answer.status_code < 300, answer.text
    told = bob.ask(endpoint="credit", token=bob.token(sid="s-q2"))
    assert told.status_code == 403
    assert set(told.json()["reasons"]) & {"rule:device-quarantined", "session_terminated"}


def test_an_exchanged_token_rests_on_her_session(scene: Scene, ada: Person) -> None:
    from ostiary.identity.exchange.details import AccessDetail  # noqa: PLC0415 - used here alone
    from ostiary.testing.pipeline import PipelineCaller  # noqa: PLC0415

    stage = PipelineCaller(
        scene.house.ring, scene.clock, PUBLIC, subject_type="user", subject_id="ada", holder=ada.holder
    )
    detail, path = AccessDetail("ostiary_endpoint", "credit", ("endpoint.predict",)), scene.path("credit")
    signed_in = {"acr": "urn:ostiary:acr:phishing-resistant", "auth_time": scene.clock.now_ns() // 10**9}
    for origin, status in (({"iss": "i", "sid": "s-behind"}, 200), ({"iss": "i"}, 403)):
        token = stage.token(detail, origin=origin, more=signed_in)
        answer = scene.post(path, {"instances": [ROW]}, stage.headers("POST", PUBLIC + path, token))
        assert answer.status_code == status, answer.text
    scene.house.ledger.terminate("default", "s-behind", at_ns=scene.clock.now_ns(), reason="signed_out")
    token = stage.token(detail, origin={"iss": "i", "sid": "s-behind"}, more=signed_in)
    answer = scene.post(path, {"instances": [ROW]}, stage.headers("POST", PUBLIC + path, token))
    refused(scene, answer, 403, "session_terminated")
