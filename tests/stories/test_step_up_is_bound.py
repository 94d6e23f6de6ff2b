"""A passkey's answer is good for one person, one session, one action, one resource, once, in time, and nowhere else."""

import concurrent.futures
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.webauthn.challenges import Challenges
from ostiary.keys import random_bytes
from ostiary.server.step_up import inviting
from ostiary.server.step_up.asked import find_asked
from ostiary.server.step_up.confirming import binding_of
from ostiary.server.wiring import open_house
from ostiary.sessions import standing
from ostiary.testing.passkey import FakePasskey, Lies, decoded
from ostiary.vocabulary.verdicts import DecisionRecord

ORIGIN = "http://localhost:8181"
RULES = """package ostiary.guardrails
name := input.action.name
proved := input.session.step_up.acr
strong := "urn:ostiary:acr:phishing-resistant"
allow contains {"rule": "may"} if name in {"read", "drop", "odd", "calm"}

# METADATA
# title: a fresh proof
# description: Dropping <b>everything</b> needs a fresh proof.
# custom:
#   id: prove
#   remediation: Ask a colleague to look.
step_up contains {"rule": "prove", "acr_values": [strong], "max_age": 120} if {
  name in {"drop", "read"}
  not proved
}
step_up contains {"rule": "elsewhere", "acr_values": ["urn:example:smartcard"]} if name == "odd"
decision := {"allow": allow, "step_up": step_up}
"""


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Any]) -> Any:
    running = start_server(guardrails=RULES)
    assert running.admin("POST", "/tenants", json={"tenant": "beta"}).status_code == 201
    return running


class Person:
    """Somebody with a passkey and, maybe, a session."""

    def __init__(self, server: Any, name: str, tenant: str = "default", **passkey: Any) -> None:
        self.server, self.name, self.tenant = server, name, tenant
        self.passkey = FakePasskey(ORIGIN, "localhost", **passkey)
        link = inviting.invite(server.house, tenant, f"user:{name}", "adm_test").url
        path = link.removeprefix(ORIGIN)
        options = self.post(f"{path}/options", {}).json()
        answer = {"seal": options["seal"], "name": "key", "credential": self.passkey.create(options["create"])}
        assert self.post(f"{path}/answer", answer).status_code == 200

    def ask(self, action: str = "drop", session: str = "", doc: str = "1") -> dict[str, Any]:
        context = {"session_id": session} if session else {}
        body = {
            "subject": {"type": "user", "id": self.name},
            "action": {"name": action},
            "resource": {"type": "doc", "id": doc},
            "context": context,
        }
        found: dict[str, Any] = self.server.post("evaluation", msgspec.json.encode(body)).json()
        return found

    def link(self, **asked: Any) -> str:
        return path_of(self.ask(**asked))

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        return self.server.client.post(path, json=body, headers=headers)

    def options(self, link: str) -> dict[str, Any]:
        answer = self.post(f"{link}/options", {})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def answer(self, link: str, options: dict[str, Any], lies: Lies | None = None, **changes: Any) -> Any:
        credential = self.passkey.get(options["get"], lies or Lies())
        return self.post(f"{link}/answer", {"seal": options["seal"], "credential": {**credential, **changes}})


def path_of(answer: dict[str, Any]) -> str:
    assert answer["context"]["effect"] == "STEP_UP", answer
    (obligation,) = [one for one in answer["context"]["obligations"] if one["type"] == "step-up"]
    uri: str = obligation["properties"]["uri"]
    assert uri.startswith(f"{ORIGIN}/step-up/default/{answer['context']['id']}")
    return uri.removeprefix(ORIGIN)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture(scope="module")
def ann(server: Any) -> Person:
    return Person(server, "ann")


@pytest.fixture(scope="module")
def bob(server: Any) -> Person:
    return Person(server, "bob")


