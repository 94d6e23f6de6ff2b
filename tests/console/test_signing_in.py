"""Signing in by passkey, what a session is good for, and every way in which it must not be."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.server.console.cookies import NAME
from ostiary.server.console.people import enter, people_of, take_off
from ostiary.server.console.sessions import sessions_of
from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]


def kinds(server: Any, action: str) -> list[dict[str, Any]]:
    told = [msgspec.json.decode(one.payload) for one in server.house.log.iterate("default", "admin") if one.payload]
    return [one for one in told if one["action"] == action]


def test_a_person_signs_in_looks_and_leaves(server: Any, people: People) -> None:
    ann = people("owner", name="ann")
    page = ann.get("/me")
    assert page.status_code == 200
    assert "ann" in page.text
    assert ann.deed("/sign-out").json() == {"go": "/sign-in"}
    assert ann.get("/me").status_code == 303
    assert [one["subject"] for one in kinds(server, "console.sign_in")][-1] == "user:ann"
    assert kinds(server, "console.sign_out")[-1]["reason"] == "signed_out"


def test_every_click_is_one_decision_with_its_record(server: Any, people: People) -> None:
    before = len(server.records())
    people("auditor").get("/people")
    (record,) = server.records()[before:]
    assert (record.pep, record.subject_key) == ("ostiary:console", "user:auditor-default")
    assert (record.event.action, record.event.resource_id) == ("console.view", "people")


def test_the_cookie_is_for_this_host_and_no_script(server: Any, people: People) -> None:
    told = people("owner", name="cookie").sign_in().headers["set-cookie"]
    assert told.startswith(f"{NAME}=default.con_")
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(told.split("; "))


def test_names_that_nobody_has_look_like_those_that_somebody_has(server: Any, people: People) -> None:
    known = people("owner")
    asked = [known.client.post("/sign-in/options", json={"name": n}).json() for n in ("owner-default", "nobody")]
    again = known.client.post("/sign-in/options", json={"name": "nobody"}).json()
    real, made_up = (one["get"]["allowCredentials"] for one in asked)
    assert made_up == again["get"]["allowCredentials"], "the same each time, as a real one"
    assert len(real[0]["id"]) == len(made_up[0]["id"])
    answers = []
    for name in ("nobody", "owner-default"):
        stranger = FakeBrowser(server.url, known.passkey.origin, name)
        answers.append(stranger.sign_in())
        stranger.client.close()
    assert {(one.status_code, one.text) for one in answers} == {(answers[0].status_code, answers[0].text)}
    assert answers[0].json()["code"] == "console_sign_in_refused"


def test_a_passkey_without_a_role_opens_nothing(server: Any, people: People) -> None:
    bob = people("analyst", name="bob")
    take_off(server.house, "default", "user:bob", "test")
    assert bob.get("/me").status_code == 303, "the next click finds no role"
    assert bob.sign_in().json()["code"] == "console_no_role"


@pytest.mark.parametrize(
    "changed",
    [{"until": "1"}, {"until": "9" * 20}, {"until": ""}, {"tenant": "acme"}, {"name": "owner"}, {"seal": "A"}],
)
def test_an_answer_is_good_for_its_question_alone(server: Any, people: People, changed: dict[str, str]) -> None:
    answer = people("owner").sign_in(**changed)
    assert answer.status_code == 403
    assert answer.json()["code"] == "console_sign_in_refused"


def test_an_answer_is_good_once(server: Any, people: People) -> None:
    owner = people("owner")
    asked = owner.client.post("/sign-in/options", json={"name": owner.name}).json()
    told = {"name": owner.name, "seal": asked["seal"], "until": asked["until"]}
    told["credential"] = owner.passkey.get(asked["get"])
    first, second = (owner.client.post("/sign-in/answer", json=told) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 403)


@pytest.mark.parametrize("origin", ["http://evil.example", ""])
def test_another_site_signs_nobody_in(server: Any, people: People, origin: str) -> None:
    owner = people("owner")
    answer = owner.client.post("/sign-in/options", json={"name": owner.name}, headers={"origin": origin})
    assert answer.json()["code"] == "console_foreign_site"


def test_next_leads_nowhere_else(server: Any, people: People) -> None:
    owner = people("owner")
    for bad in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a b"):
        assert owner.sign_in(next=bad).json() == {"go": "/"}
    assert owner.sign_in(next="/decisions?effect=DENY").json() == {"go": "/decisions?effect=DENY"}


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        f"{NAME}=default.con_00000000000000000000000000.x",
        f"{NAME}=../../x.con_1.x",
        f"{NAME}=default..",
        f"{NAME}=" + "a" * 9000,
    ],
)
def test_a_cookie_that_is_none_leads_to_the_sign_in(server: Any, people: People, cookie: str) -> None:
    answer = people("owner").client.get("/people", headers={"cookie": cookie})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/people")


def test_a_session_of_one_tenant_is_none_of_another(server: Any, people: People) -> None:
    acme = people("owner", "acme")
    assert "acme" in acme.get("/me").text
    moved = acme.cookie.replace("=acme.", "=default.")
    assert acme.client.get("/me", headers={"cookie": moved}).status_code == 303


def test_a_secret_of_another_session_opens_nothing(server: Any, people: People) -> None:
    one, other = people("owner"), people("auditor")
    mixed = one.cookie.rpartition(".")[0] + "." + other.cookie.rpartition(".")[2]
    assert one.client.get("/me", headers={"cookie": mixed}).status_code == 303


def test_a_session_that_ends_elsewhere_ends_here(server: Any, people: People) -> None:
    carl = people("analyst", name="carl")
    carl.get("/me")
    (session,) = sessions_of(server.house).of("default", "user:carl")
    server.house.ledger.terminate("default", session.session_id, at_ns=server.house.clock.now_ns(), reason="stolen")
    answer = carl.get("/me")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/me")
    assert sessions_of(server.house).of("default", "user:carl") == []


def test_a_row_that_was_written_by_other_hands_is_no_session(server: Any, people: People) -> None:
    dora = people("developer", name="dora")
    store = server.house.store.snapshots
    (session,) = sessions_of(server.house).of("default", "user:dora")
    data = store.load("default", "console_session", session.session_id)
    store.save("default", "console_session", session.session_id, data.replace(b"dora", b"dors"), 1)
    assert dora.get("/me").status_code == 303
    store.delete("default", "console_session", session.session_id)


def test_one_more_session_ends_the_oldest(server: Any, people: People) -> None:
    eve = people("developer", name="eve")
    first = eve.cookie
    for _ in range(server.house.settings.console.max_sessions):
        eve.sign_in().raise_for_status()
    assert eve.client.get("/me", headers={"cookie": first}).status_code == 303
    assert eve.get("/me").status_code == 200


def test_the_last_owner_stays(server: Any) -> None:
    house = server.house
    enter(house, "acme", "user:solo", ["owner"], "test")
    owners = [one.subject for one in people_of(house).all("acme") if "owner" in one.roles]
    for subject in owners[1:]:
        take_off(house, "acme", subject, "test")
    with pytest.raises(Exception, match="last owner"):
        take_off(house, "acme", owners[0], "test")
