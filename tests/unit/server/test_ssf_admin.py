"""The administrators' API of shared signals: streams of a tenant, its receivers, and a look into a token."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.errors import FaultyInputError
from ostiary.server.settings import load
from ostiary.server.signalling import shared_signals
from ostiary.testing.issuer import FakeIssuer, FakeKey

KEY = FakeKey.generate("k1")


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("receivers")
    (folder / "jwks.json").write_text(FakeIssuer(keys=[KEY]).jwks().inline)
    receiver = {"issuer": "https://idp.example", "audience": "us", "jwks_path": str(folder / "jwks.json")}
    away = {"poll_url": "http://127.0.0.1:1/poll", "verify_url": "http://127.0.0.1:1/verify", "pushes": False}
    listed = [{**receiver, "name": "idp"}, {**receiver, **away, "name": "away"}]
    found = start_server(ssf={"receivers": listed, "allow_http_loopback": True})
    found.house.tenants.create("evil")
    return found


def admin(server: Any, method: str, path: str, tenant: str = "default", **more: Any) -> Any:
    return server.admin(method, f"/tenants/{tenant}/signals{path}", **more)


def deeds(server: Any) -> list[str]:
    return [msgspec.json.decode(one.payload)["action"] for one in server.house.log.iterate("default", "admin")]


def test_a_stream_lives_from_post_to_delete_and_every_deed_is_recorded(server: Any) -> None:
    owner = server.pep_key.partition(".")[0]
    made = admin(server, "POST", "/streams", json={"owner": owner, "audience": "https://them.example"})
    assert made.status_code == 201
    stream = made.json()
    assert (stream["audience"], stream["status"]) == (["https://them.example"], "enabled")
    where = f"/streams/{stream['stream_id']}"
    assert admin(server, "GET", where).json() == stream
    assert stream in admin(server, "GET", "/streams").json()
    paused = admin(server, "POST", where + "/status", json={"status": "paused", "reason": "x"}).json()
    assert (paused["status"], paused["waiting"]) == ("paused", 1)
    assert admin(server, "POST", where + "/verify", json={"state": "s"}).status_code == 204
    assert admin(server, "DELETE", where).status_code == 204
    assert admin(server, "GET", where).status_code == 404
    assert [one for one in deeds(server) if one.startswith("stream.")] == [
        "stream.create",
        "stream.status",
        "stream.delete",
    ]


def test_what_cannot_be_is_refused(server: Any) -> None:
    owner = server.pep_key.partition(".")[0]
    inside = {"owner": owner, "endpoint_url": "https://10.0.0.1/"}
    for body, status, code in (
        ({"owner": "nobody"}, 404, "pep_unknown"),
        (inside, 400, "address_refused"),
        ({"owner": owner, "admin": True}, 400, "request_invalid"),
    ):
        answer = admin(server, "POST", "/streams", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_another_tenants_stream_and_receiver_are_as_unknown_as_none(server: Any) -> None:
    owner = server.pep_key.partition(".")[0]
    stream_id = admin(server, "POST", "/streams", json={"owner": owner}).json()["stream_id"]
    for mine, none in ((f"/streams/{stream_id}", "/streams/str_x"), ("/receivers/idp", "/receivers/none")):
        other, never = (admin(server, "GET", path, "evil") for path in (mine, none))
        assert (other.status_code, other.text) == (never.status_code, never.text)
    assert admin(server, "GET", "/streams", "evil").json() == admin(server, "GET", "/receivers", "evil").json() == []
    assert admin(server, "POST", "/receivers/away/poll", "evil").status_code == 404


def test_receivers_are_shown_and_polled(server: Any) -> None:
    shown = admin(server, "GET", "/receivers").json()
    assert [one["name"] for one in shown] == ["away", "idp"]
    assert admin(server, "GET", "/receivers/idp").json() == shown[1]
    assert admin(server, "POST", "/receivers/idp/poll").json()["code"] == "receiver_not_polled"
    assert admin(server, "POST", "/receivers/idp/verify").json()["code"] == "receiver_not_verifiable"
    for deed in ("poll", "verify"):
        away = admin(server, "POST", f"/receivers/away/{deed}")
        assert (away.status_code, away.json()["code"]) == (503, "receiver_away")
    assert {"signals.poll", "signals.verify"} <= set(deeds(server))


def test_a_token_that_is_none_is_refused_by_name(server: Any) -> None:
    answer = admin(server, "POST", "/decode", json={"token": "hello"})
    assert (answer.status_code, answer.json()["code"]) == (409, "set_not_compact")


@pytest.mark.parametrize(
    "wrong",
    [
        {"events": ["session-revoked", "made-up"]},
        {"push_authorization_file": "/nowhere/secret"},
        {"poll_url": "http://idp.example/poll"},
        {"algorithms": ["HS256"]},
        {"jwks_url": "http://idp.example/jwks", "jwks_path": None},
    ],
)
def test_a_receiver_that_could_not_work_is_refused_at_start(server: Any, wrong: dict[str, Any]) -> None:
    receiver = {"name": "idp", "issuer": "https://idp.example", "audience": "us", "jwks_path": "/nowhere.json"}
    settings = load(None, environ={}, options={"ssf": {"receivers": [{**receiver, **wrong}]}}).settings
    with pytest.raises(FaultyInputError):
        shared_signals(msgspec.structs.replace(server.house, settings=settings), lambda _reason, _fault: None)
