"""Shared signals over HTTP: metadata, streams and their errors, polls, and every error word of RFC 8935 and 8936."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.identity.secevent import read_payload
from ostiary.identity.secevent.subjects import IssSub
from ostiary.identity.secevent.types import uri_of
from ostiary.server.peps import NewPep, register
from ostiary.server.signalling import tell_credential
from ostiary.testing.issuer import FakeIssuer, FakeKey, compact

ISSUER, AUDIENCE = "https://idp.example", "https://us.example/ssf"
KEY, OTHER = FakeKey.generate("k1"), FakeKey.generate("k1")
HEADER = {"alg": "ES256", "kid": "k1", "typ": "secevent+jwt"}
PUSH_SECRET = "Bearer what-we-gave-them"
ALICE = {"format": "iss_sub", "iss": ISSUER, "sub": "alice"}


def receivers(folder: Path) -> list[dict[str, Any]]:
    (folder / "jwks.json").write_text(FakeIssuer(keys=[KEY]).jwks().inline)
    (folder / "push").write_text(PUSH_SECRET + "\n")
    common = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_path": str(folder / "jwks.json")}
    return [
        {**common, "name": "idp", "push_authorization_file": str(folder / "push"), "events": ["credential-compromise"]},
        {**common, "name": "open"},
        {**common, "name": "fetched", "pushes": False},
    ]


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    return start_server(
        server={"public_url": "https://us.example"},
        ssf={"receivers": receivers(tmp_path_factory.mktemp("receivers")), "long_poll_s": 1},
    )


@pytest.fixture(scope="module")
def other_key(server: Any) -> str:
    """An enforcement point of another tenant."""
    server.house.tenants.create("evil")
    return register(server.house, NewPep(pep_id="evil-pep", tenant="evil")).api_key


def call(server: Any, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key or server.pep_key}"}
    answer: httpx.Response = server.client.request(method, path, headers=headers, **more)
    return answer


@pytest.fixture
def stream(server: Any) -> Any:
    made = call(server, "POST", "/ssf/v1/streams", json={})
    assert made.status_code == 201
    yield made.json()
    call(server, "DELETE", f"/ssf/v1/streams?stream_id={made.json()['stream_id']}")


def poll(server: Any, stream: Any, body: dict[str, Any], key: str | None = None) -> httpx.Response:
    return call(server, "POST", f"/ssf/v1/poll/{stream['stream_id']}", key, json={"returnImmediately": True, **body})


def token(**changes: Any) -> str:
    header, signer = changes.pop("header", HEADER), changes.pop("signer", KEY.signer)
    claims = {
        "iss": ISSUER,
        "jti": f"event-{time.monotonic_ns()}",
        "iat": int(time.time()),  # noqa: TID251 - the server's clock is the machine's
        "aud": AUDIENCE,
        "sub_id": ALICE,
        "events": {uri_of("credential-compromise"): {"credential_type": "password"}},
    }
    return compact(header, {**claims, **changes}, signer)


def push(server: Any, text: str, name: str = "open", **headers: str) -> httpx.Response:
    told = {"Content-Type": "application/secevent+jwt", **{k.replace("_", "-"): v for k, v in headers.items()}}
    answer: httpx.Response = server.client.post(f"/ssf/v1/events/{name}", content=text, headers=told)
    return answer


def test_metadata_is_made_from_the_configuration_and_the_same_for_a_tenant_that_is_not(
    server: Any, other_key: str
) -> None:
    found = server.client.get("/.well-known/ssf-configuration", headers={"Host": "evil.example"}).json()
    assert found["issuer"] == "https://us.example"
    assert "evil" not in json.dumps(found)
    assert (found["spec_version"], found["default_subjects"]) == ("1_0", "ALL")
    there, nowhere = (server.client.get(f"/.well-known/ssf-configuration/{t}").text for t in ("evil", "nobody"))
    assert there == nowhere.replace("nobody", "evil")
    assert server.client.get("/.well-known/ssf-configuration/Not_A_Tenant").status_code == 404
    assert server.client.post("/.well-known/ssf-configuration").status_code == 405


def test_the_key_set_holds_an_rsa_key_and_nothing_secret(server: Any) -> None:
    keys = server.client.get("/ssf/v1/jwks.json").json()["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [("RSA", "RS256", "sig")]
    assert not {"d", "p", "q"} & keys[0].keys()
    assert server.client.delete("/ssf/v1/jwks.json").status_code == 405


def test_a_stream_is_made_read_changed_and_deleted(server: Any) -> None:
    made = call(server, "POST", "/ssf/v1/streams", json={"description": "mine"}).json()
    where = f"/ssf/v1/streams?stream_id={made['stream_id']}"
    assert call(server, "GET", where).json() == made
    assert made in call(server, "GET", "/ssf/v1/streams").json()
    changed = call(server, "PATCH", "/ssf/v1/streams", json={**made, "description": "ours"}).json()
    assert changed == {**made, "description": "ours"}
    replaced = call(server, "PUT", "/ssf/v1/streams", json={"stream_id": made["stream_id"]}).json()
    assert "description" not in replaced
    for supplied in ("iss", "aud", "events_supported", "events_delivered"):
        body = {"stream_id": made["stream_id"], supplied: "mine"}
        assert call(server, "PATCH", "/ssf/v1/streams", json=body).json()["code"] == "stream_invalid"
    assert call(server, "DELETE", where).status_code == 204
    for method in ("GET", "DELETE"):
        assert call(server, method, where).status_code == 404


def test_status_subjects_and_verification_answer_as_the_specification_says(server: Any, stream: Any) -> None:
    stream_id = stream["stream_id"]
    where = f"/ssf/v1/status?stream_id={stream_id}"
    assert call(server, "GET", where).json() == {"stream_id": stream_id, "status": "enabled"}
    wanted = {"stream_id": stream_id, "status": "paused", "reason": "night"}
    assert call(server, "POST", "/ssf/v1/status", json=wanted).json() == wanted
    call(server, "POST", "/ssf/v1/status", json={"stream_id": stream_id, "status": "enabled"})
    about = {"stream_id": stream_id, "subject": ALICE, "verified": True}
    added = call(server, "POST", "/ssf/v1/subjects/add", json=about)
    removed = call(server, "POST", "/ssf/v1/subjects/remove", json=about)
    assert (added.status_code, added.content, removed.status_code) == (200, b"", 204)
    asked = call(server, "POST", "/ssf/v1/verify", json={"stream_id": stream_id, "state": "opaque"})
    assert (asked.status_code, asked.content) == (204, b"")
    assert call(server, "POST", "/ssf/v1/verify", json={"stream_id": stream_id}).status_code == 429
    (text,) = poll(server, stream, {}).json()["sets"].values()
    assert text.count(".") == 2


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "code"),
    [
        ("GET", "/ssf/v1/streams?stream_id=str_x", {}, 404, "stream_unknown"),
        ("GET", "/ssf/v1/status", {}, 400, "stream_invalid"),
        ("POST", "/ssf/v1/streams", {"json": {"delivery": 1}}, 400, "stream_invalid"),
        ("POST", "/ssf/v1/streams", {"content": "{}"}, 400, "request_invalid"),
        ("POST", "/ssf/v1/streams", {"json": [1]}, 400, "body_malformed"),
        ("PATCH", "/ssf/v1/streams", {"json": {}}, 400, "stream_invalid"),
        ("POST", "/ssf/v1/status", {"json": {"stream_id": "str_x", "status": "enabled"}}, 404, "stream_unknown"),
        ("POST", "/ssf/v1/subjects/add", {"json": {"stream_id": "str_x", "subject": ALICE}}, 404, "stream_unknown"),
        ("POST", "/ssf/v1/verify", {"json": {"stream_id": "str_x"}}, 404, "stream_unknown"),
        ("POST", "/ssf/v1/poll/str_x", {"json": {}}, 404, "stream_unknown"),
        ("GET", "/ssf/v1/poll/str_x", {}, 405, "method_wrong"),
        ("DELETE", "/ssf/v1/verify", {}, 405, "method_wrong"),
        ("GET", "/ssf/v1/nothing", {}, 404, "not_found"),
    ],
)
def test_errors_have_their_status_and_code(
    server: Any, method: str, path: str, more: dict[str, Any], status: int, code: str
) -> None:
    answer = call(server, method, path, **more)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_push_address_inside_is_refused_when_the_stream_is_made(server: Any) -> None:
    for url in ("https://169.254.169.254/latest", "http://127.0.0.1/", "https://[::1]/"):
        body = {"delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": url}}
        answer = call(server, "POST", "/ssf/v1/streams", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "address_refused")


def test_nobody_manages_streams_without_proving_himself(server: Any, stream: Any) -> None:
    answers = [server.client.get("/ssf/v1/streams"), call(server, "GET", "/ssf/v1/streams", "default.wrong")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert "www-authenticate" in answers[0].headers
    twice = [("Authorization", "Bearer a"), ("Authorization", "Bearer b")]
    assert server.client.get("/ssf/v1/streams", headers=twice).status_code == 400


def test_another_tenants_stream_looks_like_none(server: Any, stream: Any, other_key: str) -> None:
    stream_id, never = stream["stream_id"], "str_never"

    def answers(which: str) -> list[tuple[int, str]]:
        tries = [
            call(server, "GET", f"/ssf/v1/streams?stream_id={which}", other_key),
            call(server, "DELETE", f"/ssf/v1/streams?stream_id={which}", other_key),
            call(server, "PATCH", "/ssf/v1/streams", other_key, json={"stream_id": which}),
            call(server, "POST", "/ssf/v1/status", other_key, json={"stream_id": which, "status": "disabled"}),
            call(server, "POST", "/ssf/v1/subjects/add", other_key, json={"stream_id": which, "subject": ALICE}),
            call(server, "POST", "/ssf/v1/verify", other_key, json={"stream_id": which}),
            call(server, "POST", f"/ssf/v1/poll/{which}", other_key, json={"ack": ["x"]}),
        ]
        return [(answer.status_code, answer.text) for answer in tries]

    assert answers(stream_id) == answers(never)
    assert {status for status, _ in answers(stream_id)} == {404}
    assert call(server, "GET", "/ssf/v1/streams", other_key).json() == []


def test_a_removed_passkey_is_told(server: Any, stream: Any) -> None:
    tell_credential(server.house, "default", "user:alice", "delete", by="admin", cause="adm_1")
    (text,) = poll(server, stream, {}).json()["sets"].values()
    payload = read_payload(json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "==")))
    assert (payload.event.name, payload.event.claims["change_type"]) == ("credential-change", "delete")
    assert (payload.txn, payload.sub_id) == ("adm_1", IssSub("https://us.example", "alice"))


def test_a_poll_waits_a_while_for_something_to_come(server: Any, stream: Any) -> None:
    before = time.monotonic()
    answer = poll(server, stream, {"returnImmediately": False})
    assert answer.json() == {"sets": {}, "moreAvailable": False}
    assert 0.8 < time.monotonic() - before < 5
    assert poll(server, stream, {"maxEvents": 0, "returnImmediately": False}).json()["sets"] == {}


@pytest.mark.parametrize(
    "err",
    [
        "invalid_request",
        "invalid_key",
        "invalid_issuer",
        "invalid_audience",
        "authentication_failed",
        "access_denied",
        "invalid_state",
    ],
)
def test_every_error_that_a_polling_receiver_may_report_is_recorded(server: Any, stream: Any, err: str) -> None:
    server.house.store.signals.may_verify("default", stream["stream_id"], 1, 2**62)
    call(server, "POST", "/ssf/v1/verify", json={"stream_id": stream["stream_id"]})
    (jti,) = poll(server, stream, {}).json()["sets"]
    errors = {jti: {"err": err, "description": "as they say"}}
    assert poll(server, stream, {"setErrs": errors}).json()["sets"] == {}
    records = [json.loads(one.payload) for one in server.house.log.iterate("default", "signal")]
    last = [one for one in records if one["type"] == "refused_by_receiver"][-1]
    assert (last["jti"], last["err"], last["stream"]) == (jti, err, stream["stream_id"])


def test_a_poll_that_is_malformed_is_refused(server: Any, stream: Any) -> None:
    answer = poll(server, stream, {"ack": "all"})
    assert (answer.status_code, answer.json()["code"]) == (400, "poll_invalid")


PUSHES: dict[str, tuple[Callable[[], str], dict[str, str], str, str]] = {
    "invalid_request: no token": (lambda: "hello", {}, "open", "invalid_request"),
    "invalid_request: not ASCII": (lambda: "h\u00e9llo", {}, "open", "invalid_request"),
    "invalid_request: exp": (lambda: token(exp=9_999_999_999), {}, "open", "invalid_request"),
    "invalid_request: sub": (lambda: token(sub="alice"), {}, "open", "invalid_request"),
    "invalid_request: two events": (lambda: token(events={"urn:a": {}, "urn:b": {}}), {}, "open", "invalid_request"),
    "invalid_request: typ": (lambda: token(header={**HEADER, "typ": "JWT"}), {}, "open", "invalid_request"),
    "invalid_request: too large": (lambda: "x" * 70_000, {}, "open", "invalid_request"),
    "invalid_request: content type": (token, {"Content_Type": "application/jwt"}, "open", "invalid_request"),
    "invalid_key: unknown": (lambda: token(header={**HEADER, "kid": "k9"}), {}, "open", "invalid_key"),
    "invalid_key: none": (lambda: token(header={**HEADER, "alg": "none"}), {}, "open", "invalid_key"),
    "invalid_key: HS256": (lambda: token(header={**HEADER, "alg": "HS256"}), {}, "open", "invalid_key"),
    "invalid_issuer": (lambda: token(iss="https://evil.example"), {}, "open", "invalid_issuer"),
    "invalid_audience": (lambda: token(aud="https://other.example"), {}, "open", "invalid_audience"),
    "authentication_failed: forged": (lambda: token(signer=OTHER.signer), {}, "open", "authentication_failed"),
    "authentication_failed: no secret": (token, {}, "idp", "authentication_failed"),
    "authentication_failed: wrong": (token, {"Authorization": "Bearer x"}, "idp", "authentication_failed"),
    "authentication_failed: nobody": (token, {"Authorization": PUSH_SECRET}, "nobody", "authentication_failed"),
    "access_denied: we fetch": (token, {}, "fetched", "access_denied"),
    "access_denied: not agreed on": (
        lambda: token(events={uri_of("session-revoked"): {}}),
        {"Authorization": PUSH_SECRET},
        "idp",
        "access_denied",
    ),
    "invalid_state": (
        lambda: token(events={uri_of("verification"): {"state": "guess"}}),
        {},
        "open",
        "invalid_state",
    ),
}


@pytest.mark.parametrize("case", PUSHES)
def test_every_error_of_a_push_is_said_in_its_word(server: Any, case: str) -> None:
    made, headers, name, err = PUSHES[case]
    answer = push(server, made(), name, **headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    assert (said["err"], said.keys()) == (err, {"err", "description"})


def test_a_genuine_push_is_accepted_with_an_empty_answer_and_its_replay_refused(server: Any) -> None:
    text = token()
    answer = push(server, text, "idp", Authorization=PUSH_SECRET)
    assert (answer.status_code, answer.content) == (202, b"")
    again = push(server, text, "idp", Authorization=PUSH_SECRET)
    assert (again.status_code, again.json()["err"]) == (400, "invalid_request")
    assert "before" in again.json()["description"]
    assert server.client.get("/ssf/v1/events/idp").status_code == 405


def test_a_log_that_cannot_be_written_makes_the_transmitter_come_again(server: Any, monkeypatch: Any) -> None:
    from ostiary.errors import UnavailableError  # noqa: PLC0415

    text = token()

    def away(*_: Any) -> Any:
        raise UnavailableError("disk_full", "the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(server.house.log), "append", away)
        answer = push(server, text)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert push(server, text).status_code == 202


def test_what_was_refused_is_counted_and_not_kept(server: Any) -> None:
    push(server, token(aud="https://other.example"))
    shown = server.client.get("/metrics").text
    assert "set_audience_wrong" in shown
    records = [json.loads(one.payload) for one in server.house.log.iterate("default", "signal")]
    assert all("other.example" not in json.dumps(one) for one in records)


def test_with_a_token_the_scope_decides(start_server: Callable[..., Any], tmp_path: Path) -> None:
    issuer = FakeIssuer("https://idp.example")
    (tmp_path / "jwks.json").write_text(issuer.jwks().inline)
    told = {"issuer": issuer.issuer, "audience": issuer.audience, "jwks_path": str(tmp_path / "jwks.json")}
    server = start_server(identity={"issuers": [told]}, ssf={"managers": ["job"]})
    wanted = NewPep(pep_id="job", tenant="default", token_issuer=issuer.issuer, token_subject="job")
    register(server.house, wanted)
    now_ns = server.house.clock.now_ns()

    def tries(scope: str) -> list[int]:
        key = issuer.token(now_ns, sub="job", scope=scope)
        made = call(server, "POST", "/ssf/v1/streams", key, json={})
        return [made.status_code, call(server, "GET", "/ssf/v1/streams", key).status_code]

    assert tries("ssf.manage") == [201, 200]
    assert tries("ssf.read") == [403, 200]
    assert tries("other") == [403, 403]
    assert call(server, "GET", "/ssf/v1/streams").status_code == 403  # a known caller that is not among the managers


def test_a_deployment_that_wants_no_signals_has_no_face(start_server: Callable[..., Any]) -> None:
    server = start_server(ssf={"enabled": False})
    for path in ("/.well-known/ssf-configuration", "/ssf/v1/jwks.json", "/ssf/v1/streams"):
        assert server.client.get(path).status_code == 404
