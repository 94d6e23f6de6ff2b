"""The approver's pages: what needs whom, asking, withdrawing, enacting, signing for somebody; and who sees nothing."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.approvals.people import Person
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
NASTY = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202elive {{7*7}} javascript:alert(1)'
DEED = {"kind": "phase.change", "target": "deny@*", "bound": "from=shadow\nto=low_risk", "why": "thirty quiet days"}


class World:
    """Ann and Eve of risk, Bob and Cyd of operations; Ann is an owner too, the others are approvers."""

    def __init__(self, server: Any, people: People) -> None:
        self.house = server.house
        self.people = {name: people("approver", name=name) for name in ("bob", "cyd", "eve")}
        self.people["ann"] = people("owner", name="ann")
        groups = {"ann": "risk", "eve": "risk", "bob": "operations", "cyd": "operations"}
        law = [Person(f"user:{name}", (group,)) for name, group in groups.items()]
        self.house.approvals.room.bootstrap("default", law, "command line")

    def ask(self, who: str, path: str = "/approvals/propose", **form: str) -> str:
        answer = self.people[who].deed(path, {**DEED, **form})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["go"]).rpartition("/")[2]

    def sign(self, proposal: str, name: str, decision: str = "approve", **hand: str) -> Any:
        path, browser = f"/approve/default/{proposal}", self.people[name]
        told = {"person": f"user:{name}", "signer": f"user:{name}", "decision": decision, "delegation": "", **hand}
        asked = browser.client.post(f"{path}/options", json=told)
        if asked.status_code != 200:
            return asked
        return browser.client.post(
            f"{path}/answer", json={**told, "credential": browser.passkey.get(asked.json()["get"])}
        )

    def needs(self, name: str) -> set[str]:
        return {one.proposal.proposal_id for one in self.house.approvals.inbox.needs("default", f"user:{name}")}

    def page(self, name: str, path: str) -> str:
        answer = self.people[name].get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture(scope="module")
def world(server: Any, people: People) -> World:
    return World(server, people)


def test_it_needs_those_whose_yes_brings_it_nearer(world: World) -> None:
    made = world.ask("bob")
    assert made in world.needs("ann") & world.needs("eve") & world.needs("cyd")
    assert made not in world.needs("bob"), "he asked"
    world.sign(made, "ann")
    assert made not in world.needs("ann"), "she has signed"
    assert made not in world.needs("eve"), "another one of the same group brings it no nearer"
    assert made in world.needs("cyd")
    page = world.page("cyd", "/approvals")
    assert page.index("Needs you") < page.index(made)
    assert 'aria-label="1 of 2 agreed"' in page
    world.sign(made, "cyd")
    assert made not in world.needs("cyd")
    assert made in world.page("cyd", "/approvals")
    assert made not in world.page("cyd", "/approvals?show=decided")
    assert made not in world.page("cyd", "/approvals?kind=model.promote")


def test_a_proposal_says_everything_that_is_signed(world: World) -> None:
    made = world.ask("bob", authors="user:mia")
    standing, page = world.house.approvals.room.standing("default", made), world.page("ann", f"/approvals/{made}")
    words = ("thirty quiet days", "user:bob", "user:mia", "shadow", "low_risk", "2 people from 2 groups")
    for one in (*words, standing.proposal.words, standing.proposal.digest):
        assert one in page
    assert "where it was only watched before" in page
    assert f'data-approve="/approve/default/{made}"' in page
    world.sign(made, "ann", "reject", comment="not in December")
    page = world.page("cyd", f"/approvals/{made}")
    assert "not in December" in page
    assert "Nobody decides on this any more" in page
    assert "data-approve" not in page


def test_nothing_that_was_written_is_more_than_text(world: World) -> None:
    made = world.ask("bob", target="<b>x</b>", why=NASTY, bound=f"note={NASTY.replace(chr(0x202E), '')}")
    world.sign(made, "cyd", comment=NASTY)
    for path in ("/approvals", f"/approvals/{made}"):
        page = world.page("ann", path)
        for piece in ("<script>alert", "<b>x</b>", "<img src=x", "\u202e", 'href="javascript:'):
            assert piece not in page


def test_another_tenants_proposal_is_as_unknown_as_none(world: World, people: People) -> None:
    made, stranger = world.ask("bob"), people("owner", "acme", name="stranger")
    none = "apr_01M8EKX1BFV9CD4H2V4T9RNK1T"
    for ending in ("", "/withdraw", "/stop", "/enact"):
        answers = []
        for name in (made, none, "x"):
            path = f"/approvals/{name}{ending}"
            answers.append(stranger.deed(path, {"reason": "mine"}) if ending else stranger.get(path))
        assert {one.status_code for one in answers} == {404}
        assert len({one.text.replace(made, none).replace("/x", f"/{none}") for one in answers[:2]}) == 1 or not ending
    assert made not in stranger.get("/approvals?show=all").text
    assert world.house.approvals.room.standing("default", made).state == "open"


def test_who_asked_takes_back_and_others_need_the_right(world: World, people: People) -> None:
    made = world.ask("bob")
    assert (
        world.people["cyd"].deed(f"/approvals/{made}/withdraw", {"reason": "x"}).json()["code"] == "approval_not_yours"
    )
    assert world.people["cyd"].deed(f"/approvals/{made}/stop", {"reason": "x"}).json()["code"] == "access_denied"
    assert people("analyst").deed(f"/approvals/{made}/stop", {"reason": "x"}).status_code == 403
    assert world.people["bob"].deed(f"/approvals/{made}/withdraw", {}).json()["code"] == "reason_missing"
    assert world.people["bob"].deed(f"/approvals/{made}/withdraw", {"reason": "too soon"}).status_code == 200
    page = world.page("cyd", f"/approvals/{made}")
    assert "too soon" in page
    other = world.ask("bob")
    assert world.people["ann"].deed(f"/approvals/{other}/stop", {"reason": "not now"}).status_code == 200
    standing = world.house.approvals.room.standing("default", other)
    assert (standing.withdrawn_by, standing.withdrawn_why) == ("user:ann", "not now")


def test_a_rule_is_asked_for_agreed_to_and_enacted(world: World) -> None:
    form = {"kind": "model.release", "people": "3", "spread": "2", "groups": "risk", "why": "since May"}
    made = world.ask("bob", "/approvals/rules", **form)
    page = world.page("ann", f"/approvals/{made}")
    assert "<del><bdi>2</bdi></del>" in page
    assert "<ins><bdi>3</bdi></ins>" in page
    assert world.people["bob"].deed(f"/approvals/{made}/enact").json()["code"] == "approval_too_few"
    for name in ("ann", "cyd"):
        assert world.sign(made, name).status_code == 200
    assert "Put it in force" in world.page("bob", f"/approvals/{made}")
    assert world.people["bob"].deed(f"/approvals/{made}/enact").json() == {"go": "/approvals/people"}
    assert world.house.approvals.room.law("default").rule("model.release").people == 3
    assert "3 people from 2 groups, one of each of risk" in world.page("ann", "/approvals/people")


def test_people_are_changed_one_at_a_time(world: World) -> None:
    made = world.ask("bob", "/approvals/people", name="user:zoe", groups="risk, audit", also="administrator:adm_1")
    told = world.house.approvals.room.standing("default", made).proposal
    found = {one.name: one for one in msgspec.json.decode(told.change, type=list[Person])}
    assert set(found) == {"user:ann", "user:bob", "user:cyd", "user:eve", "user:zoe"}
    assert found["user:zoe"].groups == ("risk", "audit")
    assert found["user:bob"].groups == ("operations",), "nobody else is touched"
    gone = world.ask("bob", "/approvals/people/remove", name="user:eve")
    assert "user:eve" in world.page("ann", f"/approvals/{gone}")
    missing = world.people["bob"].deed("/approvals/people/remove", {"name": "user:nobody", "why": "x"})
    assert missing.json()["code"] == "approval_people_invalid"
    assert (
        world.people["bob"].deed("/approvals/people", {"name": "user:zoe", "why": ""}).json()["code"]
        == "reason_missing"
    )


def test_who_lets_another_one_sign_is_offered_to_that_one(world: World) -> None:
    lent = world.ask("ann", "/approvals/delegations", taker="user:eve", kinds="phase.change", days="2")
    made = world.ask("bob")
    assert "delegated to you" not in world.page("eve", f"/approvals/{made}"), "Ann has not signed it"
    assert world.sign(lent, "ann").status_code == 200
    page = world.page("eve", f"/approvals/{made}")
    assert f'value="user:ann" data-delegation="{lent}"' in page
    assert world.sign(made, "eve", person="user:ann", delegation=lent).status_code == 200
    page = world.page("cyd", f"/approvals/{made}")
    assert "by the hand of <bdi>user:eve</bdi>" in page
    assert world.sign(made, "eve").json()["code"] == "approval_signed_twice"


@pytest.mark.parametrize(
    "form",
    [
        {"bound": "no equals sign"},
        {"bound": "a=1\na=2"},
        {"bound": "\n".join(f"n{number}=1" for number in range(40))},
        {"kind": ""},
        {"kind": "x" * 100},
        {"target": ""},
        {"why": "y" * 2000},
        {"authors": "a" * 4000},
    ],
)
def test_what_is_no_proposal_is_refused_and_told(world: World, form: dict[str, str]) -> None:
    answer = world.people["bob"].deed("/approvals/propose", {**DEED, **form})
    assert answer.status_code == 400
    assert answer.json()["message"]


@pytest.mark.parametrize("number", ["-1", "1e9", "\u0661", "9" * 30, "two"])
def test_a_number_that_is_none_is_refused(world: World, number: str) -> None:
    form = {"kind": "model.release", "people": number, "why": "x"}
    assert world.people["bob"].deed("/approvals/rules", form).status_code == 400


def test_the_api_says_whom_it_needs_and_what_they_can_do(server: Any, world: World) -> None:
    made = world.ask("bob")
    listed = server.admin("GET", "/tenants/default/approvals", params={"needs": "user:eve"}).json()
    assert made in {one["id"] for one in listed}
    told = server.admin("GET", f"/tenants/default/approvals/{made}", params={"as": "user:bob"}).json()
    assert told["you"]["person"] == "user:bob"
    assert told["you"]["yes"] == []
    assert told["you"]["no"] is True, "who asked may still say no"
    assert "does not approve it" in told["you"]["why_not"]
    assert told["risk"] == {"title": "Change a phase", "weight": "plain", "words": told["risk"]["words"]}
    stranger = server.admin("GET", f"/tenants/default/approvals/{made}", params={"as": "user:mal"}).json()["you"]
    assert (stranger["person"], stranger["yes"], stranger["no"]) == ("", [], False)
