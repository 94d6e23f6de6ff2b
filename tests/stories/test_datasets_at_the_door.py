"""At the door to datasets: what a token names is read, listed and written, nothing else, and all is recorded."""

import base64
import hashlib
import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from ostiary.identity.exchange.details import AccessDetail
from ostiary.keys import SigningKey
from ostiary.pipeline.datasets.manifests import sign_manifest
from ostiary.pipeline.datasets.names import printable
from ostiary.pipeline.datasets.statement import Entry, Manifest, Parent
from ostiary.pipeline.registered import Registered
from ostiary.server.datasets.parts import open_datasets
from ostiary.testing.issuer import FakeHolder
from ostiary.testing.pipeline import PipelineCaller

PUBLIC = "http://pdp.example"
GUARDRAILS = """package ostiary.guardrails
allow contains {"rule": "may"} if {
    input.resource.known == true
    input.subject.identity.exchanged == true
}
decision := {"allow": allow}
"""
EVERYTHING = ("dataset.read", "dataset.list", "dataset.write", "dataset.delete")
SALES = AccessDetail("ostiary_dataset", "sales", EVERYTHING, purpose="training")
BIG = bytes(range(256)) * 8192


def digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


class Scene:
    """A server with some datasets in a folder, and a stage of a pipeline that comes to it."""

    def __init__(self, server: Any, lake: Path) -> None:
        self.server, self.lake = server, lake
        self.producer = SigningKey.generate("ingest")
        self.caller = self.stage()
        self.book = open_datasets(server.house).book
        self.register("sales")
        self.register("payroll")
        self.register("strict", reads="verified")
        for name in ("sales", "payroll", "strict"):
            self.lay(name, "2026/a.bin", BIG)
            self.lay(name, "2025/old.bin", b"old")

    def stage(self, **more: Any) -> PipelineCaller:
        return PipelineCaller(self.server.house.ring, self.server.house.clock, PUBLIC, **more)

    def register(self, name: str, tenant: str = "default", **spec: Any) -> None:
        (self.lake / name).mkdir(parents=True, exist_ok=True)
        told = {
            "store": f"file://{self.lake}",
            "prefix": name,
            "producers": {"ingest": self.producer.public.pem().decode()},
            **spec,
        }
        prepared = self.book.prepared(Registered(type="dataset", id=name, sensitivity=1, spec=told))
        self.book.register(tenant, prepared)

    def lay(self, name: str, path: str, data: bytes) -> None:
        place = self.lake / name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def call(
        self,
        method: str,
        where: str,
        detail: AccessDetail = SALES,
        *,
        token: str = "",
        caller: PipelineCaller | None = None,
        tenant: str = "default",
        **more: Any,
    ) -> httpx.Response:
        path = f"/pipeline/{tenant}/datasets/{where}"
        one = caller or self.caller
        headers = one.headers(method, PUBLIC + path, token or one.token(detail))
        response: httpx.Response = self.server.client.request(
            method, path, headers={**headers, **more.pop("headers", {})}, **more
        )
        return response

    def told(self, **wanted: Any) -> dict[str, Any]:
        """Return the newest record that says so, once it is there: an outcome is written when the answer has left."""
        for _ in range(300):
            records = self.server.house.log.iterate("default", "dataset")
            told: list[dict[str, Any]] = [json.loads(record.payload) for record in records]
            found = [one for one in told if wanted.items() <= one.items()]
            if found:
                return found[-1]
            time.sleep(0.01)
        raise AssertionError(wanted)

    def manifest(self, name: str, sequence: int, signer: SigningKey | None = None, **more: Any) -> bytes:
        entries = tuple(
            Entry(str(place.relative_to(self.lake / name)), place.stat().st_size, "sha256", _sha(place))
            for place in sorted((self.lake / name).rglob("*.bin"))
        )
        told: dict[str, Any] = {"tenant": "default", "dataset": name, "producer": "ingest", **more}
        made = Manifest(sequence=sequence, created_ns=1, objects=entries, **told)
        return sign_manifest(made, signer or self.producer)


