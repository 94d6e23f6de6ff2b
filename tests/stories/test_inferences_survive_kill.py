"""A worker that dies while it answers, and a disk that fills: no answer was ever given that is not on record."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.stories.inference_scene import PUBLIC, ROW, SCHEMA, Person, Scene, open_scene

from ostiary.audit.verifier import Verifier
from ostiary.identity.exchange.details import AccessDetail
from ostiary.keys import open_keys
from ostiary.pipeline.inference.record import InferenceRecord
from ostiary.storage.sqlite import open_source, open_store
from ostiary.testing.model_server import FakeModel
from ostiary.testing.pipeline import PipelineCaller
from ostiary.testing.served import Served
from ostiary.vocabulary.clock import SystemClock

CATALOGUE = "subjects: [{type: service, id: scorer}]\n"


def answered(data: Path) -> tuple[set[str], int]:
    """Return which answers are on record, and how many records there are of them; the log must verify."""
    with open_source(data / "ostiary.db", data / "keys") as source:
        verifier = Verifier(source)
        verifier.run()
        assert verifier.report.findings == []
    clock = SystemClock()
    with open_store(data / "ostiary.db", clock) as store:
        from ostiary.audit import AuditLog  # noqa: PLC0415 - used here alone

        ring, vault = open_keys(data / "keys", store, clock)
        with AuditLog(store, vault, ring, clock) as log:
            rows = [(one.record_id, one.payload) for one in log.iterate("default", "inference")]
    told = [(name, msgspec.json.decode(payload or b"", type=InferenceRecord)) for name, payload in rows]
    names = [name for name, record in told if record.outcome == "answered"]
    return set(names), len(names)


@pytest.mark.slow
def test_answers_that_came_before_the_kill_are_on_record(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "catalogue").mkdir(parents=True)
    data.chmod(0o700)
    (data / "catalogue" / "default.yaml").write_text(CATALOGUE)
    environ = {"OSTIARY_INFERENCE__LOOPBACK_HTTP": "true", "OSTIARY_SERVER__PUBLIC_URL": PUBLIC}
    environ["OSTIARY_SERVER__DEADLINE_MS"] = "10000"
    with FakeModel(lambda rows: [0.5 for _ in rows]) as model, Served(data, environ=environ) as server:
        spec = {"schema": SCHEMA, "url": model.url, "rate": {"limit": 10_000, "window_s": 1}}
        admin = {"Authorization": f"Bearer {server.admin_key}"}
        body = {"spec": {**spec, "subject": {"limit": 90_000, "window_s": 3600}}, "sensitivity": 2}
        made = httpx.put(f"{server.url}/api/v1/tenants/default/endpoints/fraud", json=body, headers=admin, timeout=20)
        assert made.status_code == 200, made.text
        given = _hammer_until_killed(data, server)
        assert len(given) > 20
        names, records = answered(data)
    assert set(given) <= names
    assert len(given) == len(set(given))
    assert records == len(names)


def _hammer_until_killed(data: Path, server: Served) -> list[str]:
    clock, given, over = SystemClock(), list[str](), threading.Event()
    with open_store(data / "ostiary.db", clock) as store:
        ring, _ = open_keys(data / "keys", store, clock)
        caller = PipelineCaller(ring, clock, PUBLIC, subject_type="service", subject_id="scorer")
        token = caller.token(AccessDetail("ostiary_endpoint", "fraud", ("endpoint.predict",)))
        path = "/pipeline/default/inference/fraud/predict"

        def ask(number: int) -> None:
            with httpx.Client(timeout=20) as client:
                while not over.is_set():
                    try:
                        row = {**ROW, "amount": 250.0 * number}
                        headers = caller.headers("POST", PUBLIC + path, token)
                        answer = client.post(server.url + path, json={"instances": [row]}, headers=headers)
                        assert answer.status_code in {200, 503}, answer.text
                        if answer.status_code == 200:
                            given.append(answer.json()["inference_id"])
                        if len(given) > 60:
                            over.set()
                    except (httpx.HTTPError, ValueError):
                        over.set()

        with ThreadPoolExecutor(4) as pool:
            work = [pool.submit(ask, number) for number in range(4)]
            while len(given) < 30 and not all(one.done() for one in work):
                over.wait(0.05)
            server.kill_worker()
            over.wait(20)
            over.set()
            for one in work:
                one.result()
    return given


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    for scene in open_scene(tmp_path_factory.mktemp("full") / "data"):
        scene.register("fraud")
        yield scene


def test_a_full_disk_gives_no_answer_and_is_over_by_itself(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = Person(scene)
    assert ada.ask().status_code == 200
    reserve: Any = scene.house.log._writer._reserve
    monkeypatch.setattr(reserve, "_free", lambda _folder: 0)
    before = len(scene.model.asked)
    refused = [ada.ask() for _ in range(3)]
    assert [answer.status_code for answer in refused] == [503] * 3
    assert all("predictions" not in answer.text for answer in refused)
    assert len(scene.model.asked) == before
    monkeypatch.undo()
    for _ in range(50):
        if ada.ask().status_code == 200:
            return
        threading.Event().wait(0.1)
    pytest.fail("the disk has room again, and there is no answer")
