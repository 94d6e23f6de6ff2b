"""Attack: an owner who was taken off comes back with an administrator's key; a key lets its maker judge himself."""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.testing.console import FakeBrowser

People = Callable[..., FakeBrowser]
PEOPLE = "/tenants/default/console/people"


def key_of(browser: FakeBrowser) -> str:
    return str(browser.deed("/keys/administrators").json()["once"]["text"])


@pytest.mark.parametrize("name", ["gone", "lowered"])
def test_no_key_outlives_the_owner_who_made_it(server: Any, people: People, name: str) -> None:
    owner, mal = people("owner"), people("owner", name=name)
    kept, key = key_of(owner), key_of(mal)
    made_with_it = server.admin("POST", "/tenants/default/admin-keys", key=key).json()["key"]
    if name == "gone":
        assert owner.deed(f"/people/user:{name}/remove").status_code == 200
    else:
        assert owner.deed("/people", {"name": name, "role-auditor": "1"}).status_code == 200
    for each in (key, made_with_it):
        answer = server.admin("PUT", f"{PEOPLE}/user:{name}", json={"roles": ["owner"]}, key=each)
        assert answer.status_code == 401
    assert server.admin("GET", PEOPLE, key=kept).status_code == 200
    recorded = [bytes(one.payload or b"") for one in server.house.log.iterate("default", "admin")]
    assert any(key.partition(".")[0].encode() in one and b"admin_key.revoke" in one for one in recorded)


def test_a_key_does_not_judge_its_maker(server: Any, people: People) -> None:
    maker = people("owner", name="maker")
    key = key_of(maker)
    server.ask("read", subject={"type": "user", "id": "maker"}).raise_for_status()
    record = next(one for one in reversed(server.records()) if one.subject_key == "user:maker" and one.event)
    said = {"target": f"decision:{record.receipt.decision_id}", "verdict": "safe", "reason": "it was me"}
    answer = server.admin("POST", "/tenants/default/feedback", json=said, key=key)
    assert (answer.status_code, answer.json()["code"]) == (409, "feedback_own")
    assert server.admin("POST", "/tenants/default/feedback", json=said).status_code == 200
