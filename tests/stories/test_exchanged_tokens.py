"""A job, a pod, a service or a person exchanges its identity for a token of one resource: what that is good for."""

import json
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest

from ostiary.decision.parts import Decided
from ostiary.errors import UnavailableError
from ostiary.identity.strict import b64url_decode
from ostiary.pipeline.registered import Registered
from ostiary.server.analyst.reading import session_named
from ostiary.server.analyst.revoked import revoked_of
from ostiary.server.chores import Chore
from ostiary.server.doors import Asked, Keeper, TurnedAway
from ostiary.server.faces.oauth import OauthFace
from ostiary.server.wire import Reply, Request, json_reply
from ostiary.sessions import Asked as Access
from ostiary.sessions import handle_of
from ostiary.testing.exchange import ExchangeCaller
from ostiary.testing.exchange_scene import CLUSTER, GITHUB, GITLAB, PEOPLE, PUBLIC, SPIFFE, sections
from ostiary.testing.issuer import FakeHolder
from ostiary.testing.workloads import COMMIT, OTHER_COMMIT

DOOR = "/pipeline/default/datasets/sales/2026/a"
NUMBERS = count()  # of the module: an identifier that two tests share would be a replay


class Door:
    prefixes = ("/pipeline/",)

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def chores(self) -> list[Chore]:
        return []

    async def answer(self, request: Request) -> Reply:
        _, _, tenant, _, dataset, path = request.path.split("/", 5)
        try:
            caller = await self._keeper.caller(request, tenant)
            purpose = request.query.get("purpose", "")
            asked = Asked("dataset.read", "dataset", dataset, path=path, purpose=purpose)
            await self._keeper.ask(caller, asked)
        except TurnedAway as no:
            return no.reply
        return json_reply(200, {"who": caller.identity.subject_id})


class Scene:
    def __init__(self, server: Any) -> None:
        self.server, self.house, self.client = server, server.house, server.client

    def now(self) -> int:
        return time.time_ns()  # noqa: TID251 - the server's own clock judges the tokens

    def stage(self, holder: FakeHolder | None = None) -> ExchangeCaller:
        return ExchangeCaller(self.house.clock, PUBLIC, holder=holder)

    def job(self, **claims: Any) -> str:
        return GITHUB.token(self.now(), jti=f"job-{next(NUMBERS)}", **claims)

    def exchange(self, stage: ExchangeCaller, token: str, *details: dict[str, Any], **form: Any) -> httpx.Response:
        response: httpx.Response = self.client.post(**stage.request(token, *details, **form))
        assert token not in response.text
        return response

    def token(self, stage: ExchangeCaller, *details: dict[str, Any], source: str = "", **form: Any) -> str:
        response = self.exchange(stage, source or self.job(), *details, **form)
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    def read(self, stage: ExchangeCaller, token: str, path: str = DOOR) -> httpx.Response:
        proof = stage.proof(path.partition("?")[0], method="GET", token=token)
        response: httpx.Response = self.client.get(path, headers={"Authorization": f"DPoP {token}", "DPoP": proof})
        return response

    def form(
        self, place: str, stage: ExchangeCaller | None = None, tenant: str = "default", **form: str
    ) -> httpx.Response:
        path = f"/oauth/{tenant}/{place}"
        headers = {"Authorization": f"Bearer {self.server.pep_key}"}
        if stage is not None:
            headers = {"DPoP": stage.proof(path, token=form["token"])}
        response: httpx.Response = self.client.post(path, data=form, headers=headers)
        return response

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(one.payload or b"") for one in self.house.log.iterate("default", "token")]


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    server = start_server(**sections(tmp_path_factory.mktemp("keys"), tokens={"max_bytes": 10_000}))
    desk = server.assembly._desk(server.house.settings.server, server.assembly.telemetry.metrics)
    app = server.assembly.app
    app.lead([("/pipeline", Door(desk.keeper("datasets"))), *app.faces])
    for name in ("sales", "payroll"):
        server.house.registry.put("default", Registered(type="dataset", id=name), 1)
    return Scene(server)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(b64url_decode(token.split(".")[1].encode()) or b"")
    return claims


