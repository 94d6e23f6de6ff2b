"""At the door of a model: what is asked, by whom, how often, and that every answer has its record."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest
from tests.stories.inference_scene import PUBLIC, ROW, Person, Scene, open_scene

from ostiary.errors import UnavailableError
from ostiary.identity.exchange.details import AccessDetail
from ostiary.server.faces.inference import InferenceFace


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    for scene in open_scene(tmp_path_factory.mktemp("door") / "data", inference={"max_body_bytes": 8192}):
        scene.register("fraud")
        scene.register("churn")
        scene.register("secret", sensitivity=4)
        scene.register("rounded", sensitivity=3)
        yield scene


@pytest.fixture(scope="module")
def ada(scene: Scene) -> Person:
    return Person(scene).enrol()


def face(scene: Scene) -> InferenceFace:
    return next(one for one in scene.server.assembly.faces if isinstance(one, InferenceFace))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_answer_names_its_record_and_its_decision(scene: Scene, ada: Person) -> None:
    answer = ada.ask()
    told = answer.json()
    assert (answer.status_code, told["predictions"]) == (200, [0.0625])
    name, record = scene.inferences()[-1]
    assert (name, record.decision_id, record.outcome) == (told["inference_id"], told["decision_id"], "answered")
    assert (record.endpoint, record.subject, record.model) == ("fraud", "user:ada", "sha256:" + "ab" * 32)
    assert record.input.startswith("sha256:")
    assert record.output.startswith("sha256:")
    decision = scene.server.records()[-1]
    assert (decision.receipt.decision_id, decision.pep) == (told["decision_id"], "ostiary:inference")
    seen = msgspec.json.decode(bytes(decision.input))["action"]["properties"]
    assert (seen["rows"], seen["valid"], seen["watched"]) == (1, True, True)
    assert '"amount"' not in bytes(decision.input).decode()


def test_nothing_of_the_callers_goes_on_to_the_model(scene: Scene, ada: Person) -> None:
    path = scene.path()
    smuggled = {
        "Cookie": "session=1",
        "X-Forwarded-For": "10.0.0.1",
        "Ostiary-Decision": "dec_mine",
        "Connection": "keep-alive, authorization",
        "Trailer": "authorization",
        "X-Api-Key": "k",
    }
    answer = ada.ask(headers=ada.headers(path, **smuggled))
    assert answer.status_code == 200
    heard = scene.model.headers[-1]
    allowed = "accept accept-encoding connection content-type content-length host ostiary-decision user-agent"
    assert set(heard) == set(allowed.split())
    assert heard["ostiary-decision"] == answer.json()["decision_id"]
    assert "secret" not in answer.text  # the model's own chatter stays inside


def test_a_bearer_token_of_a_person_is_enough_where_nothing_more_is_asked(scene: Scene, ada: Person) -> None:
    answer = ada.ask(headers={"Authorization": f"Bearer {ada.token(bound=False)}"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("twice", ["authorization", "dpop", "ostiary-device"])
def test_a_header_that_decides_comes_once(scene: Scene, ada: Person, twice: str) -> None:
    headers = [(name.lower(), value) for name, value in ada.headers(scene.path()).items()]
    headers += [(twice, value) for name, value in headers if name == twice] or [(twice, "a"), (twice, "b")]
    headers.append(("content-type", "application/json"))
    answer = scene.server.client.post(scene.path(), content=b'{"instances": []}', headers=headers)
    assert code(answer) == (400, "request_invalid")


def test_a_token_for_another_endpoint_is_replayed_in_vain(scene: Scene) -> None:
    caller = scene.service()
    assert scene.ask_as_service(caller, "fraud", "fraud").status_code == 200
    answer = scene.ask_as_service(caller, "churn", "fraud")
    assert (answer.status_code, answer.json()["reasons"]) == (403, ["token_other_resource"])
    detail = AccessDetail("ostiary_model", "fraud", ("endpoint.predict",))
    path = scene.path()
    headers = caller.headers("POST", PUBLIC + path, caller.token(detail))
    assert scene.post(path, {"instances": [ROW]}, headers).json()["reasons"] == ["token_other_resource"]


def test_a_request_is_good_once(scene: Scene, ada: Person) -> None:
    headers = ada.headers(scene.path())
    assert ada.ask(headers=headers).status_code == 200
    assert code(ada.ask(headers=headers)) == (401, "dpop_replayed")
    assert code(ada.ask(endpoint="churn", headers=ada.headers(scene.path("fraud")))) == (401, "dpop_http_uri_wrong")


def test_whoever_may_not_ask_learns_nothing_of_the_schema(scene: Scene) -> None:
    guest = Person(scene, "guest")
    for row in (ROW, {"amount": "x"}, {}, 7):
        answer = guest.ask(row)
        assert answer.status_code == 403
        assert "column" not in answer.text
        assert "rule:role-grant" not in answer.json()["reasons"]


def test_another_tenants_endpoint_is_as_unknown_as_none(scene: Scene, ada: Person) -> None:
    made = scene.server.admin("POST", "/tenants", json={"tenant": "beta"})
    assert made.status_code == 201, made.text
    spec = scene.house.registry.get("default", "endpoint", "fraud")
    assert spec is not None
    scene.house.registry.put("beta", msgspec.structs.replace(spec, id="betas"), 1)
    answers = [ada.ask(endpoint=name) for name in ("betas", "nowhere")]
    told = [{**answer.json(), "decision_id": "", "denied_uri": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert told[0] == told[1]
    path = scene.path("betas", tenant="beta")
    assert code(scene.post(path, {"instances": [ROW]}, ada.headers(path)))[0] == 401


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b'{"instances": [{"amount": "12", "channel": "app"}]}', 400, "input_type"),
        (b'{"instances": [{"amount": NaN, "channel": "app"}]}', 400, "body_malformed"),
        (b'{"instances": [{"amount": 1e999, "channel": "app"}]}', 400, "body_malformed"),
        ('{"instances": [{"amount": \u0661, "channel": "app"}]}'.encode(), 400, "body_malformed"),
        (b'{"instances": [{"amount": 1, "amount": 999, "channel": "app"}]}', 400, "body_duplicate_key"),
        (b'{"instances": [{"amount": 1, "channel": "app", "admin": true}]}', 400, "input_column_unknown"),
        (b'{"instances": ' + b"[" * 4000 + b"]" * 4000 + b"}", 400, "body_too_deep"),
        (
            b'{"instances": [' + b'{"amount": 1, "channel": "app"},' * 8 + b'{"amount": 1, "channel": "app"}]}',
            400,
            "input_rows",
        ),
        (b"{" * 9000, 413, "body_too_large"),
        (b"\xff\xfe", 400, "body_malformed"),
        (b"", 400, "body_malformed"),
    ],
)
def test_what_is_no_question_is_told_to_whoever_may_ask_and_recorded(
    scene: Scene, ada: Person, body: bytes, status: int, why: str
) -> None:
    before, path = len(scene.model.asked), scene.path()
    answer = scene.post(path, body, ada.headers(path))
    assert code(answer) == (status, why), answer.text
    assert scene.inferences()[-1][1].outcome == why
    assert scene.inferences()[-1][1].decision_id == answer.json()["decision_id"]
    assert len(scene.model.asked) == before


def test_a_compressed_body_is_none(scene: Scene, ada: Person) -> None:
    import gzip  # noqa: PLC0415 - used here alone

    path = scene.path()
    bomb = gzip.compress(b'{"instances": [' + b" " * 10_000_000 + b"]}")
    answer = scene.post(path, bomb[:8000], ada.headers(path) | {"Content-Encoding": "gzip"})
    assert code(answer) == (400, "body_malformed")


def test_sensitive_models_answer_coarsely(scene: Scene, ada: Person) -> None:
    row = {**ROW, "amount": 123.456}
    told = ada.ask(row, endpoint="rounded").json()
    assert (told["predictions"], told["coarse"]) == ([0.62], "rounded")
    told = ada.ask(row, endpoint="secret").json()
    assert (told["predictions"], told["coarse"]) == (["bad"], "label")
    assert scene.inferences()[-1][1].coarse == "label"


def test_a_budget_is_exact_whoever_races(scene: Scene) -> None:
    scene.register("scarce", spec={"subject": {"limit": 20, "window_s": 3600}})
    people = Person(scene), Person(scene)  # one subject, two keys
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: people[n % 2].ask(ROW, ROW, endpoint="scarce"), range(24)))
    told = [answer.status_code for answer in answers]
    assert (told.count(200), told.count(429)) == (10, 14)
    late = next(answer for answer in answers if answer.status_code == 429)
    assert late.json()["code"] == "inference_budget_spent"
    assert late.headers["retry-after"] == "60"
    mine = [record.outcome for _, record in scene.inferences() if record.endpoint == "scarce"]
    assert (mine.count("answered"), mine.count("inference_budget_spent")) == (10, 14)


def test_all_subjects_together_have_a_budget_and_what_it_refused_is_given_back(scene: Scene, ada: Person) -> None:
    both = {"subject": {"limit": 4, "window_s": 3600}, "tenant": {"limit": 3, "window_s": 3600}}
    scene.register("shared", spec=both)
    eve = Person(scene, "eve")
    assert [ada.ask(endpoint="shared").status_code for _ in range(2)] == [200, 200]
    assert [eve.ask(ROW, ROW, endpoint="shared").status_code, eve.ask(endpoint="shared").status_code] == [429, 200]
    assert "together" in ada.ask(endpoint="shared").json()["message"]
    scene.register("shared", spec={**both, "tenant": {"limit": 100, "window_s": 3600}})
    assert [eve.ask(endpoint="shared").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_rate_is_kept(scene: Scene, ada: Person) -> None:
    scene.register("slow", spec={"rate": {"limit": 3, "window_s": 60}})
    told = [
        code(answer)[1] if answer.status_code != 200 else "" for answer in (ada.ask(endpoint="slow") for _ in range(5))
    ]
    assert told == ["", "", "", "inference_rate_exceeded", "inference_rate_exceeded"]


def test_an_upstream_that_lies_is_recorded_and_nothing_of_it_is_answered(scene: Scene, ada: Person) -> None:
    lies: list[Any] = [[], [1, 2], [None], [{"exfiltrated": "x"}], ["a" * 300]]
    honest = scene.model.predict
    try:
        for lie in lies:
            scene.model.predict = lambda _rows, lie=lie: lie  # type: ignore[misc]
            answer = ada.ask()
            assert code(answer) == (502, "upstream_malformed")
            assert scene.inferences()[-1][1].outcome == "upstream_malformed"
    finally:
        scene.model.predict = honest
    scene.register("gone", spec={"url": "http://127.0.0.1:9/predict"})
    assert code(ada.ask(endpoint="gone")) == (502, "upstream_failed")
    scene.register("inside", spec={"url": "https://10.0.0.1/predict"})
    assert code(ada.ask(endpoint="inside")) == (502, "upstream_refused")
    assert scene.inferences()[-1][1].outcome == "upstream_refused"


def test_a_record_that_fails_is_no_answer(scene: Scene, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    serving, before = face(scene)._room.serving, len(scene.inferences())
    real = serving._recorder.record

    def full(*told: Any) -> None:
        raise UnavailableError("disk_full", "the disk is full")

    monkeypatch.setattr(serving._recorder, "record", full)
    answer = ada.ask()
    assert code(answer) == (503, "disk_full")
    assert "predictions" not in answer.text
    monkeypatch.setattr(serving._recorder, "record", real)
    assert len(scene.inferences()) == before
    assert ada.ask().status_code == 200


def test_answers_are_records_under_load(scene: Scene, ada: Person) -> None:
    before = len(scene.inferences())
    people = [ada, Person(scene), Person(scene, "eve")]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: people[n % 3].ask({**ROW, "amount": 7.0 * n}), range(96)))
    names = [answer.json()["inference_id"] for answer in answers if answer.status_code == 200]
    scene.clock.ahead_s += 2  # the second is over in which a quick machine has asked all that may be asked
    records = [name for name, record in scene.inferences()[before:] if record.outcome == "answered"]
    assert len(names) > 40
    assert sorted(names) == sorted(records)


def test_a_session_that_ends_while_the_model_thinks_gets_no_answer(scene: Scene) -> None:
    bob, honest = Person(scene), scene.model.predict

    def ending(rows: Any) -> Any:
        now_ns = scene.clock.now_ns()
        scene.house.ledger.terminate("default", "s-ending", at_ns=now_ns, reason="signed_out")
        return honest(rows)

    token = bob.token(sid="s-ending")
    assert bob.ask(token=token).status_code == 200
    scene.model.predict = ending
    try:
        answer = bob.ask(token=token)
    finally:
        scene.model.predict = honest
    assert code(answer) == (401, "session_terminated")
    assert scene.inferences()[-1][1].outcome == "session_terminated"


def test_more_at_once_than_there_is_room_for_is_refused_at_once(scene: Scene, ada: Person) -> None:
    room, thinking, door = threading.Event(), threading.Semaphore(0), face(scene)

    honest = scene.model.predict

    def slow(rows: Any) -> Any:
        thinking.release()
        room.wait(9)
        return honest(rows)

    scene.model.predict = slow
    working = door._room.settings
    try:
        door._room.settings = working.model_copy(update={"in_flight": 4})
        with ThreadPoolExecutor(6) as pool:
            waiting = [pool.submit(ada.ask) for _ in range(2)]
            # a count of two is not enough: one of them may be about to leave with a challenge and come back
            assert all(thinking.acquire(timeout=8) for _ in waiting)
            assert code(ada.ask()) == (503, "overloaded")
            room.set()
            assert [one.result().status_code for one in waiting] == [200, 200]
    finally:
        scene.model.predict, door._room.settings = honest, working
    assert door._working.total() == 0


def test_odd_paths_and_methods(scene: Scene, ada: Person) -> None:
    for path in (
        "/pipeline/default/inference",
        "/pipeline/default/inference/fraud",
        "/pipeline/default/inference/fraud/x",
    ):
        assert scene.post(path, {}, {}).status_code == 404
    for path in ("/pipeline/default/inference/../fraud/predict", "/pipeline/default/inference/fraud/predict/../../x"):
        assert scene.post(path, {}, {}).status_code == 404
    assert scene.server.client.get(scene.path()).status_code == 405
    for name in ("fraud%2f..%2fchurn", "FRAUD", "a" * 4000, "%00", "..%2f"):
        path = scene.path(name)
        answer = scene.post(path, {"instances": [ROW]}, ada.headers(path))
        assert answer.status_code in {401, 403, 404}, (name, answer.text)


def test_metrics_count_outcomes(scene: Scene, ada: Person) -> None:
    ada.ask()
    text = scene.server.client.get("/metrics").text
    assert 'ostiary_inferences_total{outcome="answered"}' in text