def _sha(place: Path) -> str:
    return hashlib.sha256(place.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    lake = tmp_path_factory.mktemp("lake").resolve()
    server = start_server(
        guardrails=GUARDRAILS, server={"public_url": PUBLIC, "deadline_ms": 30_000}, datasets={"roots": [str(lake)]}
    )
    return Scene(server, lake)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_an_object_is_read_whole_and_in_ranges(scene: Scene) -> None:
    whole = scene.call("GET", "sales/objects/2026/a.bin")
    assert (whole.status_code, whole.content == BIG) == (200, True)
    assert whole.headers["cache-control"] == "no-store"
    some = scene.call("GET", "sales/objects/2026/a.bin", headers={"Range": "bytes=256-511"})
    assert (some.status_code, some.content) == (206, BIG[256:512])
    assert some.headers["content-range"] == f"bytes 256-511/{len(BIG)}"
    head = scene.call("HEAD", "sales/objects/2026/a.bin")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(BIG)), b"")
    etag = whole.headers["etag"]
    assert scene.call("GET", "sales/objects/2026/a.bin", headers={"If-None-Match": etag}).status_code == 304
    same = scene.call("GET", "sales/objects/2026/a.bin", headers={"Range": "bytes=0-0", "If-Range": etag})
    other = scene.call("GET", "sales/objects/2026/a.bin", headers={"Range": "bytes=0-0", "If-Range": '"0"'})
    assert (same.status_code, other.status_code) == (206, 200)


def test_every_read_is_a_decision_and_a_record_of_what_left(scene: Scene) -> None:
    response = scene.call("GET", "sales/objects/2026/a.bin", headers={"Range": "bytes=1-10"})
    record = scene.server.records()[-1]
    told = scene.told(decision=record.receipt.decision_id)
    assert record.pep == "ostiary:datasets"
    asked = json.loads(bytes(record.input))
    assert asked["action"]["properties"] == {
        "bytes": 10, "range": [1, 11], "verified": False, "purpose": "training", "path": "2026/a.bin"
    }  # fmt: skip
    assert asked["resource"]["properties"] == {"manifest": "manifest_absent"}
    assert record.receipt.decision_id == response.headers["ostiary-decision"]
    assert (told["object"], told["start"], told["length"], told["bytes"], told["outcome"]) == (
        "2026/a.bin", 1, 10, 10, "done"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("header", "status", "why"),
    [
        ("bytes=0-1,5-6", 400, "range_invalid"),
        ("bytes=" + ",".join(f"{i}-{i}" for i in range(1000)), 400, "range_invalid"),
        ("bytes=5-4", 400, "range_invalid"),
        ("items=0-1", 400, "range_invalid"),
        (f"bytes={len(BIG)}-", 416, "range_unsatisfiable"),
        ("bytes=-0", 416, "range_unsatisfiable"),
    ],
)
def test_ranges_are_one_range(scene: Scene, header: str, status: int, why: str) -> None:
    response = scene.call("GET", "sales/objects/2026/a.bin", headers={"Range": header})
    assert code(response) == (status, why)
    assert scene.told(decision=response.json()["decision_id"])["code"] == why
    if status == 416:
        assert response.headers["content-range"] == f"bytes */{len(BIG)}"


@pytest.mark.parametrize(
    "path",
    ["../payroll/2026/a.bin", "2026/../../payroll/2026/a.bin", "%2e%2e/payroll/2026/a.bin", "..%2fpayroll/2026/a.bin",
     "%252e%252e/payroll/2026/a.bin", "2026//a.bin", "./2026/a.bin", "2026/a.bin/", "2026%5ca.bin", "2026/a.bin%00",
     "%ff%fe", "2026/a%0a.bin", "caf%65%cc%81", ".ostiary-staging/x", "%2fetc/passwd",
     "2026%2f%2e%2e%2f%2e%2e%2fpayroll"],
)  # fmt: skip
def test_no_spelling_of_a_path_leads_out(scene: Scene, path: str) -> None:
    caller = scene.caller
    token = caller.token(SALES)
    raw = f"/pipeline/default/datasets/sales/objects/{path}"
    connection = http.client.HTTPConnection(scene.server.url.removeprefix("http://"))  # which mends no path
    connection.request("GET", raw, headers=caller.headers("GET", PUBLIC + raw, token))
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["code"]) == (400, "object_name_invalid")
    connection.close()
    assert scene.told(code="object_name_invalid", object=printable(unquote(path)))