def code(response: httpx.Response) -> tuple[int, str, str]:
    return response.status_code, response.json()["error"], response.json()["code"]


def test_a_job_gets_a_token_of_one_dataset_bound_to_its_key(scene: Scene) -> None:
    stage = scene.stage()
    response = scene.exchange(stage, scene.job(), stage.detail(prefix="2026", max_bytes=500))
    told = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert (told["token_type"], told["issued_token_type"]) == ("DPoP", "urn:ietf:params:oauth:token-type:access_token")
    assert 270 <= told["expires_in"] <= 300
    claims = claims_of(told["access_token"])
    assert (claims["iss"], claims["aud"]) == (f"{PUBLIC}/oauth/default", f"{PUBLIC}/pipeline/default")
    assert (claims["sub"], claims["sub_type"], claims["cnf"]) == (
        GITHUB.subject,
        "ci_job",
        {"jkt": stage.holder.key.jkt},
    )
    assert (claims["origin"]["iss"], claims["origin"]["claims"]["sha"]) == (GITHUB.issuer, COMMIT)
    assert "act" not in claims
    detail = {**stage.detail(prefix="2026", max_bytes=500), "commit": COMMIT}
    assert claims["authorization_details"] == told["authorization_details"] == [detail]
    assert scene.read(stage, told["access_token"]).json() == {"who": GITHUB.subject}


@pytest.mark.parametrize("fake", [GITHUB, GITLAB, CLUSTER, SPIFFE], ids=lambda fake: str(fake.kind))
def test_every_kind_of_workload_can(scene: Scene, fake: Any) -> None:
    stage = scene.stage()
    token = scene.token(stage, source=fake.token(scene.now(), jti=f"kinds-{fake.kind}"))
    assert claims_of(token)["sub"] == fake.subject.replace("kubernetes:", "prod:")


def test_the_record_says_who_got_what_and_holds_no_token(scene: Scene) -> None:
    stage, job = scene.stage(), scene.job()
    token = scene.token(stage, stage.detail(actions=["dataset.read", "dataset.list"]), source=job)
    record, claims = scene.records()[-1], claims_of(token)
    assert (record["action"], record["token_id"], record["session_id"]) == ("exchanged", claims["jti"], claims["sid"])
    assert (record["subject"], record["bound"]) == (f"ci_job:{GITHUB.subject}", {"jkt": stage.holder.key.jkt})
    assert record["exchanged_from"] == [claims_of(job)["jti"]]
    assert record["restrictions"][0] == ["resource", "dataset", "sales"]
    decisions = scene.server.records()[-2:]
    assert sorted(one.receipt.decision_id for one in decisions) == sorted(record["decisions"])
    assert {json.loads(bytes(one.input))["action"]["name"] for one in decisions} == {"dataset.read", "dataset.list"}
    assert {one.pep for one in decisions} == {"ostiary:token"}
    told = json.loads(bytes(decisions[0].input))["action"]["properties"]
    assert told == {"purpose": "training", "stage": "train", "commit": COMMIT}
    kept = b"".join(one.payload or b"" for one in scene.house.log.iterate("default"))
    assert not any(secret.encode() in kept for secret in (token, job))


# For one resource, one key, one purpose, some minutes.


def test_a_token_of_one_dataset_gets_nothing_of_another(scene: Scene) -> None:
    stage = scene.stage()
    token = scene.token(stage, stage.detail(prefix="2026"))
    for path, why in (
        ("/pipeline/default/datasets/payroll/2026/a", "token_other_resource"),
        ("/pipeline/default/datasets/sales/2025/a", "token_other_prefix"),
        ("/pipeline/default/datasets/sales/2026/../2025/a", "token_other_prefix"),
        (DOOR + "?purpose=analytics", "token_other_purpose"),
    ):
        url = httpx.URL(PUBLIC + path)
        path_sent = url.raw_path.decode()
        response = scene.read(stage, token, path_sent)
        assert (response.status_code, response.json()["reasons"]) == (403, [why])
        assert scene.server.records()[-1].refusal == why


