"""Devices, keys, tenants, integrations, people, access: what they show, what they do, what they refuse."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ostiary.approvals.access import AccessRequest, Asked, scope
from ostiary.identity.devices.speaking import Voice
from ostiary.keys import SigningKey
from ostiary.server.console.people import people_of
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.step_up.inviting import invite
from ostiary.server.step_up.party import page_base
from ostiary.testing.console import FakeBrowser
from ostiary.testing.devices import FINE

People = Callable[..., FakeBrowser]
NASTY = "<script>alert(1)</script>\u202eevil {{7*7}}"
PATHS = (
    "/access",
    "/access?show=all",
    "/access/break-glass",
    "/approvals",
    "/approvals?show=decided&kind=x",
    "/approvals/new",
    "/approvals/new?what=person",
    "/approvals/people",
    "/devices",
    "/devices?standing=compliant&text=a",
    "/integrations",
    "/integrations/producers",
    "/integrations/signals",
    "/keys",
    "/keys?user=ann",
    "/people",
)


@pytest.mark.parametrize("path", PATHS)
def test_each_page_says_the_same_as_the_api(people: People, path: str) -> None:
    page = people("owner").get(path)
    assert page.status_code == 200, page.text[:2000]
    assert "/api/v1/tenants/default/" in page.text
    assert "ostiary " in page.text


@pytest.mark.parametrize("path", ["/devices", "/approvals", "/access", "/approvals/new", "/keys", "/people"])
def test_nothing_of_an_address_is_believed(people: People, path: str) -> None:
    query = dict.fromkeys(("show", "kind", "text", "standing", "what", "name", "target", "bound"), NASTY)
    page = people("owner").get(path, params=query)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "{{7*7}}" not in page.text or "49" not in page.text


def test_an_administrators_key_is_shown_once(server: Any, people: People) -> None:
    owner = people("owner")
    told = owner.deed("/keys/administrators").json()["once"]
    key_id = told["text"].partition(".")[0]
    assert server.admin("GET", "/whoami", key=told["text"]).json() == {"key_id": key_id, "tenant": "default"}
    page = owner.get("/keys").text
    assert key_id in page
    assert told["text"] not in page
    assert owner.deed(f"/keys/administrators/{key_id}/revoke").json() == {"go": "/keys"}
    assert server.admin("GET", "/whoami", key=told["text"]).status_code == 401


def test_another_tenants_key_is_as_unknown_as_none(server: Any, people: People) -> None:
    owner = people("owner")
    theirs = server.house.admins.create("acme").partition(".")[0]
    answers = [owner.deed(f"/keys/administrators/{name}/revoke") for name in (theirs, "adm_0000000000000000")]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert theirs not in owner.get("/keys").text


def test_the_next_signing_key_is_for_who_looks_after_the_deployment(server: Any, people: People) -> None:
    path = "/keys/signing/console/rotate"
    refused = people("owner").deed(path, {"overlap_days": "0"})
    assert (refused.status_code, refused.json()["code"]) == (403, "access_denied")
    before = server.house.ring.active("default", "console").kid
    keeper = people("owner", name="keeper", deployment=True)
    assert keeper.deed(path, {"overlap_days": "2"}).status_code == 200
    assert server.house.ring.active("default", "console").kid != before
    assert "1 older still sign" in keeper.get("/keys").text
    assert keeper.deed("/keys/signing/nothing/rotate", {}).status_code == 404
    assert people_of(server.house).find("default", "user:owner-default"), "what the old key signed still verifies"


def test_shredding_takes_the_name_again_and_a_reason(people: People) -> None:
    owner, form = people("owner"), {"subject": "user:ann", "typed": "user:ann", "reason": "art. 17"}
    for changed, code in (({"typed": "user:bob"}, "not_confirmed"), ({"reason": " "}, "reason_missing")):
        answer = owner.deed("/keys/conversations/shred", {**form, **changed})
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert owner.deed("/keys/conversations/shred", form).json() == {"go": "/keys"}


def test_a_tenant_comes_and_goes(server: Any, people: People) -> None:
    keeper = people("owner", name="keeper", deployment=True)
    assert keeper.deed("/tenants", {"tenant": "gamma"}).json() == {"go": "/tenants"}
    assert "gamma" in keeper.get("/tenants").text
    path = "/tenants/gamma/delete"
    assert keeper.deed(path, {"typed": "gamm", "reason": "closed"}).json()["code"] == "not_confirmed"
    assert keeper.deed(path, {"typed": "gamma"}).json()["code"] == "reason_missing"
    assert keeper.deed(path, {"typed": "gamma", "reason": "closed"}).json() == {"go": "/tenants"}
    assert server.house.tenants.find("gamma") is None
    assert keeper.deed(path, {"typed": "gamma", "reason": "closed"}).status_code == 404
    assert keeper.deed("/tenants/system/delete", {"typed": "system", "reason": "x"}).status_code == 404
    assert 'href="/tenants"' not in people("owner").get("/me").text


def test_an_enforcement_point_is_registered_heard_and_removed(server: Any, people: People) -> None:
    owner = people("owner")
    told = owner.deed("/integrations/peps", {"pep_id": "shop-api", "subjects": "asserted"}).json()["once"]
    assert told["text"].startswith("shop-api.")
    page = owner.get("/integrations").text
    assert "never heard" in page
    assert "nothing fails open" in page
    assert told["text"] not in page
    assert owner.deed("/integrations/peps/shop-api/remove", {"typed": "shop"}).json()["code"] == "not_confirmed"
    assert owner.deed("/integrations/peps/shop-api/remove", {"typed": "shop-api"}).json() == {"go": "/integrations"}
    assert "shop-api" not in owner.get("/integrations").text


def test_a_device_is_invited_and_unknown_ones_are_unknown(people: People) -> None:
    owner = people("owner")
    made = owner.deed("/devices/invitations", {"subjects": "user:ann, user:bob", "kind": "laptop", "name": "x"})
    assert made.json()["once"]["text"].startswith("default.")
    assert owner.deed("/devices/invitations", {"kind": "<b>"}).status_code == 400
    for path in ("/devices/dev_none", "/devices/..%2F..%2Fkeys"):
        assert owner.get(path).status_code == 404
    assert owner.deed("/devices/dev_none/release", {"reason": "found again"}).status_code == 404
    assert owner.deed("/devices/dev_none/release", {}).json()["code"] == "reason_missing"


def test_a_person_has_passkeys_and_a_way_back(server: Any, people: People) -> None:
    owner, house = people("owner"), server.house
    page = owner.get("/people/user:owner-default").text
    assert "fake" in page
    assert owner.get("/people/user:nobody").status_code == 404
    victim = FakeBrowser(server.url, house.settings.server.public_url, "lost")
    victim.enrol(invite(house, "default", "user:lost", COMMAND_LINE).url)
    victim.client.close()
    assert owner.get("/people/user:lost").status_code == 200
    assert owner.deed("/people/user:lost/recovery", {}).json()["code"] == "reason_missing"
    assert owner.deed("/people/user:lost/recovery", {"reason": NASTY}).status_code == 200
    page = owner.get("/people/user:lost").text
    assert "somebody else must approve it" in page
    assert "<script>alert" not in page
    waiting = server.admin("GET", "/tenants/default/authenticators/recoveries").json()
    recovery = next(one["id"] for one in waiting if one["subject"] == "user:lost")
    path = f"/people/recoveries/{recovery}/approve"
    assert owner.deed(path).json()["code"] == "recovery_same_administrator"
    second = people("owner", name="second")
    assert second.deed(path).json()["once"]["text"].startswith("http://localhost")
    assert second.deed(path).status_code == 404
    acme = people("owner", "acme")
    assert acme.get("/people/user:owner-default").status_code == 404


def test_breaking_the_glass_takes_agreement(people: People) -> None:
    owner = people("owner")
    form = {"subjects": "user:ann", "replaces": "no-drop", "resources": "db:*", "reason": "the database is down"}
    assert owner.deed("/access/break-glass", form).json()["code"] == "approval_missing"
    refused = owner.deed("/access/break-glass", {**form, "codes": "not-a-code"})
    assert refused.status_code in {400, 409}
    assert owner.deed("/access/break-glass/bgl_none/close", {"reason": "over"}).status_code == 404
    assert owner.deed("/access/break-glass", {**form, "proposal": "apr_x", "until": "soon"}).status_code == 400


def test_sealed_codes_are_shown_once_and_called_back(people: People) -> None:
    owner = people("owner", "acme", name="holder")
    form = {"people": "user:ann\nuser:bob", "need": "2", "subjects": "user:ann", "replaces": "no-drop"}
    told = owner.deed("/access/codes", {**form, "resources": "db:prod", "hours": "2"}).json()["once"]
    assert told["title"] == "Sealed codes, 2 of 2 open"
    lines = told["text"].splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["user:ann", "user:bob"]
    page = owner.get("/access/break-glass").text
    assert "2 of 2" in page
    assert lines[0].partition(": ")[2] not in page


def test_access_is_answered_with_a_reason(people: People) -> None:
    owner = people("owner")
    for path in ("/access/requests/arq_none/deny", "/access/requests/arq_none/grant", "/access/grants/agr_none/revoke"):
        assert owner.deed(path, {}).json()["code"] == "reason_missing"
        assert owner.deed(path, {"reason": "it is over"}).status_code == 404


def test_a_grant_has_a_reason_and_is_taken_back(server: Any, people: People) -> None:
    owner, house, now = people("owner"), server.house, server.house.clock.now_ns()
    hour_ns = 3_600 * 10**9
    asked = Asked("user:mia", NASTY[:40], "db", "customers", scope({}, {}))
    told = AccessRequest("arq_a", "default", "gw", asked, "dec_1", now + hour_ns, NASTY, now, now + hour_ns)
    for name in ("arq_a", "arq_b"):
        house.access.book.keep(msgspec.structs.replace(told, id=name))
    page = owner.get("/access").text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert people("analyst").deed("/access/requests/arq_a/grant", {"reason": "x"}).json()["code"] == "access_denied"
    assert people("owner", "acme").deed("/access/requests/arq_a/grant", {"reason": "x"}).status_code == 404
    own = msgspec.structs.replace(
        told, id="arq_own", asked=msgspec.structs.replace(asked, subject="user:owner-default")
    )
    house.access.book.keep(own)
    assert owner.deed("/access/requests/arq_own/grant", {"reason": "me"}).json()["code"] == "access_own_request"
    assert owner.deed("/access/requests/arq_a/grant", {"reason": "quarter end"}).json() == {"go": "/access"}
    assert owner.deed("/access/requests/arq_b/deny", {"reason": "not yours"}).json() == {"go": "/access"}
    assert owner.deed("/access/requests/arq_a/deny", {"reason": "again"}).json()["code"] == "access_request_answered"
    grant = house.access.book.grants("default")[0].id
    assert owner.deed(f"/access/grants/{grant}/revoke", {"reason": "left the team"}).json() == {"go": "/access"}
    reasons = [told["why"] for told in deeds(server) if told["action"].startswith("access.") and "why" in told]
    assert reasons == ["quarter end", "not yours", "left the team"]
    assert {told["by"] for told in deeds(server) if told["action"] == "access.revoke"} == {"user:owner-default"}


def test_a_device_is_shut_out_and_let_in_again_with_a_reason(server: Any, people: People) -> None:
    book, now, base = server.house.devices, server.house.clock.now_ns(), page_base(server.house.settings)
    invitation, code = book.draft("default", life_s=60, now_ns=now, by="adm", subjects=("user:mia",), kind="laptop")
    book.invite(invitation, now)
    key = SigningKey.generate("device", "ES256")
    device = book.enrol(Voice(key, base).enrol(code, book.challenge("enrol", now), now_ns=now), now).device_id
    book.report(Voice(key, base, "default", device).report(FINE, 1, now_ns=now), now)
    analyst, path = people("analyst"), f"/devices/{device}"
    assert "compliant" in analyst.get(path).text
    assert people("owner", "acme").get(path).status_code == 404
    assert analyst.deed(f"{path}/quarantine", {"reason": "<script>"}).status_code == 400
    assert analyst.deed(f"{path}/quarantine", {"reason": "lost_or_stolen"}).json() == {"go": path}
    assert "shut out" in analyst.get("/devices?standing=quarantined").text
    assert analyst.deed(f"{path}/release", {}).json()["code"] == "reason_missing"
    assert analyst.deed(f"{path}/release", {"reason": "found under the sofa"}).json() == {"go": path}
    assert next(one["reason"] for one in deeds(server) if one["action"] == "device.release") == "found under the sofa"
    assert analyst.deed(f"{path}/remove", {"typed": device}).json()["code"] == "access_denied"
    assert people("owner").deed(f"{path}/remove", {"typed": device}).json() == {"go": "/devices"}


def test_health_is_told_from_decisions(server: Any, people: People) -> None:
    body = {
        "subject": {"type": "user", "id": "mia"},
        "action": {"name": "read"},
        "resource": {"type": "doc", "id": "1"},
    }
    server.post("evaluation", msgspec.json.encode(body))
    server.assembly.projector.catch_up_all()
    told = server.admin("GET", "/tenants/default/peps-health").json()
    heard = next(one for one in told["peps"] if one["pep_id"] == "pep-1")
    assert heard["effect"] in {"DENY", "STEP_UP", "ALLOW"}
    assert sum(heard["decided"].values()) >= 1
    assert (told["fail_open"], told["let_through"]) == ([], 0)
    assert heard["decision_id"] in people("owner").get("/integrations").text
    theirs = server.admin("GET", "/tenants/acme/peps-health").json()
    assert "pep-1" not in {one["pep_id"] for one in theirs["peps"]}


def deeds(server: Any) -> list[dict[str, Any]]:
    return [msgspec.json.decode(one.payload) for one in server.house.log.iterate("default", "admin") if one.payload]
