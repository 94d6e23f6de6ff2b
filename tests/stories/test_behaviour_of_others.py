"""Behaviour comes from nobody but its person: every way to send another's, or one's own twice, is refused by name."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.stories.behaviour_scene import Scene, scene_of

from ostiary.errors import RefusedError, UnavailableError
from ostiary.server.biometrics import collecting
from ostiary.sessions import Asked
from ostiary.testing.issuer import FakeHolder
from ostiary.testing.pages import KEYS, FakePage


def refused(answer: Any, code: str, status: int = 403) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    yield from scene_of(start_server, tmp_path_factory.mktemp("keys"))


@pytest.fixture
def ann(scene: Scene, request: pytest.FixtureRequest) -> FakePage:
    return scene.agreed(request.node.name, f"s-{request.node.name}")


def seen(scene: Scene, page: FakePage) -> list[Any]:
    return [one for one in scene.room.sink.seen if one.stream == page.stream]


def test_a_window_arrives_as_it_was_made(scene: Scene, ann: FakePage, request: pytest.FixtureRequest) -> None:
    assert ann.say().status_code == 202
    assert ann.say(sequence=3, untrusted=2).status_code == 202
    first, second = seen(scene, ann)
    assert first.window.content.tolist() == KEYS
    assert (first.tenant, first.subject) == ("default", f"user:{request.node.name}")
    assert (first.session, first.key) == (f"s-{request.node.name}", ann.holder.key.jkt)
    assert (first.sequence, first.missed, second.sequence, second.missed, second.untrusted) == (1, 0, 3, 1, 2)
    assert first.began_ns < first.ended_ns <= scene.now_ns()


def test_nobody_is_listened_to_without_agreeing(scene: Scene) -> None:
    page = scene.page("mute")
    refused(page.open(), "consent_missing")
    assert page.ask("GET", "consent").json() == {"given": False}
    page.agree()
    assert page.ask("GET", "consent").json()["text"] == "typing-1"
    assert page.open().status_code == 201


def test_agreeing_ends_and_everything_is_erased(scene: Scene, ann: FakePage, request: pytest.FixtureRequest) -> None:
    ann.say()
    answer = ann.ask("DELETE", "consent")
    assert answer.json() == {"given": False, "erased": True}
    assert seen(scene, ann) == []
    assert ("default", f"user:{request.node.name}") in scene.room.sink.erased
    refused(ann.say(), "consent_missing")
    ann.agree()
    refused(ann.say(), "stream_unknown", 409)


def test_what_could_not_be_erased_is_erased_by_the_next_try(scene: Scene, ann: FakePage) -> None:
    ann.say()
    scene.room.sink.fails = True
    try:
        assert ann.ask("DELETE", "consent").status_code == 503
    finally:
        scene.room.sink.fails = False
    refused(ann.say(), "consent_missing")
    assert ann.ask("DELETE", "consent").status_code == 200
    assert seen(scene, ann) == []


def test_both_are_in_the_log_and_name_no_window(scene: Scene, ann: FakePage) -> None:
    ann.say()
    ann.ask("DELETE", "consent")
    told = [json.loads(one.payload or b"{}") for one in scene.server.house.log.iterate("default", "admin")]
    actions = [one["action"] for one in told if one["action"].startswith("biometrics.")]
    assert actions[-2:] == ["biometrics.consent.give", "biometrics.consent.withdraw"]
    assert not any("events" in one or "window" in one for one in told)


def test_a_nonce_is_good_for_one_window(scene: Scene, ann: FakePage) -> None:
    first = ann.nonce
    ann.say()
    refused(ann.say(nonce=first), "nonce_wrong", 409)
    assert ann.say().status_code == 202, "the stream goes on with the nonce that it was given"


def test_a_body_is_not_sent_twice_nor_changed_on_its_way(scene: Scene, ann: FakePage) -> None:
    said = ann.window()
    assert ann.ask("POST", "windows", said).status_code == 202
    refused(ann.ask("POST", "windows", said), "nonce_wrong", 409)
    other = copy.deepcopy(said)
    other["events"][0][1] += 1
    refused(ann.ask("POST", "windows", said, sent=other), "dpop_body_hash_wrong")
    refused(ann.ask("POST", "windows", said, drop=["body_sha256"]), "dpop_body_hash_missing")


def test_a_proof_is_not_used_twice(scene: Scene, ann: FakePage) -> None:
    ann.ask("GET", "consent", jti="same")
    assert ann.ask("GET", "consent", jti="same").json()["code"] == "dpop_replayed"


@pytest.mark.parametrize("sequence", [1, 2, 3])
def test_numbers_only_rise(scene: Scene, ann: FakePage, sequence: int) -> None:
    ann.say(sequence=3)
    answer = ann.say(sequence=sequence)
    refused(answer, "sequence_not_rising", 409)
    assert answer.json()["nonce"], "the page may go on"
    assert ann.say(sequence=4).status_code == 202


def test_a_stream_is_its_owners_alone(scene: Scene, ann: FakePage) -> None:
    for thief in (scene.agreed("bob", "s-bob"), scene.agreed("bob", "s-other"), scene.agreed("ann", tenant="acme")):
        refused(thief.say(stream=ann.stream, nonce=ann.nonce), "stream_unknown", 409)
    assert ann.say().status_code == 202, "and it was not disturbed"


def test_the_session_is_the_tokens_own(scene: Scene, ann: FakePage) -> None:
    bob = scene.page("bob", "s-bob")
    bob.agree()
    refused(bob.open(session="s-of-ann"), "session_not_yours")
    refused(ann.say(session="s-bob"), "session_not_yours")


def test_a_session_that_is_only_named_is_ones_own(scene: Scene) -> None:
    page = scene.page("cyd", "")
    page.agree()
    refused(page.open(), "session_missing")
    page.open(session="s-bob")
    page.say(session="s-bob")
    assert [one.session for one in seen(scene, page)] == ["user\ncyd\ns-bob"]


def test_another_key_is_not_the_sessions(scene: Scene, request: pytest.FixtureRequest) -> None:
    ann = scene.agreed("kim", "s-kim")
    ledger, now_ns = scene.server.house.ledger, scene.now_ns()
    ledger.touch(Asked("default", ("s-kim",), "user:kim", now_ns, key=ann.holder.key.jkt))
    assert ann.say().status_code == 202
    refused(scene.page("kim", "s-kim").open(), "session_key_wrong")
    other = FakePage(ann._send, ann._base, FakeHolder(), ann.token, scene.now_ns)
    assert other.open().json()["code"] == "dpop_key_wrong"


def test_another_subjects_session_is_not_ones_own(scene: Scene) -> None:
    ann = scene.page("lee", "s-of-max")
    ann.agree()
    scene.server.house.ledger.touch(Asked("default", ("s-of-max",), "user:max", scene.now_ns()))
    refused(ann.open(), "session_not_yours")


def test_a_session_that_is_over_says_nothing(scene: Scene, ann: FakePage, request: pytest.FixtureRequest) -> None:
    name = f"s-{request.node.name}"
    scene.server.house.ledger.terminate("default", name, at_ns=scene.now_ns(), reason="stolen")
    refused(ann.say(), "session_over")


def test_only_a_persons_own_bound_token_counts(scene: Scene) -> None:
    delegated = scene.page("ann", act={"sub": "agent"})
    refused(delegated.agree(), "token_not_your_own")
    unbound = scene.page("ann", cnf=None)
    assert unbound.agree().status_code == 401
    bearer = {"authorization": f"Bearer {unbound.token}"}
    assert scene.server.client.get("/biometrics/v1/default/consent", headers=bearer).status_code == 401


def test_another_tenants_issuer_is_a_stranger(scene: Scene) -> None:
    page = scene.page("ann")
    for tenant in ("acme", "none-such", "a" * 80):
        stray = scene.at(tenant, page.holder, page.token)
        answer = stray.agree()
        assert (answer.status_code, answer.json()["code"]) == (401, "token_issuer_unknown")
        assert abs(answer.json()["now"] - scene.now_ns() / 1e9) < 60


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lasted": 60_000}, "window_ahead"),
        ({"began": 100_000}, "window_ahead"),
    ],
)
def test_time_does_not_lie(scene: Scene, ann: FakePage, changes: dict[str, Any], code: str) -> None:
    refused(ann.say(**changes), code, 409)


def test_windows_of_one_kind_do_not_overlap(scene: Scene, ann: FakePage) -> None:
    assert ann.say(began=100).status_code == 202
    refused(ann.say(began=0), "window_overlaps", 409)
    pointer = {"modality": "pointer", "events": [[0, 0, 0, 0], [8, 3, -2, 1]], "began": 0}
    assert ann.say(**pointer).status_code == 202, "one may type and move at once"


@pytest.mark.parametrize(
    "changes",
    [
        {"events": [[0, 95, 2]]},
        {"events": [[0, 95, 65]]},
        {"events": [[0, 95]]},
        {"events": [[0, 95, 1, "a"]]},
        {"events": [["a", 95, 1]]},
        {"events": [[0, 9.5, 1]]},
        {"events": [[5, 9, 1]]},
        {"events": [[0, 9, 1], [8, 7, 1]]},
        {"events": KEYS * 11},
        {"events": []},
        {"events": KEYS, "lasted": 1},
        {"key": "a"},
        {"title": "Orders"},
        {"modality": "keystroke-features", "events": [1]},
        {"modality": "pointer", "events": [[0, 5000, 2, 0]]},
        {"modality": "pointer", "events": [[0, 1, 2, 64]]},
        {"modality": "pointer", "events": [[0, 1, 2, 0, 400, 300]]},
        {"modality": "sequence", "events": ["GET https://app.example/orders"]},
        {"modality": "sequence", "events": ["GET /orders/4711 order"]},
        {"modality": "sequence", "events": ["GET /orders?q=ann"]},
        {"modality": "sequence", "events": ["GET /people/ann@example.org"]},
        {"untrusted": 9},
        {"sequence": 0},
        {"lasted": 1e9},
        {"began": -1},
    ],
)
def test_nothing_else_is_taken(scene: Scene, ann: FakePage, changes: dict[str, Any]) -> None:
    answer = ann.say(**changes)
    assert answer.status_code == 400, answer.text
    assert seen(scene, ann) == []


def test_application_events_are_templates(scene: Scene, ann: FakePage) -> None:
    tokens = ["GET /orders/{id} order", "POST /v1/orders", "GET /"]
    assert ann.say(modality="sequence", events=tokens).status_code == 202
    wanted = ("read get-/orders/{} order", "write post-/orders {}", "read get- {}")
    assert seen(scene, ann)[0].window.content == wanted, "as our own access events are told"


def test_a_failing_room_loses_the_window_and_says_so(scene: Scene, ann: FakePage) -> None:
    scene.room.sink.fails = True
    try:
        answer = ann.say()
    finally:
        scene.room.sink.fails = False
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    refused(ann.say(), "nonce_wrong", 409)


def test_pages_of_a_session_are_few(scene: Scene, ann: FakePage) -> None:
    first = (ann.stream, ann.nonce)
    for _ in range(8):
        assert ann.open().status_code == 201
    refused(ann.say(stream=first[0], nonce=first[1]), "stream_unknown", 409)


def test_metrics_name_nobody(scene: Scene, ann: FakePage) -> None:
    ann.say()
    told = scene.server.client.get("/metrics").text
    lines = [line for line in told.splitlines() if line.startswith("ostiary_collector_")]
    assert 'ostiary_collector_windows_total{modality="keystroke",outcome="taken"}' in told
    assert lines
    assert not any("ann" in line or "test_" in line or ann.stream in line for line in lines)


@pytest.fixture(scope="module")
def slow(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A scene where a session may send six windows a minute, and a tenant eight."""
    limits = {"windows_per_minute": 6, "tenant_windows_per_minute": 14, "idle_s": 10}
    yield from scene_of(start_server, tmp_path_factory.mktemp("keys"), **limits)