def test_a_stolen_token_is_worthless_without_its_key(scene: Scene) -> None:
    stage, thief = scene.stage(), scene.stage()
    token = scene.token(stage)
    assert scene.read(thief, token).json()["code"] == "dpop_key_wrong"
    bearer = scene.client.get(DOOR, headers={"Authorization": f"Bearer {token}"})
    assert (bearer.status_code, bearer.json()["code"]) == (401, "dpop_proof_missing")
    assert code(scene.exchange(thief, token)) == (400, "invalid_dpop_proof", "dpop_key_wrong")


def test_a_token_never_outlives_what_it_was_exchanged_for(scene: Scene) -> None:
    stage, now = scene.stage(), scene.now() // 10**9
    response = scene.exchange(stage, scene.job(exp=now + 20))
    assert 5 <= response.json()["expires_in"] <= 20
    skewed = scene.job(iat=now - 100, nbf=now - 100, exp=now - 5)  # good by the clocks' difference, and over
    assert code(scene.exchange(stage, skewed))[2] == "access_denied"
    assert scene.server.records()[-1].refusal == "token_expired"


def test_a_job_can_name_no_commit_but_its_own(scene: Scene) -> None:
    stage = scene.stage()
    assert claims_of(scene.token(stage, stage.detail(commit=COMMIT)))["authorization_details"][0]["commit"] == COMMIT
    response = scene.exchange(stage, scene.job(), stage.detail(commit=OTHER_COMMIT))
    assert (response.status_code, response.json()["reasons"]) == (400, ["commit_not_the_jobs"])
    assert response.json()["error"] == "invalid_authorization_details"
    assert scene.server.records()[-1].refusal == "commit_not_the_jobs"


def test_budgets_are_those_asked_for_within_the_servers(scene: Scene) -> None:
    stage = scene.stage()
    for asked, given in ((None, 10_000), (500, 500), (99_999, 10_000)):
        token = scene.token(stage, stage.detail(max_bytes=asked))
        assert claims_of(token)["authorization_details"][0]["max_bytes"] == given


# Policy is asked of every action, on its own.


@pytest.mark.parametrize(
    ("detail", "error"),
    [
        ({"identifier": "payroll"}, "access_denied"),
        ({"actions": ["dataset.read", "dataset.write"]}, "access_denied"),
        ({"purpose": "advertising"}, "access_denied"),
        ({"datatypes": ["age", "salary"]}, "access_denied"),
    ],
)
def test_what_policy_denies_is_not_made(scene: Scene, detail: dict[str, Any], error: str) -> None:
    stage, before = scene.stage(), len(scene.records())
    response = scene.exchange(stage, scene.job(), stage.detail(**detail))
    told = response.json()
    assert (response.status_code, told["error"], told["code"]) == (400, error, "access_denied")
    assert told["decision_id"] in {one.receipt.decision_id for one in scene.server.records()[-2:]}
    assert "access_token" not in told
    assert len(scene.records()) == before


def test_a_step_up_is_a_challenge(scene: Scene) -> None:
    stage = scene.stage()
    response = scene.exchange(stage, scene.job(), stage.detail(stage="deploy"))
    assert (response.status_code, response.json()["error"]) == (401, "insufficient_user_authentication")
    assert "insufficient_user_authentication" in response.headers["www-authenticate"]


def test_what_another_door_will_carry_out_need_not_be_understood_here(scene: Scene) -> None:
    stage = scene.stage()
    detail = stage.detail(type="ostiary_feature_set", actions=["features.read"], datatypes=["*"])
    assert scene.exchange(stage, scene.job(), detail).status_code == 200


# Exchanged again: only ever less.


