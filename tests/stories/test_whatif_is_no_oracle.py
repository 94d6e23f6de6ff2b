"""Attack: hypothetical requests used to change something, to be taken for decisions, or to learn what one may not."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import InProcess
from tests.stories.impact_scene import ADAPTIVE, GUARDRAILS, Scene

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.impact.supposed import Facts, SupposedScore, SupposedSession
from ostiary.server.impact.whatif import Draft, draft_of, what_if

ASK = {"subject": {"type": "user", "id": "alice"}, "action": {"name": "odd"}, "resource": {"type": "doc", "id": "1"}}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Any:
    scene = Scene(tmp_path_factory.mktemp("whatif"))
    yield scene
    scene.house.close()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., InProcess]) -> InProcess:
    return start_server()


def test_both_sides_with_the_rules_that_apply_and_what_was_missing_first(scene: Scene) -> None:
    opened = GUARDRAILS.replace('"worse"}', '"worse", "write"}').replace('input.action.name == "write"', "input.no")
    draft = draft_of({"guardrails.rego": opened, "adaptive.rego": ADAPTIVE}, {})
    asked = {**ASK, "action": {"name": "write"}}
    found = what_if(scene.house, "test", "default", asked, draft=draft)
    assert (found.current.effect, found.changed) == ("DENY", True)
    assert found.projected is not None
    assert (found.projected.effect, found.projected.decision) == ("ALLOW", True)
    rules = {rule.rule: rule for rule in found.current.rules}
    assert rules["no-write"].applies
    assert (rules["may"].applies, "input.action.name in" in rules["may"].condition) == (False, True)
    assert not rules["odd-step-up"].applies


def test_it_says_what_the_real_decision_says(scene: Scene) -> None:
    for action in ("read", "write", "odd", "worse"):
        real = scene.ask(action)
        told = what_if(scene.house, "test", "default", {**ASK, "action": {"name": action}}).current
        assert (told.effect, told.reasons) == (real.outcome.effect.name, real.outcome.reasons)


def test_a_draft_of_phases_alone(scene: Scene) -> None:
    found = what_if(scene.house, "test", "default", ASK, draft=Draft(phases={"step_up": "shadow"}))
    assert found.projected is not None
    assert (found.current.effect, found.projected.effect) == ("STEP_UP", "REDUCE")  # to the next that is live


def test_nothing_comes_of_it_but_the_question_on_record(scene: Scene) -> None:
    before = sum(1 for _ in scene.house.log.iterate("default", "decision"))
    context = {"session_id": "s-whatif", "subject_token": "e30.e30.x"}
    facts = Facts(score=SupposedScore(1.0, "high"), session=SupposedSession("active", proven_acr="urn:x"))
    told = what_if(scene.house, "tester", "default", {**ASK, "context": context}, facts)
    assert told.current.effect == "STEP_UP"
    assert "subject_token" not in told.request["context"]
    assert sum(1 for _ in scene.house.log.iterate("default", "decision")) == before
    assert scene.house.ledger.find("default", "user\nalice\ns-whatif") is None
    deed = scene.deeds("whatif")[-1]
    assert (deed["by"], deed["request"]["action"]["name"], deed["facts"]["score"]["score"]) == ("tester", "odd", 1.0)
    assert "e30" not in str(deed)


def test_a_session_that_is_over_is_over_in_a_hypothesis_too(scene: Scene) -> None:
    facts = Facts(session=SupposedSession("terminated"))
    assert what_if(scene.house, "test", "default", ASK, facts).current.reasons == ("session_terminated",)


@pytest.mark.parametrize(
    "facts",
    [
        Facts(score=SupposedScore(1.5)),
        Facts(score=SupposedScore(float("nan"))),
        Facts(signals={"no_such_signal": 1.0}),
        Facts(at_ns=-5),
        Facts(session=SupposedSession(dropped=("x",) * 1_000)),
    ],
)
def test_what_cannot_be_is_refused(scene: Scene, facts: Facts) -> None:
    with pytest.raises(FaultyInputError) as refused:
        what_if(scene.house, "test", "default", ASK, facts)
    assert refused.value.code == "fact_invalid"


def test_a_draft_is_linted_and_confined(scene: Scene) -> None:
    reaches = GUARDRAILS + 'deny contains {"rule": "x"} if http.send({"url": "http://127.0.0.1"}).status_code == 200\n'
    with pytest.raises(RefusedError) as refused:
        what_if(scene.house, "t", "default", ASK, draft=draft_of({"g.rego": reaches, "a.rego": ADAPTIVE}, {}))
    assert refused.value.code == "policy_refused"
    with pytest.raises(FaultyInputError):
        draft_of({"../g.rego": GUARDRAILS}, {})
    with pytest.raises(FaultyInputError):
        draft_of({"g.rego": "#" * 2_000_000}, {})


def test_only_administrators_of_the_tenant_may_ask(server: InProcess) -> None:
    body = {"request": {**ASK, "action": {"name": "read"}}}
    assert server.admin("POST", "/whatif", json=body).json()["current"]["effect"] == "ALLOW"
    refused = server.admin("POST", "/whatif", key=server.pep_key, json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "admin_unauthenticated")
    assert server.client.post("/api/v1/whatif", json=body).status_code == 401
    server.admin("POST", "/tenants", json={"tenant": "other"})
    foreign = server.house.admins.create("other")
    answers = [
        server.admin("POST", "/whatif", key=foreign, json={**body, "tenant": tenant})
        for tenant in ("default", "nobody")
    ]
    assert [(one.status_code, one.json()) for one in answers] == [(404, answers[0].json())] * 2
    assert server.admin("POST", "/whatif", json={**body, "facts": {"score": {"score": "high"}}}).status_code == 400
    assert server.admin("POST", "/whatif", json={**body, "facts": {"surprise": 1}}).status_code == 400
