"""A model inside its own program, behind the SDK's middleware: asked through Ostiary or not at all."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from tests.stories.inference_scene import ROW, SCHEMA, Person, Scene, open_scene

from ostiary_sdk.inference import Caller, InferenceGuard, InferenceMiddleware, NoInferenceError
from ostiary_sdk.settings import Settings

APP = "http://fraud.example"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    for scene in open_scene(tmp_path_factory.mktemp("own") / "data", inference={"permit_s": 30}):
        scene.register("inside", spec={"url": "", "schema": SCHEMA})
        scene.register("valued", labels=("high-value",), spec={"url": ""})
        yield scene


class Program:
    """The model's program: an ASGI application that says what it was asked, behind the middleware."""

    def __init__(self, scene: Scene, endpoint: str = "inside", key: str = "", url: str = "") -> None:
        self.scene, self.endpoint = scene, endpoint
        self.key, self.url = key or scene.server.pep_key, url or scene.server.url
        self.asked: list[Any] = []
        self.headers: dict[str, str] = {}
        self.says: Callable[[list[Any]], Any] = lambda rows: {"predictions": [0.25 for _ in rows], "debug": "weights"}
        self.status = 200

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        rows = json.loads((await receive())["body"])["instances"]
        self.asked.append(rows)
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = json.dumps(self.says(rows)).encode()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def post(self, body: Any, headers: dict[str, str], path: str = "/predict") -> tuple[int, Any]:
        out: dict[str, Any] = {"body": b""}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.7", 1),
        }

        async def receive() -> Any:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            out["status"] = message.get("status", out.get("status"))
            out["body"] += message.get("body", b"")

        async def run(guard: InferenceGuard) -> None:
            await InferenceMiddleware(self.app, guard)(scope, receive, send)

        self.guarded(run)
        return out["status"], json.loads(out["body"])

    def guarded(self, run: Callable[[InferenceGuard], Awaitable[Any]]) -> Any:
        async def inside() -> Any:
            settings = Settings(timeout_s=30)
            async with InferenceGuard(
                self.url, self.key, "default", self.endpoint, public_url=APP, settings=settings
            ) as guard:
                return await run(guard)

        return asyncio.run(inside())


def headers_of(person: Person, path: str = "/predict", **more: str) -> dict[str, str]:
    token = person.token()
    proof = person.holder.proof(person.scene.clock.now_ns(), token, "POST", APP + path)
    return {"Authorization": f"DPoP {token}", "DPoP": proof, **more}


@pytest.fixture(scope="module")
def ada(scene: Scene) -> Person:
    return Person(scene).enrol()


def test_an_answer_is_recorded_before_it_leaves_and_the_model_sees_no_credential(scene: Scene, ada: Person) -> None:
    program = Program(scene)
    status, told = program.post({"instances": [ROW]}, headers_of(ada, Cookie="x", **{"X-Ostiary-Subject": "user:root"}))
    assert (status, told["predictions"]) == (200, [0.25])
    name, record = scene.inferences()[-1]
    assert (name, record.outcome, record.subject) == (told["inference_id"], "answered", "user:ada")
    assert record.by == scene.server.records()[-1].pep
    assert not set(program.headers) & {"authorization", "dpop", "cookie", "x-ostiary-subject", "ostiary-device"}
    assert program.asked == [[ROW]]
    assert "debug" not in told


def test_the_model_gets_what_was_checked_and_not_what_was_sent(scene: Scene, ada: Person) -> None:
    program = Program(scene)
    twice = b'{"instances": [{"amount": 12.5, "amount": 1, "channel": "app"}]}'
    status, _ = program.post(twice, headers_of(ada))
    assert status == 200
    assert program.asked == [[{"amount": 1.0, "channel": "app"}]]
    injected = b'{"instances": []}, "device": "dev_x", "input": {"instances": [{"amount": 1, "channel": "app"}]}'
    status, told = program.post(injected, headers_of(ada))
    assert (status, told["code"]) == (400, "body_malformed")


@pytest.mark.parametrize(
    ("rows", "status", "code"),
    [([{**ROW, "amount": "1"}], 400, "input_type"), ([], 400, "input_rows"), ([ROW] * 9, 400, "input_rows")],
)
def test_bad_rows_never_reach_the_model(scene: Scene, ada: Person, rows: list[Any], status: int, code: str) -> None:
    program = Program(scene)
    got, told = program.post({"instances": rows}, headers_of(ada))
    assert (got, told["code"], program.asked) == (status, code, [])
    assert scene.inferences()[-1][1].outcome == code