def test_a_token_can_be_narrowed_and_keeps_where_it_came_from(scene: Scene) -> None:
    stage = scene.stage()
    parent = scene.token(stage, stage.detail(actions=["dataset.read", "dataset.list"], datatypes=["a", "b"]))
    child = scene.token(
        stage,
        stage.detail(purpose=None, stage=None, datatypes=["a"], prefix="2026/", max_bytes=100),
        source=parent,
    )
    mine, before = claims_of(child), claims_of(parent)
    (detail,) = mine["authorization_details"]
    assert (detail["purpose"], detail["stage"], detail["commit"]) == ("training", "train", COMMIT)
    assert (detail["datatypes"], detail["prefix"], detail["max_bytes"]) == (["a"], "2026/", 100)
    assert (mine["origin"], mine["sub"], mine["sid"]) == (before["origin"], before["sub"], before["sid"])
    assert mine["exp"] <= before["exp"]
    assert mine["jti"] != before["jti"]
    assert scene.read(stage, child).status_code == 200
    grandchild = scene.exchange(stage, child, stage.detail(prefix="2026", datatypes=["a", "b"]))
    assert grandchild.json()["reasons"] == ["token_other_columns"]


@pytest.mark.parametrize(
    ("wider", "why"),
    [
        ({"identifier": "orders"}, "token_other_resource"),
        ({"type": "ostiary_model"}, "token_other_resource"),
        ({"actions": ["dataset.read", "dataset.list"]}, "token_other_action"),
        ({"datatypes": ["a", "c"]}, "token_other_columns"),
        ({"datatypes": ["*"]}, "token_other_columns"),
        ({"purpose": "analytics"}, "token_other_purpose"),
        ({"stage": "evaluate"}, "token_other_stage"),
        ({"commit": OTHER_COMMIT}, "token_other_commit"),
        ({"prefix": "2025"}, "token_other_prefix"),
        ({"prefix": "20"}, "token_other_prefix"),
        ({"prefix": "2026x"}, "token_other_prefix"),
        ({"max_bytes": 101}, "token_other_budget"),
        ({"max_objects": 11}, "token_other_budget"),
    ],
)
def test_nothing_can_be_widened_and_every_attempt_is_recorded(scene: Scene, wider: dict[str, Any], why: str) -> None:
    stage = scene.stage()
    narrow = {"datatypes": ["a", "b"], "prefix": "2026", "max_bytes": 100, "max_objects": 10}
    token = scene.token(stage, stage.detail(**narrow))
    response = scene.exchange(stage, token, stage.detail(**{**narrow, **wider}))
    assert (response.status_code, response.json()["reasons"]) == (400, [why])
    assert response.json()["error"] == "invalid_authorization_details"
    assert scene.server.records()[-1].refusal == why


def test_a_chain_of_exchanges_does_not_live_longer(scene: Scene) -> None:
    stage, now = scene.stage(), scene.now() // 10**9
    first = scene.token(stage, source=scene.job(exp=now + 30))
    second = scene.token(stage, source=first)
    assert claims_of(second)["exp"] <= claims_of(first)["exp"] <= now + 30


def test_narrowed_tokens_fall_together(scene: Scene) -> None:
    stage = scene.stage()
    parent = scene.token(stage)
    child = scene.token(stage, stage.detail(prefix="2026"), source=parent)
    assert scene.form("revoke", token=parent).status_code == 200
    assert scene.read(stage, child).json()["reasons"] == ["session_terminated"]
    again = scene.exchange(stage, child)
    assert (again.status_code, again.json()["reasons"]) == (400, ["session_terminated"])


def test_what_fell_with_a_session_is_listed_exactly_and_refused(scene: Scene) -> None:
    stage = scene.stage()
    mine = PEOPLE.token(scene.now(), sub="erin", sid="sid-erin", jti="erin-1", acr="urn:mfa")
    other = PEOPLE.token(scene.now(), sub="erin", sid="sid-other", jti="erin-2", acr="urn:mfa")
    token, spared = scene.token(stage, source=mine), scene.token(stage, source=other)
    scene.house.ledger.touch(Access("default", ("sid-erin",), "user:erin", scene.house.clock.now_ns()))
    scene.house.ledger.terminate("default", "sid-erin", at_ns=scene.house.clock.now_ns(), reason="stolen")
    fell = revoked_of(scene.house, session_named(scene.house, "default", "sid-erin"))
    claims = claims_of(token)
    assert [one.token for one in fell.tokens] == [claims["jti"]]
    assert fell.sessions[1].session == handle_of("default", claims["sid"])
    assert scene.read(stage, token).json()["reasons"] == ["session_terminated"]
    assert scene.read(stage, spared).status_code == 200