@pytest.mark.parametrize("name", ["ünïcode.bin", "a b+c=d,e@f.bin", "(1)'s & co;x!.bin", "日本/語.bin"])
def test_odd_but_honest_names_are_read(scene: Scene, name: str) -> None:
    scene.lay("sales", name, b"x")
    response = scene.call("GET", "sales/objects/" + quote(name, safe="/:@!$&'()*+,;=~"))
    assert (response.status_code, response.content) == (200, b"x")
    (scene.lake / "sales" / name).unlink()


def test_a_token_for_one_dataset_is_nothing_at_another(scene: Scene) -> None:
    below = AccessDetail("ostiary_dataset", "sales", EVERYTHING, prefix="2025")
    for where, detail, why in (
        ("payroll/objects/2026/a.bin", SALES, "token_other_resource"),
        ("sales/objects/2026/a.bin", below, "token_other_prefix"),
        ("sales/objects/2025old.bin", below, "token_other_prefix"),
        ("payroll/list", SALES, "token_other_resource"),
        ("payroll/manifest", SALES, "token_other_resource"),
        ("sales/manifest", below, "token_other_prefix"),
    ):
        response = scene.call("GET", where, detail)
        assert (code(response), response.json()["reasons"]) == ((403, "access_denied"), [why])
        assert scene.server.records()[-1].refusal == why
    assert code(scene.call("GET", "payroll/budget")) == (404, "dataset_unknown")


def test_reading_is_not_writing_and_neither_is_removing(scene: Scene) -> None:
    reader = AccessDetail("ostiary_dataset", "sales", ("dataset.read",))
    writer = AccessDetail("ostiary_dataset", "sales", ("dataset.write",))
    put = {"headers": {"Repr-Digest": digest(b"x")}, "content": b"x"}
    etag = scene.call("HEAD", "sales/objects/2025/old.bin").headers["etag"]
    for method, where, detail, more in (
        ("PUT", "sales/objects/new", reader, put),
        ("GET", "sales/list", reader, {}),
        ("DELETE", "sales/objects/2025/old.bin", reader, {"headers": {"If-Match": etag}}),
        ("DELETE", "sales/objects/2025/old.bin", writer, {"headers": {"If-Match": etag}}),
        ("PUT", "sales/manifest", reader, {"content": b"{}"}),
        ("GET", "sales/objects/2025/old.bin", writer, {}),
    ):
        assert scene.call(method, where, detail, **more).json()["reasons"] == ["token_other_action"]
    assert (scene.lake / "sales" / "2025" / "old.bin").read_bytes() == b"old"
    assert not (scene.lake / "sales" / "new").exists()


def test_a_listing_never_shows_more_than_the_token(scene: Scene) -> None:
    below = AccessDetail("ostiary_dataset", "sales", ("dataset.list",), prefix="2025/")
    for query, found in (("", ["2025/old.bin"]), ("?prefix=2025", ["2025/old.bin"]), ("?deep=1", ["2025/old.bin"])):
        response = scene.call("GET", "sales/list" + query, below)
        assert [one["name"] for one in response.json()["entries"]] == found
    for query in ("?prefix=2026", "?prefix=20", "?prefix=2025x"):
        assert code(scene.call("GET", "sales/list" + query, below)) == (403, "outside_scope")
    page = base64.urlsafe_b64encode(b"2024/zzz").decode()
    assert [one["name"] for one in scene.call("GET", f"sales/list?page={page}", below).json()["entries"]] == [
        "2025/old.bin"
    ]
    for query in ("?prefix=..", "?limit=0", "?limit=1001", "?limit=x", "?page=!", "?unknown=1"):
        assert scene.call("GET", "sales/list" + query, below).status_code == 400


def test_a_link_in_the_folder_leads_nowhere(scene: Scene) -> None:
    (scene.lake / "sales" / "out").symlink_to(scene.lake / "payroll")
    try:
        assert code(scene.call("GET", "sales/objects/out/2026/a.bin")) == (404, "object_unknown")
        names = [one["name"] for one in scene.call("GET", "sales/list?deep=1").json()["entries"]]
        assert not any(name.startswith("out") for name in names)
    finally:
        (scene.lake / "sales" / "out").unlink()


def test_another_tenant_is_as_unknown_as_one_that_never_was(scene: Scene) -> None:
    other = scene.stage(tenant="other")
    token = other.token(SALES)
    for tenant in ("other", "never-was"):
        response = scene.call("GET", "sales/objects/2026/a.bin", token=token, caller=other, tenant=tenant)
        assert code(response) == (401, "token_issuer_unknown")
    assert code(scene.call("GET", "sales/objects/2026/a.bin", token=token, caller=other))[0] == 401


