"""Approvals as they are met from outside: the page, its two steps, the administrators' API; and who gets nowhere."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.approvals.people import Person
from ostiary.identity.webauthn.types import RelyingParty
from ostiary.testing.approval_scene import enrol
from ostiary.testing.passkey import FakePasskey, Lies

ORIGIN = "http://localhost:8181"
PARTY = RelyingParty("localhost", "Ostiary", (ORIGIN,))
BOUND = {"from": "shadow", "to": "low_risk", "report": "sha256:aa"}
BODY = {"kind": "phase.change", "target": "deny@*", "bound": BOUND, "why": "thirty quiet days"}


class World:
    """A server with people who have passkeys; Zed's key is the administrator's."""

    def __init__(self, server: Any) -> None:
        self.server = server
        house = server.house
        self.key_id = server.admin_key.partition(".")[0]
        people = [
            Person("user:ann", ("risk",)),
            Person("user:bob", ("ops",)),
            Person("user:cyd", ("ops",)),
            Person("user:zed", ("ops",), (f"administrator:{self.key_id}",)),
        ]
        house.approvals.room.bootstrap("default", people, "command line")
        now = house.clock.now_ns()
        self.keys = {one.name: enrol(house.store.authenticators, one.name, now, party=PARTY) for one in people}

    def propose(self, **more: Any) -> dict[str, Any]:
        answer = self.server.admin("POST", "/tenants/default/approvals", json={**BODY, **more})
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def state(self, made: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = self.server.admin("GET", f"/tenants/default/approvals/{made['id']}").json()
        return told

    def decide(
        self, made: dict[str, Any], who: str, decision: str = "approve", *, key: FakePasskey | None = None, **lies: Any
    ) -> Any:
        path = made["url"].removeprefix(ORIGIN)
        hand = {"person": who, "signer": who, "decision": decision, "delegation": ""}
        asked = self.server.client.post(f"{path}/options", json=hand)
        if asked.status_code != 200:
            return asked
        credential = (key or self.keys[who]).get(asked.json()["get"], Lies(**lies))
        return self.server.client.post(f"{path}/answer", json={**hand, "credential": credential})

    def page(self, made: dict[str, Any], query: str = "") -> Any:
        return self.server.client.get(made["url"].removeprefix(ORIGIN) + query)


@pytest.fixture(scope="module")
def world(start_server: Callable[..., Any]) -> World:
    server = start_server(response={"syslog": [{"name": "siem", "host": "127.0.0.1", "port": 9}]})
    assert server.admin("POST", "/tenants", json={"tenant": "beta"}).status_code == 201
    return World(server)


def test_two_people_agree_at_the_page(world: World) -> None:
    made = world.propose()
    assert (made["proposer"], made["state"], made["needed"]) == ("user:zed", "open", 2)
    assert made["changes"] == [{"what": "phase or value", "before": "shadow", "after": "low_risk"}]
    first = world.decide(made, "user:ann")
    assert first.json() == {"state": "open", "standing": "1 more signature needed, of another group"}
    assert world.decide(made, "user:bob").json() == {"state": "approved", "standing": "enough people have agreed"}
    told = world.state(made)
    assert (told["state"], told["agreed"]) == ("approved", ["user:ann", "user:bob"])
    listed = world.server.admin("GET", "/tenants/default/approvals?state=approved").json()
    assert made["id"] in {one["id"] for one in listed}


def test_the_page_says_what_who_why_and_its_words(world: World) -> None:
    made = world.propose(authors=["user:mia"])
    page = world.page(made)
    assert page.status_code == 200
    for words in ("thirty quiet days", "user:zed", "user:mia", "shadow", "low_risk", "sha256:aa", made["words"]):
        assert words in page.text
    assert "require-trusted-types-for 'script'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    assert 'id="act"' not in page.text, "nobody has said who he is"
    assert "?as=user%3Aann" in page.text
    assert "?as=user%3Azed" not in page.text, "the proposer is not asked"


def test_the_page_hides_the_buttons_from_who_cannot_and_says_why(world: World) -> None:
    made = world.propose()
    assert 'id="act"' in world.page(made, "?as=user:ann").text
    for who, words in {
        "user:zed": "Whoever made or asked for something does not approve it",
        "user:mal": "You are not among those who may approve this",
    }.items():
        text = world.page(made, f"?as={who}").text
        assert 'id="act"' not in text
        assert words in text
    world.decide(made, "user:ann")
    assert "You have signed this already" in world.page(made, "?as=user:ann").text
    world.decide(made, "user:bob", "reject")
    assert "People have said no" in world.page(made).text


def test_nothing_that_is_signed_is_cut_off(world: World) -> None:
    long = "x" * 900 + "the end"
    page = world.page(world.propose(bound={"note": long}, why="y" * 900 + "the end of it"))
    assert long in page.text
    assert "the end of it" in page.text


def test_the_page_is_not_fooled_by_names(world: World) -> None:
    made = world.propose(why="<script>alert(1)</script>\u202eevil", target="<b>x</b>")
    page = world.page(made, "?as=%22%3E%3Cscript%3E")
    assert "<script>alert" not in page.text
    assert "<b>x</b>" not in page.text
    assert "\u202e" not in page.text, "it would turn what follows around"
    assert '"><script>' not in page.text
    assert world.page(made, "?as=" + "a" * 4000).status_code in {200, 400, 414, 431}


@pytest.mark.parametrize(
    ("lies", "code"),
    [
        ({"verified": False}, "webauthn_user_not_verified"),
        ({"origin": "http://localhost:1"}, "webauthn_origin_wrong"),
        ({"rp_id": "example.net"}, "webauthn_rp_wrong"),
        ({"challenge": bytes(32)}, "challenge_other_request"),
        ({"type": "webauthn.create"}, "webauthn_type_wrong"),
    ],
)
def test_a_lie_is_refused(world: World, lies: dict[str, Any], code: str) -> None:
    made = world.propose()
    answer = world.decide(made, "user:ann", **lies)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert world.state(made)["voices"] == []


def test_what_is_not_there_or_another_tenants_looks_the_same(world: World) -> None:
    made = world.propose()
    path = f"/approve/default/{made['id']}"
    others = [f"/approve/beta/{made['id']}", "/approve/default/apr_none", "/approve/nobody/x", "/approve/default/law"]
    texts = {world.server.client.get(one).text for one in others}
    assert len(texts) == 1
    assert {world.server.client.get(one).status_code for one in others} == {404}
    hand = {"person": "user:ann", "signer": "user:ann", "decision": "approve"}
    for one in others:
        answer = world.server.client.post(f"{one}/options", json=hand)
        assert (answer.status_code, answer.json()["code"]) == (404, "approval_unknown")
    assert world.server.client.post(path, json={}).status_code == 405
    assert world.server.client.get(f"{path}/options").status_code == 405
    assert world.server.client.get(f"{path}/else").status_code == 404


def test_a_step_from_another_site_or_without_form_is_refused(world: World) -> None:
    path = f"/approve/default/{world.propose()['id']}/options"
    hand = {"person": "user:ann", "signer": "user:ann", "decision": "approve"}
    foreign = world.server.client.post(path, json=hand, headers={"Origin": "http://localhost:1"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "step_up_foreign_site")
    for body in ({}, {**hand, "decision": "maybe"}, {**hand, "person": 1}, {**hand, "delegation": "x" * 99}):
        assert world.server.client.post(path, json=body).status_code == 400
    assert world.server.client.post(path, content=b"{").status_code == 400


def test_whoever_asks_is_the_person_behind_the_key(world: World) -> None:
    other = world.server.house.admins.create("default")
    answer = world.server.admin("POST", "/tenants/default/approvals", json=BODY, key=other)
    assert (answer.status_code, answer.json()["code"]) == (403, "approval_proposer_unknown")
    own = world.propose()
    answer = world.decide(own, "user:zed")
    assert (answer.status_code, answer.json()["code"]) == (403, "approval_own_work")


def test_a_tenants_key_sees_nothing_of_another_tenant(world: World) -> None:
    made, key = world.propose(), world.server.house.admins.create("beta")
    for method, path in (
        ("GET", "/tenants/default/approvals"),
        ("GET", f"/tenants/default/approvals/{made['id']}"),
        ("POST", f"/tenants/default/approvals/{made['id']}/withdraw"),
    ):
        answer = world.server.admin(method, path, key=key, **({"json": {}} if method == "POST" else {}))
        assert (answer.status_code, answer.json()["code"]) == (404, "tenant_unknown")
    answer = world.server.admin("GET", f"/tenants/beta/approvals/{made['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "approval_unknown")


def test_withdrawn_is_withdrawn(world: World) -> None:
    made = world.propose()
    told = world.server.admin("POST", f"/tenants/default/approvals/{made['id']}/withdraw", json={"why": "no"}).json()
    assert (told["state"], told["withdrawn_by"]) == ("withdrawn", f"administrator:{world.key_id}")
    answer = world.decide(made, "user:ann")
    assert (answer.status_code, answer.json()["code"]) == (403, "approval_withdrawn")


def test_a_delegate_signs_at_the_page(world: World) -> None:
    body = {"giver": "user:ann", "taker": "user:cyd", "kinds": ["phase.change"]}
    answer = world.server.admin("POST", "/tenants/default/approvals/delegations", json=body)
    assert answer.status_code == 201, answer.text
    given = answer.json()
    assert world.decide(given, "user:ann").status_code == 200
    made = world.propose()
    hand = {"person": "user:ann", "signer": "user:cyd", "decision": "approve", "delegation": given["id"]}
    query = f"?as=user:cyd&for=user:ann&delegation={given['id']}"
    assert 'data-person="user:ann" data-signer="user:cyd"' in world.page(made, query).text
    path = made["url"].removeprefix(ORIGIN)
    asked = world.server.client.post(f"{path}/options", json=hand).json()
    credential = world.keys["user:cyd"].get(asked["get"])
    told = world.server.client.post(f"{path}/answer", json={**hand, "credential": credential})
    assert told.status_code == 200, told.text
    assert world.state(made)["agreed"] == ["user:ann"]
    assert "by the hand of" in world.page(made).text


def test_an_outcome_is_told_once_to_the_tenants_sinks(world: World) -> None:
    made = world.propose(target="told@*")
    for who in ("user:ann", "user:bob"):
        world.decide(made, who)
    world.decide(made, "user:cyd")  # a third yes is no other outcome
    world.server.admin("POST", f"/tenants/default/approvals/{made['id']}/withdraw", json={})
    cards = world.server.house.store.cards.listed("default", "letter", ("waiting", "sent", "dead"), 100)
    letters = [msgspec.json.decode(card.data) for card in cards]
    found = [one["facts"] for one in letters if one["facts"]["proposal"] == made["id"]]
    assert sorted(one["state"] for one in found) == ["approved", "withdrawn"]
    assert {one["proposer"] for one in found} == {"user:zed"}


def test_rules_and_people_change_by_those_that_there_are(world: World) -> None:
    law = world.server.admin("GET", "/tenants/default/approvals/people").json()
    assert [one["name"] for one in law["people"]] == ["user:ann", "user:bob", "user:cyd", "user:zed"]
    body = {"kind": "subject.erase", "people": 3, "groups": ["risk"], "why": "it cannot be undone"}
    made = world.server.admin("POST", "/tenants/default/approvals/rules", json=body).json()
    assert {"what": "people", "before": "2", "after": "3"} in made["changes"]
    early = world.server.admin("POST", f"/tenants/default/approvals/{made['id']}/enact")
    assert (early.status_code, early.json()["code"]) == (409, "approval_too_few")
    for who in ("user:ann", "user:bob"):
        assert world.decide(made, who).status_code == 200
    done = world.server.admin("POST", f"/tenants/default/approvals/{made['id']}/enact")
    assert done.json()["rules"]["subject.erase"]["people"] == 3
    again = world.server.admin("POST", f"/tenants/default/approvals/{made['id']}/enact")
    assert again.json()["code"] in {"approval_used", "approval_other_deed"}
    people = [*law["people"], {"name": "user:dan", "groups": ["legal"]}]
    asked = world.server.admin("POST", "/tenants/default/approvals/people", json={"people": people}).json()
    assert asked["changes"][0] == {"what": "user:dan", "before": "—", "after": "legal"}
    wrong = world.server.admin("POST", "/tenants/default/approvals/people", json={"people": [people[0]]})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "approval_unsatisfiable")


def test_the_pages_files_are_kept_and_nothing_else_is_there(world: World) -> None:
    text = world.page(world.propose()).text
    js = text.split('<script type="module" src="')[1].split('"')[0]
    found = world.server.client.get(js.removeprefix(ORIGIN))
    assert found.status_code == 200
    assert "immutable" in found.headers["cache-control"]
    assert world.server.client.get("/static/approvals/x/approve.js").status_code == 404
    assert world.server.client.post(js.removeprefix(ORIGIN)).status_code == 405