# Who acts for whom.


def test_an_actor_is_named_and_stays_named(scene: Scene) -> None:
    stage, jwt = scene.stage(), ExchangeCaller.form("x")["subject_token_type"]
    person = PEOPLE.token(scene.now(), sub="alice", sid="sid-alice", jti="alice-1", acr="urn:mfa")
    svid = SPIFFE.token(scene.now(), jti="actor-1")
    token = scene.token(stage, source=person, actor_token=svid, actor_token_type=jwt)
    claims = claims_of(token)
    assert (claims["sub"], claims["sub_type"], claims["acr"]) == ("alice", "user", "urn:mfa")
    assert claims["act"] == {"iss": SPIFFE.issuer, "sub": SPIFFE.subject, "sub_type": "workload"}
    assert claims["origin"]["sid"] == "sid-alice"
    told = json.loads(bytes(scene.server.records()[-1].input))["action"]["properties"]
    assert told["actor"]["sub"] == SPIFFE.subject
    pod = CLUSTER.token(scene.now(), jti="actor-2")
    second = claims_of(scene.token(stage, source=token, actor_token=pod, actor_token_type=jwt))
    assert second["act"]["sub"].startswith("prod:serviceaccount:")
    assert second["act"]["act"] == claims["act"]
    assert claims_of(scene.token(stage, source=token))["act"] == claims["act"]


def test_a_chain_of_actors_is_bounded(scene: Scene) -> None:
    stage, jwt = scene.stage(), ExchangeCaller.form("x")["subject_token_type"]
    token = scene.token(stage, source=PEOPLE.token(scene.now(), jti="chain"))
    for number in range(4):
        svid = SPIFFE.token(scene.now(), jti=f"link-{number}")
        token = scene.token(stage, source=token, actor_token=svid, actor_token_type=jwt)
    svid = SPIFFE.token(scene.now(), jti="link-5")
    last = scene.exchange(stage, token, actor_token=svid, actor_token_type=jwt)
    assert code(last) == (400, "invalid_request", "actor_chain_too_long")


def test_a_token_that_names_who_may_act_lets_nobody_else(scene: Scene) -> None:
    stage, jwt = scene.stage(), ExchangeCaller.form("x")["subject_token_type"]
    svid = {"actor_token": SPIFFE.token(scene.now(), jti="may-1"), "actor_token_type": jwt}
    for may_act, form, status in (
        ({"sub": SPIFFE.subject, "iss": f"spiffe://{SPIFFE.trust_domain}"}, svid, 200),
        ({"sub": SPIFFE.subject, "iss": "https://idp.example"}, svid, 400),
        ({"sub": "spiffe://example.org/other"}, svid, 400),
        ({"sub": SPIFFE.subject}, {}, 400),
        ("anybody", svid, 400),
    ):
        person = PEOPLE.token(scene.now(), may_act=may_act)
        response = scene.exchange(stage, person, **form)
        assert response.status_code == status, response.text


def test_a_revoked_actor_acts_no_more(scene: Scene) -> None:
    stage, jwt = scene.stage(), ExchangeCaller.form("x")["subject_token_type"]
    actor = PEOPLE.token(scene.now(), sub="carol", sid="sid-carol")
    scene.house.ledger.terminate("default", "sid-carol", at_ns=2, reason="signed_out")
    response = scene.exchange(stage, PEOPLE.token(scene.now(), sub="dave"), actor_token=actor, actor_token_type=jwt)
    assert (response.status_code, response.json()["reasons"]) == (400, ["actor_revoked"])


# Once, and no more.