def test_a_flood_waits(slow: Scene) -> None:
    page = slow.agreed("flood", "s-flood")
    answers = [page.say() for _ in range(4)]
    assert [one.status_code for one in answers] == [202, 202, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    again = page.ask("POST", "windows", page.window(), jti="never looked at")
    assert again.status_code == 429
    assert page.ask("GET", "consent", jti="never looked at").status_code == 200, "its proof was not even remembered"
    calm = slow.agreed("calm", "s-calm")
    assert calm.say().status_code == 202, "another session is not held up"
    crowd = [slow.agreed("crowd", f"s-{number}").say().status_code for number in range(1)]
    assert crowd == [202]
    last = slow.page("last", "s-last")
    last.agree()
    refused(last.open(), "windows_limited", 429)


def test_whoever_cannot_agree_has_no_record_of_agreeing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def excused(_consent: Any) -> None:
        raise RefusedError("biometrics_excused", "this person is not watched")

    monkeypatch.setattr(scene.room.consents, "give", excused)
    refused(scene.page("zoe").agree(), "biometrics_excused")
    told = [json.loads(one.payload or b"{}") for one in scene.server.house.log.iterate("default", "admin")]
    assert not any(one.get("subject") == "user:zoe" for one in told)


def test_agreement_without_a_record_is_none(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise UnavailableError("disk_full", "the log cannot be written")

    monkeypatch.setattr(collecting, "record_about", full)
    page = scene.page("yan")
    assert page.agree().status_code == 503
    assert page.ask("GET", "consent").json() == {"given": False}
