"""The self-defence page: stored figures and nothing else, hostile names as text, nobody's own thresholds."""

from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import msgspec
import pytest

from ostiary.defence.anchors import BASELINE_DAYS
from ostiary.defence.budgets import Budgets, Want, key_of
from ostiary.server.reports import Reports
from ostiary.testing.console import FakeBrowser
from ostiary.vocabulary.events import AccessEvent, EventOutcome

if TYPE_CHECKING:
    from ostiary.decision.parts import Decided

People = Callable[..., FakeBrowser]
DAY_NS = 86_400 * 10**9
EVE, SAM = "<b>eve</b>", "owner-default"
API = "/tenants/default/defence"
BODY = {
    "passed": False,
    "attacks": [
        {
            "line": {"attack": "extraction-one", "atlas": "AML.T0024.002", "without": 0.91, "with": 0.02, "n": 40},
            "describe": "One asker maps the scorer; <i>budgets</i> stop it.",
            "passed": True,
            "bound": 0.1,
            "found": [],
            "notes": {},
        },
        {
            "line": {"attack": "padding", "atlas": "AML.T0015", "without": 0.5, "with": 0.5, "n": 12},
            "describe": "Pads.",
            "passed": False,
        },
    ],
}


def lived(house: Any, name: str, days: range, late: float = 0.0) -> None:
    """Let somebody work around ten; later by ``late`` hours each day after the baseline."""
    rng = Random(7)  # noqa: S311 - a simulation
    for day in days:
        for _ in range(3):
            hour = min(23.0, 10.0 + rng.gauss(0.0, 1.0) + late * max(0, day - BASELINE_DAYS))
            at = (19_000 + day) * DAY_NS + int(hour * 3_600 * 10**9)
            event = AccessEvent(
                f"{name}-{day}-{hour}",
                "default",
                at,
                name,
                "read",
                "table",
                "sales",
                count=rng.choice((3.0, 9.0)),
                outcome=EventOutcome.SUCCESS,
            )
            told = msgspec.Raw(msgspec.json.encode({"drift": {"alarm": False}}))
            record = SimpleNamespace(tenant="default", risk=SimpleNamespace(level="low"), session_risk=None, input=told)
            house.drift.observe(cast("Decided", SimpleNamespace(event=event, record=record)), quiet=True)


def asked(server: Any, name: str, questions: int) -> None:
    body = {"subject": {"type": "user", "id": name}, "action": {"name": "x"}, "resource": {"type": "y", "id": "z"}}
    server.post("evaluation", msgspec.json.encode(body))
    house = server.house
    want = Want(key_of("questions", "free", f"user:{name}"), house.settings.defence.budgets().free)
    assert Budgets(house.store.budgets).take("default", want, questions, house.clock.now_ns())


@pytest.fixture(scope="module")
def attacked(server: Any) -> Any:
    house = server.house
    for name in (EVE, SAM):
        lived(house, name, range(BASELINE_DAYS + 40), late=0.15)
        asked(server, name, 30)
    while {"user:" + EVE, "user:" + SAM} - {one["subject"] for one in questions(server)}:
        pass
    said = {"v": 1, "type": "inspection", "subject": f"user:{EVE}", "decision_id": "dec_1", "outcome": "leak_blocked"}
    said["findings"] = [{"rule": "canary.prompt", "start": 0, "end": 9}]
    house.log.append("default", "inspection", "ins_1", house.clock.now_ns(), msgspec.json.encode(said), "").result(10)
    return server


def questions(server: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.admin("GET", API).json()["questions"]["askers"]
    return found


def test_where_nothing_is_stored_the_command_is_named(people: People) -> None:
    page = people("owner", "acme").get("/defence").text
    for words in ("No red-team report is kept", "ostiary redteam run", "Nobody has a frozen baseline", "No batch was"):
        assert words in page
    assert "eve&lt;" not in page


def test_what_is_stored_is_shown_and_hostile_names_are_text(attacked: Any, people: People) -> None:
    page = people("analyst").get("/defence").text
    assert "user:&lt;b&gt;eve&lt;/b&gt;" in page
    assert "<b>eve" not in page
    assert "the hours of work up" in page
    assert "canary.prompt" in page
    told = attacked.admin("GET", API).json()
    by_name = {one["subject"]: one for one in told["questions"]["askers"]}
    assert (by_name[f"user:{EVE}"]["used"], by_name[f"user:{EVE}"]["limit"]) == (30, 500)
    assert told["drift"]["alarms"] == 2
    assert {one["subject"] for one in told["drift"]["rows"]} == {f"user:{EVE}", f"user:{SAM}"}
    assert told["redteam"] is None


def test_nobody_reads_how_near_he_is_himself(attacked: Any, people: People) -> None:
    assert "subject=user%3Aowner-default" in people("analyst").get("/defence").text
    assert "subject=user%3Aowner-default" not in people("owner").get("/defence").text


def test_the_newest_red_team_report_is_believed_only_as_it_was_signed(attacked: Any, people: People) -> None:
    house = attacked.house
    reports = Reports(house.store.snapshots, house.ring)
    now = house.clock.now_ns()
    kept = reports.keep("default", "redteam", "", msgspec.json.encode(BODY), now)
    page = people("auditor").get("/defence").text
    for words in ("extraction-one", "AML.T0024.002", "91 %", "2 %", "1 of 2", "does not hold", kept.digest[:26]):
        assert words in page
    assert "<i>budgets" not in page
    data = house.store.snapshots.load("default", "report", kept.digest)
    house.store.snapshots.save("default", "report", kept.digest, data.replace(b"0.91", b"0.01"), now)
    page = people("auditor").get("/defence").text
    assert "does not verify (report_tampered)" in page
    assert "extraction-one" not in page
    assert "extraction-one" not in people("auditor", "acme").get("/defence").text


def test_another_baseline_takes_people(attacked: Any, people: People) -> None:
    path = f"/defence/baselines/{quote('user:' + EVE, safe='')}"
    owner = people("owner")
    assert owner.deed(f"{path}/replace", {"proposal": "apr_x"}).json()["code"] == "reason_missing"
    answer = owner.deed(f"{path}/replace", {"proposal": "apr_x", "why": "a new job"})
    assert answer.status_code in {404, 409}
    assert answer.json()["code"].startswith("approval_")
    assert owner.deed(f"{path}/propose", {"why": "a new job"}).json()["code"] == "approval_proposer_unknown"
    own = f"/defence/baselines/{quote('user:' + SAM, safe='')}"
    for deed in ("propose", "replace"):
        answer = owner.deed(f"{own}/{deed}", {"proposal": "apr_x", "why": "it is me"})
        assert answer.json()["code"] == "console_own_subject"
    for role in ("analyst", "auditor"):
        for deed in ("propose", "replace"):
            assert people(role).deed(f"{path}/{deed}", {"why": "x"}).json()["code"] == "access_denied"
    assert people("owner", "acme").deed(f"{path}/propose", {"why": "x"}).status_code == 404, "theirs is unknown here"
    assert people("approver").get("/defence").status_code == 403