def test_a_job_token_is_exchanged_once_whoever_tries(scene: Scene) -> None:
    job = scene.job()
    assert scene.exchange(scene.stage(), job).status_code == 200
    assert code(scene.exchange(scene.stage(), job)) == (400, "invalid_request", "workload_replayed")


def test_of_many_at_once_one_gets_a_token(scene: Scene) -> None:
    job, answers = scene.job(), list[int]()
    stages = [scene.stage() for _ in range(6)]
    threads = [
        threading.Thread(target=lambda one=one: answers.append(scene.exchange(one, job).status_code)) for one in stages
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == [200, 400, 400, 400, 400, 400]


def test_a_proof_is_good_once(scene: Scene) -> None:
    stage = scene.stage()
    proof = stage.proof()
    assert scene.client.post(**stage.request(scene.job(), proof=proof)).status_code == 200
    again = scene.client.post(**stage.request(scene.job(), proof=proof))
    assert code(again) == (400, "invalid_dpop_proof", "dpop_replayed")


def test_a_request_that_is_refused_before_it_was_believed_uses_nothing_up(scene: Scene) -> None:
    stage, job = scene.stage(), scene.job()
    assert scene.exchange(stage, job, stage.detail(type="ostiary_house")).status_code == 400
    assert scene.exchange(scene.stage(), job, audience="https://elsewhere.example").json()["error"] == "invalid_target"
    assert scene.exchange(stage, job, audience=f"{PUBLIC}/pipeline/default").status_code == 200


# Looking up and taking back.


def test_an_enforcement_point_may_look_a_token_up(scene: Scene) -> None:
    stage = scene.stage()
    token = scene.token(stage)
    told = scene.form("introspect", token=token).json()
    claims = claims_of(token)
    assert told["active"] is True
    for name in ("iss", "aud", "sub", "sub_type", "jti", "iat", "exp", "cnf", "sid", "authorization_details"):
        assert told[name] == claims[name]
    assert (told["token_type"], told["origin"]["iss"]) == ("DPoP", GITHUB.issuer)
    for other in ("", "a.b.c", token[:-4] + "AAAA", scene.job(), PEOPLE.token(scene.now())):
        answer = scene.form("introspect", token=other) if other else scene.form("introspect", token=" ")
        assert answer.json() == {"active": False}
    stranger = scene.client.post("/oauth/default/introspect", data={"token": token})
    assert (stranger.status_code, stranger.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" in stranger.headers


def test_a_token_is_taken_back_everywhere_at_once(scene: Scene) -> None:
    stage, heard = scene.stage(), list[Any]()
    token = scene.token(stage)
    assert scene.read(stage, token).status_code == 200
    scene.house.ledger.listen(heard.append)
    assert scene.form("revoke", token=token).json() == {}
    record = scene.records()[-1]
    assert (record["action"], record["by"], record["token_id"]) == ("revoked", "pep-1", claims_of(token)["jti"])
    assert [(one.session_id, one.reason) for one in heard] == [(claims_of(token)["sid"], "token_revoked")]
    assert scene.read(stage, token).json()["reasons"] == ["session_terminated"]
    assert scene.form("introspect", token=token).json() == {"active": False}
    assert scene.form("revoke", token=token).status_code == 200


def test_its_holder_may_take_it_back_and_nobody_else(scene: Scene) -> None:
    stage, thief = scene.stage(), scene.stage()
    token = scene.token(stage)
    no = scene.form("revoke", thief, token=token)
    assert code(no) == (400, "invalid_dpop_proof", "dpop_key_wrong")
    assert code(scene.client.post("/oauth/default/revoke", data={"token": token}))[0] == 401
    assert scene.read(stage, token).status_code == 200
    assert scene.form("revoke", stage, token=token).status_code == 200
    assert scene.records()[-1]["by"] == "holder"
    assert scene.read(stage, token).status_code == 403
    assert scene.form("revoke", stage, token="no.token.atall").status_code == 200


def test_all_of_a_subject_falls_with_it(scene: Scene) -> None:
    stage = scene.stage()
    token = scene.token(stage, source=PEOPLE.token(scene.now(), sub="mallory", jti="m-1"))
    scene.house.ledger.revoke_subject("default", "user:mallory", at_ns=scene.now(), reason="account_disabled")
    assert scene.form("introspect", token=token).json() == {"active": False}
    assert scene.read(stage, token).json()["reasons"] == ["subject_revoked"]
    again = scene.exchange(stage, PEOPLE.token(scene.now() - 10**9, sub="mallory", jti="m-2"))
    assert again.json()["reasons"] == ["subject_revoked"]


# Documents, keys, tenants.


def test_the_documents_tell_where_everything_is(scene: Scene) -> None:
    told = scene.client.get("/.well-known/oauth-authorization-server/oauth/default").json()
    assert told["issuer"] == f"{PUBLIC}/oauth/default"
    assert told["token_endpoint"] == f"{PUBLIC}/oauth/default/token"
    assert told["grant_types_supported"] == ["urn:ietf:params:oauth:grant-type:token-exchange"]
    assert "ES256" in told["dpop_signing_alg_values_supported"]
    token = scene.token(scene.stage())
    header = json.loads(b64url_decode(token.split(".")[0].encode()) or b"")
    keys = scene.client.get(told["jwks_uri"].removeprefix(PUBLIC)).json()["keys"]
    assert header["kid"] in {key["kid"] for key in keys}
    assert not any("d" in key for key in keys)


def test_keys_are_rotated_and_older_tokens_live_on_until_they_end(scene: Scene) -> None:
    stage = scene.stage()
    before = scene.token(stage)
    scene.house.ring.rotate("default", "access-token", "ES256")
    after = scene.token(stage)
    kids = [json.loads(b64url_decode(one.split(".")[0].encode()) or b"")["kid"] for one in (before, after)]
    assert kids[0] != kids[1]
    assert [scene.read(stage, one).status_code for one in (before, after)] == [200, 200]
    told = scene.client.get("/oauth/default/jwks").json()["keys"]
    assert [key["kid"] for key in told][:2] == [kids[1], kids[0]]


def test_an_unknown_tenant_answers_like_one_that_believes_nobody(scene: Scene) -> None:
    stage = ExchangeCaller(scene.house.clock, PUBLIC, "nobody")
    own = ExchangeCaller(scene.house.clock, PUBLIC, "default", holder=stage.holder)
    token = scene.token(own)
    for source in (scene.job(), token, "a.b.c"):
        unknown = scene.client.post(**stage.request(source))
        assert unknown.status_code == 400
        assert unknown.json()["code"] in {"token_issuer_unknown", "token_header_malformed", "token_base64_invalid"}
    assert scene.client.get("/oauth/nobody/jwks").json() == {"keys": []}
    assert scene.client.get("/.well-known/oauth-authorization-server/oauth/nobody").status_code == 200
    assert scene.form("introspect", tenant="nobody", token=token).json() == {"active": False}
    assert scene.form("revoke", tenant="nobody", token=token).json() == {}
    assert scene.form("introspect", token=token).json()["active"] is True
    assert not (scene.house.places.keys / "ring" / "nobody").exists()


@pytest.mark.parametrize(
    "path", ["/oauth", "/oauth/default", "/oauth/UPPER/token", "/oauth/default/token/x", "/oauth//jwks"]
)
def test_other_places_are_none(scene: Scene, path: str) -> None:
    assert scene.client.post(path).status_code == 404


def test_methods_and_forms_are_strict(scene: Scene) -> None:
    assert scene.client.get("/oauth/default/token").status_code == 405
    assert scene.client.post("/oauth/default/jwks").status_code == 405
    stage = scene.stage()
    for changes, error in (
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"scope": "all"}, "invalid_scope"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x.y.z"}, "invalid_request"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
        ({"authorization_details": '[1],"x":2'}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([stage.detail(), stage.detail()])}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([stage.detail(more=1)])}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([stage.detail(prefix="../x")])}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([stage.detail(prefix="/x")])}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([stage.detail(prefix="a//b")])}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([stage.detail(prefix="a\\..\\b")])}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([stage.detail(actions=["a", "a"])])}, "invalid_authorization_details"),
        ({"authorization_details": json.dumps([stage.detail(datatypes=["*", "a"])])}, "invalid_authorization_details"),
        (
            {"authorization_details": json.dumps([stage.detail(type="ostiary_feature_set")])},
            "invalid_authorization_details",
        ),
        ({"authorization_details": "[" * 40 + "]" * 40}, "invalid_authorization_details"),
        (
            {"authorization_details": '[{"type":"ostiary_dataset","identifier":"a","identifier":"b","actions":["x"]}]'},
            "invalid_authorization_details",
        ),
    ):
        response = scene.client.post(**stage.request("a.b.c", **changes))
        assert (response.status_code, response.json()["error"]) == (400, error), changes
    asked = stage.request("a.b.c")
    twice = {**asked, "content": asked["content"] + "&grant_type=x"}
    assert scene.client.post(**twice).json()["code"] == "token_request_invalid"
    as_json = {**asked, "headers": {**asked["headers"], "Content-Type": "application/json"}}
    assert scene.client.post(**as_json).json()["code"] == "token_request_invalid"
    huge = {**asked, "content": "x=" + "a" * 200_000}
    assert scene.client.post(**huge).status_code == 413