def test_a_denied_deed_is_confirmed_and_then_that_deed_alone_is_allowed(server: Any, ann: Person) -> None:
    asked = ann.ask(session="s1")
    link = path_of(asked)
    told = ann.answer(link, ann.options(link))
    assert told.status_code == 200
    assert 119 <= told.json()["holds_s"] <= 120, "the rule's max_age is shorter than the server's own"
    assert ann.ask(session="s1")["decision"] is True
    assert ann.ask(session="s1", action="read")["decision"] is False, "another action"
    assert ann.ask(session="s1", doc="2")["decision"] is False, "another resource"
    assert ann.ask(session="s2")["decision"] is False, "another session"
    assert ann.ask()["decision"] is False, "no session"
    allowed = ann.ask(session="s1")

    # One chain: the decision that asked, the record that names it, the decision that allows.
    house = server.house
    stored = house.log.get("default", told.json()["record"])
    assert stored.kind == "step_up"
    record = msgspec.json.decode(stored.payload)
    assert (record["cause"], record["outcome"]) == (asked["context"]["id"], "proven")
    assert (record["subject"], record["action"], record["resource_id"]) == ("user:ann", "drop", "1")
    asking, allowing = (house.log.get("default", one["context"]["id"]) for one in (asked, allowed))
    assert asking.index < stored.index < allowing.index
    final = msgspec.json.decode(allowing.payload, type=DecisionRecord)
    assert msgspec.json.decode(final.input)["session"]["step_up"]["acr"] == "urn:ostiary:acr:phishing-resistant"


def test_without_a_session_the_proof_is_for_subject_action_and_resource(ann: Person, bob: Person) -> None:
    link = ann.link(doc="free")
    assert ann.answer(link, ann.options(link)).status_code == 200
    assert ann.ask(doc="free")["decision"] is True
    assert ann.ask(doc="free", action="read")["decision"] is False
    assert bob.ask(doc="free")["decision"] is False


def test_an_answer_to_one_request_is_none_to_another(ann: Person) -> None:
    mine, other = ann.link(session="s3", doc="a"), ann.link(session="s3", doc="b")
    options = ann.options(mine)
    assert code(ann.answer(other, options)) == (403, "challenge_other_request")
    assert ann.ask(session="s3", doc="b")["decision"] is False
    assert ann.answer(mine, options).status_code == 200, "it was not used up by the attempt"


def test_the_same_person_asking_twice_gets_two_things_to_sign(ann: Person) -> None:
    link = ann.link(session="s4")
    first, second = ann.options(link), ann.options(link)
    assert first["get"]["challenge"] != second["get"]["challenge"]
    assert len(decoded(first["get"]["challenge"])) == 64


def test_an_answer_counts_once(ann: Person) -> None:
    link = ann.link(session="s5")
    options = ann.options(link)
    body = {"seal": options["seal"], "credential": ann.passkey.get(options["get"])}
    assert ann.post(f"{link}/answer", body).status_code == 200
    assert code(ann.post(f"{link}/answer", body)) == (403, "challenge_used")
    assert ann.answer(link, options).json()["code"] == "challenge_used", "nor does a second signature over it"


def test_of_two_answers_at_once_one_counts(server: Any) -> None:
    person = Person(server, "racer", counts=False)
    link = person.link(session="s6")
    options = person.options(link)
    bodies = [{"seal": options["seal"], "credential": person.passkey.get(options["get"])} for _ in range(6)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: person.post(f"{link}/answer", body), bodies))
    assert sorted(answer.status_code for answer in answers) == [200, *[403] * 5]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 403} == {"challenge_used"}


LIES = [
    (Lies(verified=False), "webauthn_user_not_verified"),
    (Lies(present=False), "webauthn_user_absent"),
    (Lies(origin="https://evil.example"), "webauthn_origin_wrong"),
    (Lies(origin="http://localhost:8182"), "webauthn_origin_wrong"),
    (Lies(rp_id="evil.example"), "webauthn_rp_wrong"),
    (Lies(type="webauthn.create"), "webauthn_type_wrong"),
    (Lies(challenge=bytes(64)), "challenge_unknown"),
    (Lies(challenge=b"short"), "challenge_unknown"),
    (Lies(handle=b"somebody else"), "webauthn_user_handle_wrong"),
    (Lies(members={"crossOrigin": True}), "webauthn_in_frame"),
    (Lies(members={"topOrigin": "https://evil.example"}), "webauthn_in_frame"),
]