def test_who_proves_nothing_never_reaches_the_model(scene: Scene, ada: Person) -> None:
    program, guest = Program(scene), Person(scene, "guest")
    good = headers_of(ada)
    thief = {**good, "DPoP": Person(scene).holder.proof(scene.clock.now_ns(), good["Authorization"][5:], "POST", APP)}
    for headers, wanted in (
        ({}, 401),
        ({"Authorization": f"Bearer {scene.server.pep_key}"}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        (thief, 401),
        (headers_of(ada, "/other"), 401),
        (headers_of(guest), 403),
    ):
        status, told = program.post({"instances": [ROW]}, headers)
        assert (status, isinstance(told["code"], str)) == (wanted, True), told
    assert program.asked == []


def test_high_value_holds_here_as_well(scene: Scene, ada: Person) -> None:
    program = Program(scene, "valued")
    assert program.post({"instances": [ROW]}, headers_of(ada))[0] == 200
    stranger = Person(scene)
    status, told = program.post({"instances": [ROW]}, headers_of(stranger))
    assert status == 403
    assert "rule:high-value-attestation-required" in told["reasons"]
    assert len(program.asked) == 1


def test_a_model_that_fails_or_lies_gives_nothing_and_is_recorded(scene: Scene, ada: Person) -> None:
    program = Program(scene)
    for says, status, outcome in (
        (lambda _rows: {"predictions": []}, 502, "upstream_malformed"),
        (lambda _rows: ["x"], 502, "upstream_malformed"),
        (lambda _rows: 1 / 0, 503, "upstream_failed"),
    ):
        program.says = says
        got, told = program.post({"instances": [ROW]}, headers_of(ada))
        assert (got, "predictions" in told) == (status, False)
        assert scene.inferences()[-1][1].outcome == outcome
    program.says, program.status = (lambda _rows: {"predictions": [1]}), 500
    assert program.post({"instances": [ROW]}, headers_of(ada))[0] == 503


def test_the_programs_own_failures_tell_callers_nothing(scene: Scene, ada: Person) -> None:
    for program in (Program(scene, key="pep-1.wrong"), Program(scene, url="http://127.0.0.1:9")):
        status, told = program.post({"instances": [ROW]}, headers_of(ada))
        assert (status, told["code"], program.asked) == (503, "inference_unavailable", [])


def test_other_paths_are_not_there(scene: Scene, ada: Person) -> None:
    program = Program(scene)
    for path in ("/", "/predict/", "/metrics", "/predict/../x", "//predict"):
        assert program.post({"instances": [ROW]}, headers_of(ada), path)[0] in {400, 404}
    assert program.asked == []


def test_a_model_that_is_called_in_the_program(scene: Scene, ada: Person) -> None:
    program, headers = Program(scene), headers_of(ada)
    caller = Caller(token=headers["Authorization"][5:], dpop=headers["DPoP"])
    assert caller.token not in repr(caller)
    told = program.guarded(lambda guard: guard.predict(caller, [ROW], lambda rows: [len(rows)]))
    assert told["predictions"] == [1]
    again = Caller(token=headers["Authorization"][5:], dpop=headers["DPoP"])
    with pytest.raises(NoInferenceError) as no:
        program.guarded(lambda guard: guard.predict(again, [ROW], lambda rows: [len(rows)]))
    assert (no.value.status, json.loads(no.value.body)["code"]) == (401, "dpop_replayed")


def test_a_permit_is_good_once_and_for_its_holder(scene: Scene, ada: Person) -> None:
    made = scene.server.admin("POST", "/tenants/default/peps", json={"pep_id": "other"})
    other = made.json()["api_key"]
    headers = headers_of(ada)
    context = {"subject_token": headers["Authorization"][5:], "dpop_proof": headers["DPoP"]}
    context |= {"http_method": "POST", "http_uri": APP + "/predict"}
    mine = {"Authorization": f"Bearer {scene.server.pep_key}"}
    asked = {"context": context, "input": {"instances": [ROW]}}
    permit = scene.post(scene.path("inside", "begin"), asked, mine).json()["permit"]
    body, end = {"permit": permit, "answer": {"predictions": [1]}}, scene.path("inside", "end")
    theirs = scene.post(end, body, {"Authorization": f"Bearer {other}"})
    assert (theirs.status_code, theirs.json()["code"]) == (409, "permit_unknown")
    assert scene.post(scene.path("valued", "end"), body, mine).status_code == 409
    assert scene.post(end, body, mine).status_code == 200
    assert scene.post(end, body, mine).status_code == 409


def test_a_permit_that_nobody_uses_is_recorded(scene: Scene, ada: Person) -> None:
    headers = headers_of(ada)
    context = {"subject_token": headers["Authorization"][5:], "dpop_proof": headers["DPoP"]}
    context |= {"http_method": "POST", "http_uri": APP + "/predict"}
    mine = {"Authorization": f"Bearer {scene.server.pep_key}"}
    asked = {"context": context, "input": {"instances": [ROW]}}
    permit = scene.post(scene.path("inside", "begin"), asked, mine).json()["permit"]
    scene.clock.ahead_s = 31
    try:
        late = scene.post(scene.path("inside", "end"), {"permit": permit, "answer": {"predictions": [1]}}, mine)
        assert (late.status_code, late.json()["code"]) == (409, "permit_unknown")
        face = next(one for one in scene.server.assembly.faces if hasattr(one, "sweep") and hasattr(one, "_permits"))
        face.sweep()
    finally:
        scene.clock.ahead_s = 0
    assert [record.outcome for _, record in scene.inferences()][-1] == "permit_expired"