def test_a_dataset_that_is_not_registered_is_refused_by_policy(scene: Scene) -> None:
    detail = AccessDetail("ostiary_dataset", "unknown", EVERYTHING)
    for method, where in (("GET", "unknown/objects/a"), ("GET", "unknown/list"), ("GET", "unknown/manifest")):
        assert code(scene.call(method, where, detail)) == (403, "access_denied")


def test_a_budget_holds_to_the_byte_and_to_the_object(scene: Scene) -> None:
    detail = AccessDetail("ostiary_dataset", "sales", ("dataset.read",), max_bytes=1000, max_objects=1)
    token = scene.caller.token(detail)

    def read(where: str, span: str) -> httpx.Response:
        return scene.call("GET", where, token=token, headers={"Range": span})

    assert read("sales/objects/2026/a.bin", "bytes=0-599").status_code == 206
    no = read("sales/objects/2026/a.bin", "bytes=0-400")
    assert code(no) == (403, "dataset_bytes_spent")
    assert "bytes" not in scene.told(decision=no.json()["decision_id"])
    assert read("sales/objects/2026/a.bin", "bytes=0-399").status_code == 206
    assert code(read("sales/objects/2026/a.bin", "bytes=0-0")) == (403, "dataset_bytes_spent")
    left = scene.call("GET", "sales/budget", token=token).json()
    assert left == {"bytes": 1000, "objects": 1, "max_bytes": 1000, "max_objects": 1}
    fresh = scene.caller.token(detail)
    assert scene.call("GET", "sales/objects/2025/old.bin", token=fresh).status_code == 200
    no = scene.call("GET", "sales/objects/2026/a.bin", token=fresh, headers={"Range": "bytes=0-0"})
    assert code(no) == (403, "dataset_objects_spent")


def test_an_upload_shows_when_it_is_whole_and_right(scene: Scene) -> None:
    data = b"new data" * 50_000
    response = scene.call("PUT", "sales/objects/in/new.bin", content=data, headers={"Repr-Digest": digest(data)})
    assert response.status_code == 201
    assert response.json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert scene.call("GET", "sales/objects/in/new.bin").content == data
    again = scene.call("PUT", "sales/objects/in/new.bin", content=b"x", headers={"Repr-Digest": digest(b"x")})
    assert code(again) == (412, "object_exists")
    etag = response.headers["etag"]
    match = {"Repr-Digest": digest(b"x"), "If-Match": etag}
    assert scene.call("PUT", "sales/objects/in/new.bin", content=b"x", headers=match).status_code == 200
    assert code(scene.call("PUT", "sales/objects/in/new.bin", content=b"x", headers=match)) == (412, "object_changed")
    gone = scene.call("DELETE", "sales/objects/in/new.bin", headers={"If-Match": etag})
    assert code(gone) == (412, "object_changed")
    assert code(scene.call("DELETE", "sales/objects/in/new.bin")) == (400, "condition_missing")
    etag = scene.call("HEAD", "sales/objects/in/new.bin").headers["etag"]
    assert scene.call("DELETE", "sales/objects/in/new.bin", headers={"If-Match": etag}).status_code == 204
    assert code(scene.call("GET", "sales/objects/in/new.bin")) == (404, "object_unknown")
    for outcome in ("begun", "done"):
        assert scene.told(action="dataset.delete", object="in/new.bin", outcome=outcome)


def test_a_poisoned_upload_leaves_nothing(scene: Scene) -> None:
    for header, status, why in (
        ({"Repr-Digest": digest(b"good")}, 422, "digest_wrong"),
        ({}, 428, "digest_missing"),
        ({"Repr-Digest": "md5=:AAAA:"}, 428, "digest_missing"),
    ):
        response = scene.call("PUT", "sales/objects/in/evil.bin", content=b"evil", headers=header)
        assert code(response) == (status, why)
        assert scene.told(object="in/evil.bin", code=why)
    assert code(scene.call("GET", "sales/objects/in/evil.bin")) == (404, "object_unknown")
    assert list((scene.lake / "sales" / ".ostiary-staging").iterdir()) == []


