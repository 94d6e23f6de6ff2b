"""Attacks on the door to datasets: callers that break off, races for a budget, each other's tokens."""

import hashlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.testing.pipeline import PipelineCaller

PUBLIC = "http://pdp.example"
GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if {
    input.resource.known == true
    input.subject.identity.exchanged == true
}
decision := {"allow": allow}
"""
BIG = b"0123456789abcdef" * (2 << 20)  # 32 MiB: more than sockets hold
KEYS = '{"access_key_id": "test", "secret_access_key": "test"}'


class Scene:
    def __init__(self, server: Any, lake: Path) -> None:
        self.server, self.lake = server, lake
        self.book = open_datasets(server.house).book
        self.address = (urlsplit(server.url).hostname or "", urlsplit(server.url).port or 0)
        self.caller = self.stage("one")
        for name in ("sales", "payroll"):
            (lake / name).mkdir()
            (lake / name / "big.bin").write_bytes(BIG)
            (lake / name / "own.txt").write_text(name)
            self.register(name, store=f"file://{lake}", prefix=name)

    def register(self, name: str, **spec: Any) -> None:
        self.book.register("default", self.book.prepared(Registered(type="dataset", id=name, spec=spec)))

    def stage(self, name: str) -> PipelineCaller:
        return PipelineCaller(self.server.house.ring, self.server.house.clock, PUBLIC, subject_id=f"job-{name}")

    def token(self, name: str = "sales", caller: PipelineCaller | None = None, **more: Any) -> str:
        actions = ("dataset.read", "dataset.list", "dataset.write")
        return (caller or self.caller).token(AccessDetail("ostiary_dataset", name, actions, **more))

    def ask(self, where: str, token: str, caller: PipelineCaller | None = None, **headers: str) -> tuple[int, bytes]:
        """Read with a connection of its own, so that threads do not wait for each other."""
        path = f"/pipeline/default/datasets/{where}"
        connection = http.client.HTTPConnection(*self.address, timeout=20)
        proof = (caller or self.caller).headers("GET", PUBLIC + path, token)
        connection.request("GET", path, headers={**proof, **headers})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body

    def told(self, **wanted: Any) -> dict[str, Any]:
        for _ in range(500):
            records = self.server.house.log.iterate("default", "dataset")
            found: list[dict[str, Any]] = [json.loads(record.payload) for record in records]
            fits = [one for one in found if wanted.items() <= one.items()]
            if fits:
                return fits[-1]
            time.sleep(0.01)
        raise AssertionError(wanted)


@pytest.fixture(scope="module")
def fake_s3() -> Any:
    import logging  # noqa: PLC0415

    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - a fake of S3, on this machine

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, fake_s3: str) -> Any:
    lake = tmp_path_factory.mktemp("lake").resolve()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSTIARY_DATASET_FAKE", KEYS)
        settings = {"roots": [str(lake)], "endpoints": [fake_s3], "stall_s": 2.0, "max_uploads": 1}
        server = start_server(
            guardrails=GUARDRAILS, server={"public_url": PUBLIC, "deadline_ms": 30_000}, datasets=settings
        )
        yield Scene(server, lake)


def test_a_caller_that_breaks_off_is_recorded_and_charged_for_what_left(scene: Scene) -> None:
    token = scene.token(max_bytes=len(BIG))
    path = "/pipeline/default/datasets/sales/objects/big.bin"
    connection = http.client.HTTPConnection(*scene.address)
    connection.request("GET", path, headers=scene.caller.headers("GET", PUBLIC + path, token))
    response = connection.getresponse()
    response.read(1000)
    decision = response.headers["ostiary-decision"]
    response.close()
    connection.close()
    told = scene.told(decision=decision)
    assert (told["outcome"], told["code"]) == ("broken_off", "caller_gone")
    assert 1000 <= told["bytes"] < len(BIG)
    left = -1
    for _ in range(300):
        left = json.loads(scene.ask("sales/budget", token)[1])["bytes"]
        if left == told["bytes"]:
            break
        time.sleep(0.01)
    assert left == told["bytes"]


def test_a_caller_that_takes_nothing_is_cut_off_and_holds_no_thread(scene: Scene) -> None:
    path = "/pipeline/default/datasets/sales/objects/big.bin"
    sleepers = []
    for _ in range(24):  # more than there are threads that send
        headers = scene.caller.headers("GET", PUBLIC + path, scene.token())
        sleeper = socket.create_connection(scene.address)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sleeper.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        sleepers.append(sleeper)
    begin = time.monotonic()
    assert scene.ask("sales/objects/own.txt", scene.token()) == (200, b"sales")
    assert time.monotonic() - begin < 10
    assert scene.told(object="big.bin", outcome="broken_off", code="caller_gone")["bytes"] < len(BIG)
    for sleeper in sleepers:
        sleeper.close()


def test_of_many_reads_at_once_a_budget_lets_exactly_its_bytes_out(scene: Scene) -> None:
    token = scene.token(max_bytes=10_000)
    told: list[int] = []
    start = threading.Barrier(12)

    def read() -> None:
        start.wait()
        for _ in range(3):
            status, body = scene.ask("sales/objects/big.bin", token, Range="bytes=0-999")
            told.append(len(body) if status == 206 else 0)

    threads = [threading.Thread(target=read) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(told) == 10_000


def test_two_pipelines_hammer_with_each_others_tokens_and_nothing_crosses(scene: Scene) -> None:
    stages = {name: scene.stage(name) for name in ("sales", "payroll")}
    tokens = {name: scene.token(name, stage) for name, stage in stages.items()}
    wrong: list[str] = []

    def hammer(mine: str, other: str) -> None:
        for number in range(12):
            for where, holder, bearer in (
                (mine, mine, mine),
                (other, mine, mine),
                (other, mine, other),
                (mine, other, mine),
            ):
                path = f"{where}/objects/own.txt" if number % 2 else f"{where}/list"
                status, body = scene.ask(path, tokens[bearer], stages[holder])
                lawful = where == holder == bearer
                if (status == 200) != lawful or (not lawful and other.encode() in body and status == 200):
                    wrong.append(f"{where} {holder} {bearer} {status}")

    threads = [threading.Thread(target=hammer, args=pair) for pair in (("sales", "payroll"), ("payroll", "sales"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_object_in_s3_is_read_and_written_the_same_way(scene: Scene, fake_s3: str) -> None:
    import httpx  # noqa: PLC0415

    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3"}
    httpx.put(f"{fake_s3}/door-lake", headers=signed)
    place = {"store": "s3://door-lake", "endpoint": fake_s3, "prefix": "in", "credentials": "env:OSTIARY_DATASET_FAKE"}
    scene.register("cloud", **place)
    path = "/pipeline/default/datasets/cloud/objects/a/b.bin"
    token = scene.token("cloud")
    data = BIG[: 3 << 20]
    digest = hashlib.sha256(data).digest()
    from ostiary_sdk.datasets.reading import digest_header  # noqa: PLC0415

    headers = {**scene.caller.headers("PUT", PUBLIC + path, token), "Repr-Digest": digest_header(digest)}
    put = scene.server.client.put(path, content=data, headers=headers)
    assert put.status_code == 201
    status, body = scene.ask("cloud/objects/a/b.bin", token)
    assert (status, body == data) == (200, True)
    assert scene.ask("cloud/objects/a/b.bin", token, Range="bytes=5-9") == (206, data[5:10])
    assert scene.ask("cloud/objects/none", token)[0] == 404
    listed = json.loads(scene.ask("cloud/list", token)[1])["entries"]
    assert [one["name"] for one in listed] == ["a"]


def test_a_store_that_is_away_is_no_permission(scene: Scene, fake_s3: str) -> None:
    place = {"store": "s3://never-made", "endpoint": fake_s3, "credentials": "env:OSTIARY_DATASET_NONE"}
    scene.register("away", **place)
    status, body = scene.ask("away/objects/a", scene.token("away"))
    assert (status, json.loads(body)["code"]) == (503, "dataset_credentials_absent")
    assert b"test" not in body


def test_whoever_sends_slowly_is_cut_off_and_takes_no_place_for_long(scene: Scene) -> None:
    from ostiary_sdk.datasets.reading import digest_header  # noqa: PLC0415

    def headers(name: str) -> dict[str, str]:
        path = f"/pipeline/default/datasets/sales/objects/{name}"
        proof = scene.caller.headers("PUT", PUBLIC + path, scene.token())
        return {**proof, "Repr-Digest": digest_header(hashlib.sha256(b"x").digest())}

    def send(name: str) -> tuple[int, str]:
        path = f"/pipeline/default/datasets/sales/objects/{name}"
        answer = scene.server.client.put(path, content=b"x", headers=headers(name))
        return answer.status_code, answer.json().get("code", "")

    head = "".join(f"{name}: {value}\r\n" for name, value in headers("slow.bin").items())
    line = (
        f"PUT /pipeline/default/datasets/sales/objects/slow.bin HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n{head}\r\n"
    )
    with socket.create_connection(scene.address) as slow:
        slow.sendall(line.encode())
        time.sleep(0.5)  # its decision comes first
        refused = ""
        for number in range(50):  # until the slow one has its place
            status, refused = send(f"quick-{number}.bin")
            if status == 503:
                break
        assert refused == "overloaded"
        assert scene.told(object="slow.bin")["code"] == "body_late"
    assert send("after.bin")[0] == 201


def test_an_upload_that_ends_early_leaves_nothing(scene: Scene) -> None:
    path = "/pipeline/default/datasets/sales/objects/half.bin"
    from ostiary_sdk.datasets.reading import digest_header  # noqa: PLC0415

    headers = scene.caller.headers("PUT", PUBLIC + path, scene.token())
    headers |= {"Repr-Digest": digest_header(hashlib.sha256(b"x" * 100).digest()), "Content-Length": "100"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(scene.address) as one:
        one.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + b"x" * 50)
    assert scene.told(object="half.bin")["code"] == "body_malformed"
    assert not (scene.lake / "sales" / "half.bin").exists()
    assert list((scene.lake / "sales" / ".ostiary-staging").iterdir()) == []
