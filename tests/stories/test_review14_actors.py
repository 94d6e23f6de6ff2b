"""Review 14: what somebody acts with is over when that somebody is, narrowed or not, and however long it would live."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ostiary.pipeline.registered import Registered
from ostiary.server.analyst.reading import session_named
from ostiary.server.analyst.revoked import revoked_of
from ostiary.server.datasets.parts import open_datasets
from ostiary.sessions import Asked as Access
from ostiary.sessions import handle_of
from ostiary.testing.exchange import JWT, ExchangeCaller
from ostiary.testing.exchange_scene import PEOPLE, PUBLIC, sections


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


PATH = "/pipeline/default/datasets/sales/objects/a.bin"


class Scene:
    def __init__(self, server: Any) -> None:
        self.server, self.house, self.stage = server, server.house, ExchangeCaller(server.house.clock, PUBLIC)

    def person(self, **claims: Any) -> str:
        return PEOPLE.token(time.time_ns(), **claims)  # noqa: TID251 - the server's own clock judges it

    def exchange(self, source: str, actor: str = "") -> httpx.Response:
        form = {"actor_token": actor, "actor_token_type": JWT} if actor else {}
        answer: httpx.Response = self.server.client.post(**self.stage.request(source, **form))
        return answer

    def token(self, source: str, actor: str = "") -> str:
        answer = self.exchange(source, actor)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def read(self, token: str) -> tuple[int, list[str]]:
        headers = {"Authorization": f"DPoP {token}", "DPoP": self.stage.proof(PATH, method="GET", token=token)}
        answer = self.server.client.get(PATH, headers=headers)
        return answer.status_code, [] if answer.status_code == 200 else answer.json().get("reasons", [])

    def active(self, token: str) -> bool:
        headers = {"Authorization": f"Bearer {self.server.pep_key}"}
        told = self.server.client.post("/oauth/default/introspect", data={"token": token}, headers=headers)
        return bool(told.json()["active"])


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    lake = tmp_path_factory.mktemp("lake").resolve()
    (lake / "a.bin").write_bytes(b"x")
    told = sections(tmp_path_factory.mktemp("keys"), datasets={"roots": [str(lake)]})
    scene = Scene(start_server(**told))
    book = open_datasets(scene.house).book
    book.register("default", book.prepared(Registered(type="dataset", id="sales", spec={"store": f"file://{lake}"})))
    return scene


def test_a_token_is_over_when_whoever_acts_with_it_is_revoked(scene: Scene) -> None:
    token = scene.token(scene.person(sub="dave"), scene.person(sub="carol"))
    last = scene.token(token, scene.person(sub="erin"))
    assert [scene.read(one) for one in (token, last)] == [(200, []), (200, [])]
    now_ns = scene.house.clock.now_ns()
    scene.house.ledger.revoke_subject("default", "user:carol", at_ns=now_ns, reason="compromised")
    for one in (token, last):
        assert (scene.read(one), scene.active(one)) == ((403, ["subject_revoked"]), False)
    assert scene.exchange(last).status_code == 400
    assert scene.read(scene.token(scene.person(sub="dave")))[0] == 200


def test_a_token_is_over_when_the_session_of_whoever_acts_ends(scene: Scene) -> None:
    token = scene.token(scene.person(sub="dave"), scene.person(sub="frank", sid="sid-frank"))
    assert scene.read(token)[0] == 200
    scene.house.ledger.terminate("default", "sid-frank", at_ns=scene.house.clock.now_ns(), reason="signed_out")
    assert (scene.read(token), scene.active(token)) == ((403, ["session_terminated"]), False)


def test_whom_the_issuer_itself_named_as_acting_counts_as_well(scene: Scene) -> None:
    token = scene.token(scene.person(sub="dave", act={"sub": "gina"}))
    assert scene.read(token)[0] == 200
    now_ns = scene.house.clock.now_ns()
    scene.house.ledger.revoke_subject("default", "user:gina", at_ns=now_ns, reason="compromised")
    assert scene.read(token) == (403, ["subject_revoked"])


def test_what_falls_with_whoever_acts_is_listed(scene: Scene) -> None:
    token = scene.token(scene.person(sub="dave", sid="sid-dave"), scene.person(sub="hugo", sid="sid-hugo"))
    last = scene.token(token, scene.person(sub="erin", sid="sid-erin"))
    other = scene.token(scene.person(sub="dave", sid="sid-dave"), scene.person(sub="hugo", sid="sid-hugo-2"))
    now_ns = scene.house.clock.now_ns()
    scene.house.ledger.touch(Access("default", ("sid-hugo",), "user:hugo", now_ns))
    scene.house.ledger.terminate("default", "sid-hugo", at_ns=now_ns, reason="stolen")
    fell = revoked_of(scene.house, session_named(scene.house, "default", "sid-hugo"))
    assert [one.token for one in fell.tokens] == [claims_of(one)["jti"] for one in (token, last)]
    assert {one.why for one in fell.tokens} == {"is used by who acts in this session"}
    assert fell.sessions[1].session == handle_of("default", claims_of(token)["sid"])
    assert [scene.read(one)[0] for one in (token, last, other)] == [403, 403, 200]