@pytest.mark.parametrize(("lies", "expected"), LIES, ids=[why for _, why in LIES])
def test_every_lie_has_its_own_refusal(ann: Person, lies: Lies, expected: str) -> None:
    link = ann.link(session="lies", doc=expected)
    assert code(ann.answer(link, ann.options(link), lies)) == (403, expected)
    assert ann.ask(session="lies", doc=expected)["decision"] is False


def test_a_changed_signature_is_refused(ann: Person) -> None:
    link = ann.link(session="s7")
    options = ann.options(link)
    credential = ann.passkey.get(options["get"])
    other = ann.passkey.get(options["get"])
    credential["response"]["signature"] = other["response"]["signature"]
    answer = ann.post(f"{link}/answer", {"seal": options["seal"], "credential": credential})
    assert code(answer) == (403, "webauthn_signature_invalid")


def test_a_counter_that_does_not_rise_is_a_copy_and_leaves_a_record(server: Any) -> None:
    person = Person(server, "cloned")
    link = person.link(session="s8")
    assert person.answer(link, person.options(link), Lies(count=9)).status_code == 200
    again = person.link(session="s8", doc="2")
    options = person.options(again)
    assert code(person.answer(again, options, Lies(count=9))) == (403, "authenticator_cloned")
    records = [msgspec.json.decode(one.payload) for one in server.house.log.iterate("default", "step_up")]
    assert [one["outcome"] for one in records if one["subject"] == "user:cloned"][-1] == "authenticator_cloned"
    # Who does not hold the key causes no such record, whatever counter is claimed.
    size = len(records)
    credential = person.passkey.get(options["get"], Lies(count=1))
    credential["response"]["signature"] = person.passkey.get(options["get"])["response"]["signature"]
    refused = person.post(f"{again}/answer", {"seal": options["seal"], "credential": credential})
    assert refused.json()["code"] == "webauthn_signature_invalid"
    assert len(list(server.house.log.iterate("default", "step_up"))) == size


def test_another_persons_passkey_does_not_confirm(ann: Person, bob: Person) -> None:
    link = ann.link(session="s9")
    options = ann.options(link)
    answer = bob.post(f"{link}/answer", {"seal": options["seal"], "credential": bob.passkey.get(options["get"])})
    assert code(answer) == (403, "authenticator_unknown")


def test_the_same_passkey_of_another_tenant_does_not_confirm(server: Any, ann: Person) -> None:
    foreign = Person(server, "ann", tenant="beta")
    link = ann.link(session="s10")
    options = ann.options(link)
    answer = ann.post(f"{link}/answer", {"seal": options["seal"], "credential": foreign.passkey.get(options["get"])})
    assert code(answer) == (403, "authenticator_unknown")


def test_a_removed_passkey_confirms_nothing_even_when_it_was_asked_before(server: Any) -> None:
    person = Person(server, "leaver")
    link = person.link(session="s11")
    options = person.options(link)
    inviting.remove(server.house, "default", "user:leaver", person.passkey.credential_id, "adm_test")
    assert code(person.answer(link, options)) == (403, "authenticator_unknown")
    assert code(person.post(f"{link}/options", {})) == (403, "authenticator_none")


def test_nobody_else_finds_anything_behind_a_link(server: Any, ann: Person) -> None:
    link = ann.link(session="s12")
    decision = link.rpartition("/")[2]
    allowed = ann.ask(action="odd")["context"]["id"]
    wrong = [
        f"/step-up/beta/{decision}",
        f"/step-up/nobody/{decision}",
        f"/step-up/default/{decision[:-1]}Z",
        "/step-up/default/",
        "/step-up/default",
        "/step-up/default/dec_%0a",
        f"/step-up/default/{allowed}",
        "/enrol/",
        "/enrol/guess",
    ]
    pages = {server.client.get(path).text for path in wrong}
    assert len(pages) == 1, "an unknown id, another tenant's and one that asks nothing of a passkey look alike"
    assert {server.client.get(path).status_code for path in wrong} == {404}
    for path in (f"/step-up/beta/{decision}", f"/step-up/default/{allowed}"):
        assert code(ann.post(f"{path}/options", {})) == (404, "step_up_unknown")
        assert code(ann.post(f"{path}/answer", {})) == (404, "step_up_unknown")


