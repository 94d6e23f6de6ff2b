"""Attack: one human being with an administrator's key and an entry in the console tries to count as two."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ostiary.approvals.people import Person
from ostiary.approvals.proposal import Draft
from ostiary.errors import RefusedError
from ostiary.server.admins import name_of
from ostiary.server.consented import may_add_administrator
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import approve_recovery, invite, request_recovery
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.approvals import Deed

People = Callable[..., FakeBrowser]
BODY = {"kind": "phase.change", "target": "deny@*", "bound": "from=shadow\nto=low_risk", "why": "thirty quiet days"}


class World:
    """Ann has a key, an entry in the console, and a second entry under another name; Bob and Cyd have one each."""

    def __init__(self, server: Any, people: People) -> None:
        self.server, self.house = server, server.house
        self.people = {name: people("approver", name=name) for name in ("ann", "bob", "cyd", "ann-private", "mal")}
        self.ann_key = self.house.admins.create("default")
        law = (
            Person("user:ann", ("risk",), (f"administrator:{self.ann_key.partition('.')[0]}", "user:ann-private")),
            Person("user:bob", ("ops",)),
            Person("user:cyd", ("ops", "risk")),
        )
        self.house.approvals.room.bootstrap("default", law, "command line")

    def propose(self, name: str) -> Any:
        return self.people[name].deed("/approvals/propose", BODY)

    def proposed(self, name: str) -> str:
        answer = self.propose(name)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["go"]).rpartition("/")[2]

    def proposed_with_key(self) -> str:
        body = {"kind": "phase.change", "target": "deny@*", "bound": {"from": "shadow", "to": "live"}}
        made = self.server.admin("POST", "/tenants/default/approvals", json=body, key=self.ann_key)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def sign(self, proposal: str, name: str, *, by: str = "", comment: str = "") -> httpx.Response:
        """Sign as the console's script does, with the passkey of ``by``."""
        path, browser = f"/approve/default/{proposal}", self.people[by or name]
        hand = {"person": f"user:{name}", "signer": f"user:{name}", "decision": "approve", "delegation": ""}
        asked = browser.client.post(f"{path}/options", json={**hand, "comment": comment})
        if asked.status_code != 200:
            return asked
        told = {**hand, "comment": comment, "credential": browser.passkey.get(asked.json()["get"])}
        return browser.client.post(f"{path}/answer", json=told)

    def state(self, proposal: str) -> Any:
        return self.house.approvals.room.standing("default", proposal)


@pytest.fixture(scope="module")
def world(server: Any, people: People) -> World:
    return World(server, people)


def test_who_asks_at_the_console_asks_as_itself(world: World) -> None:
    made = world.state(world.proposed("bob")).proposal
    assert (made.proposer, made.by) == ("user:bob", "user:bob")


def test_who_asked_at_the_console_does_not_agree(world: World) -> None:
    made = world.proposed("ann")
    assert world.sign(made, "ann").json()["code"] == "approval_own_work"
    page = world.people["ann"].get(f"/approvals/{made}").text
    assert "whoever made or asked for something does not approve it" in page
    assert 'data-decision="approve"' not in page


def test_who_asked_with_a_key_does_not_agree_at_the_console(world: World) -> None:
    made = world.proposed_with_key()
    assert world.sign(made, "ann").json()["code"] == "approval_own_work"
    assert 'data-decision="approve"' not in world.people["ann"].get(f"/approvals/{made}").text


def test_another_entry_of_the_same_person_is_the_same_person(world: World) -> None:
    made = world.proposed("ann-private")
    assert world.state(made).proposal.proposer == "user:ann"
    assert world.sign(made, "ann").json()["code"] == "approval_own_work"
    assert world.sign(made, "ann-private").json()["code"] == "approval_not_asked"
    assert 'data-decision="approve"' not in world.people["ann-private"].get(f"/approvals/{made}").text