def test_an_object_that_is_too_large_is_not_taken_in(scene: Scene) -> None:
    scene.register("small", max_object_bytes=10)
    detail = AccessDetail("ostiary_dataset", "small", EVERYTHING)
    put: dict[str, Any] = {"content": b"x" * 11, "headers": {"Repr-Digest": digest(b"x" * 11)}}
    assert code(scene.call("PUT", "small/objects/a", detail, **put)) == (413, "object_too_large")


STRICT = AccessDetail("ostiary_dataset", "strict", EVERYTHING)


def test_only_what_a_known_producer_signed_is_handed_out(scene: Scene) -> None:
    assert code(scene.call("GET", "strict/objects/2026/a.bin", STRICT)) == (409, "manifest_absent")
    thief = SigningKey.generate("ingest")
    for envelope, why in (
        (scene.manifest("strict", 1, thief), "manifest_untrusted"),
        (scene.manifest("strict", 1, producer="other"), "manifest_untrusted"),
        (scene.manifest("strict", 1, dataset="sales"), "manifest_of_other"),
        (scene.manifest("strict", 1, tenant="other"), "manifest_of_other"),
        (scene.manifest("strict", 1, parents=(Parent("sales", "sha256:" + "0" * 64),)), "manifest_parent_unknown"),
        (b"{}", "manifest_untrusted"),
        (b"\xff" * 100, "manifest_untrusted"),
    ):
        assert code(scene.call("PUT", "strict/manifest", STRICT, content=envelope)) == (409, why)
    envelope = scene.manifest("strict", 3)
    accepted = scene.call("PUT", "strict/manifest", STRICT, content=envelope)
    assert accepted.status_code == 201
    whole = scene.call("GET", "strict/objects/2026/a.bin", STRICT)
    assert (whole.status_code, whole.content == BIG) == (200, True)
    assert whole.headers["ostiary-digest"] == f"sha256:{hashlib.sha256(BIG).hexdigest()}"
    assert scene.told(object="2026/a.bin", outcome="done", manifest=accepted.json()["digest"])
    assert scene.call("GET", "strict/manifest", STRICT).content == envelope
    for sequence in (3, 2):
        replayed = scene.call("PUT", "strict/manifest", STRICT, content=scene.manifest("strict", sequence))
        assert code(replayed) == (409, "manifest_replayed")
    scene.lay("strict", "2026/extra.bin", b"x")
    assert code(scene.call("GET", "strict/objects/2026/extra.bin", STRICT)) == (409, "object_unlisted")
    scene.lay("strict", "2026/a.bin", BIG[:-1] + b"!")
    changed = scene.call("GET", "strict/objects/2026/a.bin", STRICT, headers={"Range": "bytes=0-0"})
    assert code(changed) == (409, "object_modified")
    child = scene.manifest("sales", 1, parents=(Parent("strict", accepted.json()["digest"]),))
    assert scene.call("PUT", "sales/manifest", content=child).status_code == 201


def test_names_cannot_forge_lines_of_the_log(scene: Scene) -> None:
    scene.call("GET", "sales/objects/" + quote('x"\n{"type":"decision"}'))
    told = scene.told(code="object_name_invalid", object=printable('x"\n{"type":"decision"}'))
    assert told["object"].isprintable()


@pytest.mark.parametrize(
    ("method", "where", "status"),
    [
        ("POST", "sales/objects/a", 405),
        ("PATCH", "sales/list", 405),
        ("DELETE", "sales/manifest", 405),
        ("GET", "sales/other", 404),
        ("GET", "sales/list/x", 404),
        ("GET", "sales", 404),
    ],
)
def test_what_the_door_does_not_have(scene: Scene, method: str, where: str, status: int) -> None:
    assert scene.call(method, where).status_code == status


def test_a_header_that_comes_twice_decides_nothing(scene: Scene) -> None:
    path = "/pipeline/default/datasets/sales/objects/2026/a.bin"
    headers = list(scene.caller.headers("GET", PUBLIC + path, scene.caller.token(SALES)).items())
    response = scene.server.client.get(path, headers=[*headers, ("Range", "bytes=0-0"), ("Range", "bytes=0-9")])
    assert code(response) == (400, "request_invalid")


def test_a_stolen_token_opens_nothing(scene: Scene) -> None:
    thief = scene.stage(holder=FakeHolder())
    token = scene.caller.token(SALES)
    assert code(scene.call("GET", "sales/objects/2026/a.bin", token=token, caller=thief)) == (401, "dpop_key_wrong")