def test_a_step_up_that_no_passkey_can_answer_names_no_page(ann: Person) -> None:
    told = ann.ask(action="odd")
    (obligation,) = told["context"]["obligations"]
    assert obligation["properties"] == {"acr_value": "urn:example:smartcard", "acr_values": ["urn:example:smartcard"]}


def test_a_session_that_ended_is_not_raised(server: Any, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    link = ann.link(session="s13")
    options = ann.options(link)
    name = "user\nann\ns13"
    server.house.ledger.terminate("default", name, at_ns=server.house.clock.now_ns(), reason="test")
    told: list[str] = []
    append = server.house.log.append

    def listen(tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject: str) -> Any:
        told.extend([msgspec.json.decode(payload)["outcome"]] if kind == "step_up" else [])
        return append(tenant, kind, record_id, time_ns, payload, subject)

    monkeypatch.setattr(server.house.log, "append", listen)
    assert code(ann.answer(link, options)) == (403, "step_up_session_ended")
    assert told[-1] == "step_up_session_ended", "the log must not tell of a rise that was none"
    assert ann.ask(session="s13")["context"]["effect"] == "DENY"


def test_other_sites_cannot_drive_the_steps(ann: Person) -> None:
    link = ann.link(session="s14")
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        assert code(ann.post(f"{link}/options", {}, **headers)) == (403, "step_up_foreign_site")
    assert ann.post(f"{link}/options", {}, origin=ORIGIN, **{"sec-fetch-site": "same-origin"}).status_code == 200


def test_the_challenge_of_the_answer_names_the_page(ann: Person) -> None:
    body = {
        "subject": {"type": "user", "id": "ann"},
        "action": {"name": "drop"},
        "resource": {"type": "doc", "id": "h"},
    }
    answer = ann.server.post("evaluation", msgspec.json.encode(body))
    uri = f"{ORIGIN}/step-up/default/{answer.json()['context']['id']}"
    assert answer.headers["www-authenticate"] == (
        'Bearer error="insufficient_user_authentication", acr_values="urn:ostiary:acr:phishing-resistant", '
        f'max_age="120", step_up_uri="{uri}"'
    )
    # The record, and with it every replay, knows nothing of the address.
    (record,) = [one for one in ann.server.records() if one.receipt.decision_id == answer.json()["context"]["id"]]
    assert "uri" not in record.obligations[0].properties


def test_the_page_is_strict_and_shows_what_it_is_about_as_text(server: Any, ann: Person) -> None:
    told = ann.ask(session="s15", doc="<script>alert(1)</script>\u202egnp.exe")
    page = server.client.get(path_of(told), params={"return_to": "https://evil.example/"})
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "\u202e" not in page.text
    assert "Dropping &lt;b&gt;everything&lt;/b&gt; needs a fresh proof." in page.text
    assert "Ask a colleague to look." in page.text
    assert "evil.example" not in page.text
    assert "style=" not in page.text
    assert "score" not in page.text


def test_what_the_page_loads_may_be_kept_for_ever(server: Any, ann: Person) -> None:
    page = server.client.get(ann.link(session="s16")).text
    paths = [part.split('"')[0] for part in page.split('"/static')[1:]]
    assert len(paths) == 2
    for path in paths:
        answer = server.client.get(f"/static{path}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert server.client.get("/static/step-up/0000/step-up.js").status_code == 404
    assert server.client.get("/static/step-up/../../etc/passwd").status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"seal": 1}', b'{"credential": [], "seal": "AA"}', b"{" * 99])
def test_a_malformed_answer_is_a_plain_400(server: Any, ann: Person, body: bytes) -> None:
    link = ann.link(session="s17")
    answer = server.client.post(f"{link}/answer", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message"}


def test_asking_a_thousand_times_keeps_nothing_and_crowds_nobody_out(ann: Person) -> None:
    link = ann.link(session="s18")
    first = ann.options(link)
    for _ in range(1000):
        ann.server.client.post(f"{link}/options", json={})
    assert ann.answer(link, first).status_code == 200


def test_a_crowd_is_turned_away_and_decisions_go_on(server: Any, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    link = ann.link(session="s19")
    monkeypatch.setattr("ostiary.server.faces.step_up.MAX_IN_FLIGHT", 0)
    for answer in (server.client.get(link), server.client.post(f"{link}/options", json={})):
        assert (answer.status_code, answer.json()["code"]) == (503, "step_up_busy")
        assert answer.headers["retry-after"] == "1"
    assert ann.ask(session="s19")["context"]["effect"] == "STEP_UP"


def test_each_path_knows_its_methods(server: Any, ann: Person) -> None:
    link = ann.link(session="s20")
    head = server.client.head(link)
    assert (head.status_code, head.content) == (200, b"")
    assert server.client.post(link, json={}).status_code == 405
    assert server.client.get(f"{link}/options").status_code == 405
    assert server.client.post(f"{link}/else", json={}).status_code == 404
    assert server.client.get(f"{link}?return_to=a&return_to=b").status_code == 400
    text = server.client.post(f"{link}/options", content=b"{}", headers={"content-type": "text/plain"})
    assert (text.status_code, text.json()["code"]) == (400, "request_invalid")


def test_a_full_log_lets_nobody_rise(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(server, "unrecorded")
    link = person.link(session="s21")
    options = person.options(link)

    def away(*_: object) -> None:
        raise UnavailableError("disk_full", "the disk is full")

    monkeypatch.setattr(server.house.log, "append", away)
    assert code(person.answer(link, options)) == (503, "disk_full")
    monkeypatch.undo()
    assert person.ask(session="s21")["decision"] is False


def test_a_link_and_a_proof_survive_a_restart_and_a_challenge_does_not(server: Any, ann: Person) -> None:
    proved, waiting = ann.link(session="s22"), ann.link(session="s23")
    assert ann.answer(proved, ann.options(proved)).status_code == 200
    options = ann.options(waiting)
    first = server.house
    with open_house(first.places, first.settings, first.clock, lambda _reason, _fault: None) as second:
        now_ns = second.clock.now_ns()
        asked = find_asked(second, "default", waiting.rpartition("/")[2], now_ns)
        assert asked is not None
        assert asked.session == "user\nann\ns23"
        fresh = Challenges(random_bytes(32))  # as every start makes one
        challenge, seal = decoded(options["get"]["challenge"]), decoded(options["seal"])
        with pytest.raises(RefusedError) as caught:
            fresh.check(challenge, seal, binding_of(asked), now_ns)
        assert caught.value.code == "challenge_unknown"
        about = standing.Asked("default", ("user\nann\ns22",), "user:ann", now_ns, "drop", "doc", "1")
        proof = second.ledger.standing(about).proof
        assert proof is not None
        assert proof.cause == proved.rpartition("/")[2]


def test_a_session_that_fell_rises_by_a_passkey_and_falls_again(server: Any, ann: Person) -> None:
    name, ledger, clock = "user\nann\ns24", server.house.ledger, server.house.clock
    assert ann.ask(action="calm", session="s24")["decision"] is True
    for _ in range(2):
        ledger.demand_step_up("default", name, at_ns=clock.now_ns(), reason="session_risk")
        link = ann.link(action="calm", session="s24")
        before = ann.options(link)
        assert ann.answer(link, before).status_code == 200
        assert ann.ask(action="calm", session="s24")["decision"] is True
        assert ledger.find("default", name).proven_acr == "urn:ostiary:acr:phishing-resistant"


def test_a_proof_from_before_a_fall_does_not_lift_it(server: Any, ann: Person) -> None:
    name, ledger, clock = "user\nann\ns25", server.house.ledger, server.house.clock
    ledger.demand_step_up("default", name, at_ns=clock.now_ns(), reason="session_risk")
    link = ann.link(action="calm", session="s25")
    assert ann.answer(link, ann.options(link)).status_code == 200
    ledger.demand_step_up("default", name, at_ns=clock.now_ns(), reason="session_risk")
    assert ann.ask(action="calm", session="s25")["context"]["effect"] == "STEP_UP"