def test_nobody_signs_twice_by_two_entries(world: World) -> None:
    made = world.proposed("bob")
    assert world.sign(made, "ann").status_code == 200
    assert world.sign(made, "ann-private").json()["code"] == "approval_not_asked"
    assert world.sign(made, "ann", by="ann-private").status_code == 403
    assert world.state(made).state == "open"
    assert world.sign(made, "cyd", comment="looked at the report").status_code == 200
    standing = world.state(made)
    assert standing.state == "approved"
    assert [one.comment for one in standing.voices] == ["", "looked at the report"]


def test_who_is_nobody_among_the_people_asks_for_nothing(world: World) -> None:
    answer = world.propose("mal")
    assert answer.json()["code"] == "approval_proposer_unknown"


@pytest.mark.parametrize("name", ["administrator", "adm_1", "ann2"])
def test_a_name_that_looks_like_another_is_another(world: World, name: str) -> None:
    assert not world.house.approvals.room.law("default").who(name_of(f"user:{name}"))


def test_a_comment_is_part_of_what_is_signed(world: World) -> None:
    made, browser = world.proposed("bob"), world.people["ann"]
    path = f"/approve/default/{made}"
    hand = {"person": "user:ann", "signer": "user:ann", "decision": "approve", "delegation": ""}
    asked = browser.client.post(f"{path}/options", json={**hand, "comment": "only after Monday"}).json()
    told = {**hand, "credential": browser.passkey.get(asked["get"])}
    for comment in ("", "any time"):
        answer = browser.client.post(f"{path}/answer", json={**told, "comment": comment})
        assert answer.json()["code"] == "challenge_other_request"
    assert browser.client.post(f"{path}/answer", json={**told, "comment": "only after Monday"}).status_code == 200


def test_who_makes_a_key_for_itself_at_the_console_does_not_agree_to_it(world: World) -> None:
    deed = Deed("default", "administrators.change", "administrators", {"add": "default"}, frozenset())
    room = world.house.approvals.room
    made = room.propose("default", Draft(deed, "user:bob", "for the night shift")).proposal_id
    for name in ("ann", "cyd"):
        assert world.sign(made, name).status_code == 200
    with pytest.raises(RefusedError) as refused:
        may_add_administrator(world.house, "user:ann", "default", made)
    assert refused.value.code == "approval_own_work", "Ann would hold the key to which she agreed"


def test_one_person_is_no_two_administrators(server: Any, people: People) -> None:
    """Without people a recovery takes two administrators: a key that Ann made for herself at the console is Ann."""
    house, lost = server.house, "user:lost"
    owner = people("owner", "acme", name="ann-acme")
    victim = FakeBrowser(server.url, house.settings.server.public_url, "lost", "acme")
    victim.enrol(invite(house, "acme", lost, COMMAND_LINE).url)
    victim.client.close()
    own_key = owner.deed("/keys/administrators", {}).json()["once"]["text"]
    key_id = own_key.partition(".")[0]
    made = request_recovery(house, "acme", lost, "user:ann-acme", "lost the phone")
    with pytest.raises(RefusedError, match="two administrators"):
        approve_recovery(house, "acme", made.recovery_id, key_id)
    second = request_recovery(house, "acme", lost, key_id, "lost the phone")
    with pytest.raises(RefusedError, match="two administrators"):
        approve_recovery(house, "acme", second.recovery_id, "user:ann-acme")
    again = server.admin("POST", "/tenants/acme/admin-keys", key=own_key).json()["key_id"]
    with pytest.raises(RefusedError, match="two administrators"):
        approve_recovery(house, "acme", second.recovery_id, again)
    third = request_recovery(house, "acme", lost, again, "lost the phone")
    house.admins.revoke(again)
    with pytest.raises(RefusedError, match="two administrators"):
        approve_recovery(house, "acme", third.recovery_id, "user:ann-acme")
    assert approve_recovery(house, "acme", second.recovery_id, "user:someone-else").removed == 1