def test_a_token_that_would_be_too_long_to_send_is_not_made(scene: Scene) -> None:
    stage, before = scene.stage(), len(scene.records())
    columns = [f"column-{number:04}-{'x' * 20}" for number in range(900)]
    response = scene.exchange(stage, scene.job(), stage.detail(datatypes=columns))
    assert code(response) == (400, "invalid_authorization_details", "issued_token_too_large")
    assert len(scene.records()) == before


def test_what_cannot_be_recorded_is_not_handed_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from ostiary.errors import UnavailableError  # noqa: PLC0415

    genuine = scene.house.log.append

    def append(tenant: str, kind: str, *rest: Any) -> Any:
        if kind == "token":
            raise UnavailableError("disk_full", "no space is left")
        return genuine(tenant, kind, *rest)

    monkeypatch.setattr(type(scene.house.log), "append", lambda _self, *args: append(*args))
    response = scene.exchange(scene.stage(), scene.job())
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "access_token" not in response.json()


def test_answers_are_plain_json_that_any_client_reads(scene: Scene) -> None:
    response = scene.exchange(scene.stage(), 'x".\\y.z')
    told = msgspec.json.decode(response.content)
    assert set(told) == {"error", "error_description", "code"}
    assert '"' not in told["error_description"]


def test_each_decision_is_told_once_when_its_answer_is_ready(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry, face = scene.server.assembly.telemetry, oauth_face(scene)
    heard: list[tuple[str, str, int]] = []

    def hear(decided: Decided) -> None:
        record = decided.record
        heard.append((record.receipt.decision_id, record.outcome.effect.name, len(scene.records())))

    async def lost(_future: Any) -> None:
        raise UnavailableError("record_failed", "the record was not on disk in time")

    monkeypatch.setattr(telemetry, "_listeners", [hear])
    before, stage = len(scene.records()), scene.stage()
    scene.token(stage)
    scene.token(stage, stage.detail(actions=["dataset.read", "dataset.list"]))
    assert scene.exchange(stage, scene.job(), stage.detail(purpose="advertising")).status_code == 400
    monkeypatch.setattr(face.exchanger, "_recorded", lost)
    assert scene.exchange(stage, scene.job()).status_code == 503  # decided, and no token without its record
    deadline = time.monotonic() + 30
    while len(heard) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [effect for _, effect, _ in heard] == ["ALLOW", "ALLOW", "ALLOW", "DENY", "ALLOW"]
    assert len({decision for decision, _, _ in heard}) == 5
    assert [count - before for _, _, count in heard[:3]] == [1, 2, 2]  # the token's record was on disk by then


def oauth_face(scene: Scene) -> OauthFace:
    return next(face for face in scene.server.assembly.faces if isinstance(face, OauthFace))
