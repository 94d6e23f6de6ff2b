"""Promotion by gate and people, demotion by one, the kill switch, and what each misuse of them is answered."""

from typing import Any

import msgspec
import pytest

from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, UnavailableError
from ostiary.response.trigger import Trigger
from ostiary.server.places import Places
from ostiary.server.rollout.chain import KIND
from ostiary.server.rollout.desk import rollout_desk
from ostiary.server.settings import load
from ostiary.server.wiring import open_house
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.rollout import NOWHERE, Scope, Where

Stage = Any  # the fixture of this folder

SECOND, DAY = 1, 86_400
FINANCE, CANARY = Scope(group="finance"), Scope(percent=25)


def refused(code: str, call: Any, *args: Any, **named: Any) -> str:
    with pytest.raises(OstiaryError) as caught:
        call(*args, **named)
    assert caught.value.code == code
    return caught.value.message


def test_the_operators_own_table_holds_until_somebody_moves_something(stage: Stage) -> None:
    assert [stage.stands(control) for control in ("step_up", "deny")] == ["low_risk", "shadow"]
    assert stage.house.rollout.phases(stage.tenant, NOWHERE).is_live(Control.STEP_UP)


def test_up_needs_the_gate_and_the_people_and_goes_one_phase_at_a_time(stage: Stage) -> None:
    refused("phase_step", stage.changes.promote, stage.wish("deny"), Phase.HIGH_IMPACT)
    refused("approval_missing", stage.changes.promote, stage.wish("deny"))
    stage.high("deny")
    assert stage.stands("deny") == "high_impact"
    assert stage.house.rollout.phases(stage.tenant, NOWHERE).is_live(Control.DENY)
    refused("phase_step", stage.changes.promote, stage.wish("deny"))
    row = next(stage.house.log.iterate(stage.tenant, KIND))
    assert b"promote" in (row.payload or b""), "it is in the log, under its own kind"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"days": 3.0}, "watched for 3.0 days"),
        ({"days": None}, "how long it was watched: not measured"),
        ({"decisions": 10}, "10 decisions"),
        ({"subjects_share": 0.1}, "10% of the active subjects"),
        ({"resources_share": None}, "resources seen: not measured"),
        ({"false_positive_rate": 0.2}, "20.00% were false positives"),
        ({"false_positive_rate": float("nan")}, "false positives"),
        ({"judged": 3}, "3 verdicts"),
        ({"would_interrupt_a_day": 1e6}, "alert budget"),
        ({"calibration_error": 0.9}, "off by 0.900"),
        ({"drift": None}, "drift of score and signals: not measured"),
        ({"new_allows": 1}, "1 refusals would become"),
        ({"impact": ""}, "the impact report: there is none"),
        ({"redteam": ""}, "the red-team report: there is none"),
        ({"redteam": "sha256:unknown"}, "the red-team report: there is none"),
        ({"redteam_passed": False}, "does not hold its bounds"),
        ({"redteam_passed": None}, "holds its bounds: not measured"),
    ],
)
def test_each_condition_of_the_gate_is_told_in_a_plain_sentence(
    stage: Stage, changed: dict[str, Any], words: str
) -> None:
    wish = stage.agreed("deny")
    stage.figures.set(**changed)
    assert words in refused("gate_unmet", stage.changes.promote, wish)
    assert stage.stands("deny") == "shadow"


def test_a_report_of_another_kind_or_another_tenant_opens_no_gate(stage: Stage) -> None:
    stage.figures.set(redteam=stage.impact)
    assert "red-team report: there is none" in refused("gate_unmet", stage.changes.promote, stage.wish("deny"))
    elsewhere = stage.reports.keep("other", "redteam", "m", b'{"of":1}', stage.clock.now_ns()).digest
    stage.figures.set(redteam=elsewhere)
    assert "red-team report: there is none" in refused("gate_unmet", stage.changes.promote, stage.wish("deny"))


def test_a_red_team_report_grows_old(stage: Stage) -> None:
    stage.clock.advance(31 * DAY)
    assert "31.0 days old" in refused("gate_unmet", stage.changes.promote, stage.wish("deny"))


@pytest.mark.parametrize("misuse", ["other control", "other scope", "other phase", "new report", "moved meanwhile"])
def test_an_agreement_holds_for_what_people_agreed_to_and_nothing_else(stage: Stage, misuse: str) -> None:
    wish = stage.agreed("deny")
    if misuse == "other control":
        wish = msgspec.structs.replace(wish, control="terminate")
    elif misuse == "other scope":
        wish = msgspec.structs.replace(wish, scope=FINANCE)
    elif misuse == "other phase":
        stage.changes.promote(wish)
    elif misuse == "new report":
        newer = stage.reports.keep(stage.tenant, "redteam", "m", b'{"n":2}', stage.clock.now_ns()).digest
        stage.figures.set(redteam=newer)
    else:
        stage.changes.demote(stage.wish("deny"), Phase.TELEMETRY)
        stage.changes.promote(stage.wish("deny"))
    refused("approval_mismatch", stage.changes.promote, wish)


def test_an_agreement_is_used_once(stage: Stage) -> None:
    wish = stage.agreed("deny")
    stage.changes.promote(wish)
    stage.changes.demote(stage.wish("deny"), Phase.SHADOW)
    refused("approval_mismatch", stage.changes.promote, wish)


def test_a_revoked_or_expired_agreement_takes_the_control_down_when_the_state_is_looked_at(stage: Stage) -> None:
    first, second = stage.high("deny")
    deed, _ = stage.quorum.agreed[second]
    stage.quorum.agree(second, deed, stage.clock.now_ns() + 60_000_000_000)
    assert stage.stands("deny") == "high_impact"
    stage.clock.advance(61)
    assert stage.stands("deny") == "low_risk", "the earlier agreement holds still"
    del stage.quorum.agreed[first]
    assert stage.stands("deny") == "shadow"
    held = stage.house.rollout.look(stage.tenant)
    assert {code for _, code in held.lapsed} == {"approval_missing", "approval_expired"}


def test_nobody_can_tell_who_agreed_is_nobody_agreed(stage: Stage) -> None:
    stage.high("deny")
    stage.quorum.away = True
    assert stage.stands("deny") == "shadow"
    stage.quorum.away = False
    assert stage.stands("deny") == "high_impact"


def test_down_goes_one_person_at_once_and_takes_every_narrower_scope_along(stage: Stage) -> None:
    stage.promote("deny", FINANCE)
    stage.high("deny", CANARY)
    assert (stage.stands("deny", CANARY), stage.stands("deny")) == ("high_impact", "shadow")
    stage.changes.demote(stage.wish("deny", why="noisy"), Phase.SHADOW)
    assert [stage.stands("deny", one) for one in (CANARY, FINANCE)] == ["shadow", "shadow"]
    refused("phase_step", stage.changes.demote, stage.wish("deny"), Phase.SHADOW)


def test_a_scope_is_held_back_by_one_person_and_a_canary_does_not_overrule_it(stage: Stage) -> None:
    stage.high("deny")
    stage.changes.demote(stage.wish("deny", Scope("database")), Phase.SHADOW)
    tables = [stage.house.rollout.phases(stage.tenant, Where("user:ada", kind)) for kind in ("wiki", "database")]
    assert [table.is_live(Control.DENY) for table in tables] == [True, False]
    refused("approval_missing", stage.changes.promote, stage.wish("deny", Scope("database")))


def test_what_holds_a_scope_back_never_lets_it_act_without_people(stage: Stage) -> None:
    _, second = stage.high("deny")
    stage.changes.demote(stage.wish("deny", FINANCE), Phase.LOW_RISK)
    del stage.quorum.agreed[second]
    assert stage.stands("deny") == "low_risk"
    stage.quorum.agreed.clear()
    assert (stage.stands("deny"), stage.stands("deny", FINANCE)) == ("shadow", "shadow")


def test_leaving_telemetry_needs_the_events_quality_and_nobody_s_agreement(stage: Stage) -> None:
    stage.changes.demote(stage.wish("deny"), Phase.TELEMETRY)
    stage.reports.keep(
        stage.tenant, "quality", "events", b'{"passed":false,"failed":["0 events lie there"]}', stage.clock.now_ns()
    )
    assert "0 events lie there" in refused("gate_unmet", stage.changes.promote, stage.wish("deny"))
    stage.reports.keep(stage.tenant, "quality", "events", b'{"passed":true}', stage.clock.now_ns())
    stage.clock.advance(8 * DAY)
    assert "8.0 days old" in refused("gate_unmet", stage.changes.promote, stage.wish("deny"))
    stage.reports.keep(stage.tenant, "quality", "events", b'{"passed":true}', stage.clock.now_ns())
    stage.changes.promote(stage.wish("deny"))
    assert stage.stands("deny") == "shadow"


def test_the_kill_switch_needs_one_person_and_stops_everything_of_the_models(stage: Stage) -> None:
    stage.high("deny", CANARY)
    stage.changes.kill(stage.wish("*", why="incident 7"))
    table = stage.house.rollout.phases(stage.tenant, Where("user:ada", "wiki", ("finance",)))
    assert not any(table.is_live(control) for control in Control)
    playbooks = stage.house.rollout.playbooks
    assert playbooks.phase(stage.tenant, "playbook:session-theft", model=True) == Phase.TELEMETRY
    assert playbooks.phase(stage.tenant, "playbook:session-theft") is None, "a verified signal is answered as before"
    refused("control_killed", stage.changes.promote, stage.wish("deny"))
    refused("control_killed", stage.changes.promote, stage.wish("playbook:session-theft"))


def test_reviving_needs_the_gate_and_the_people_again(stage: Stage) -> None:
    _, old = stage.high("deny")
    stage.changes.kill(stage.wish("deny"))
    refused("control_not_killed", stage.changes.revive, stage.wish("terminate"), Phase.LOW_RISK)
    refused("approval_mismatch", stage.changes.revive, stage.wish("deny", proposal=old), Phase.HIGH_IMPACT)
    refused("approval_missing", stage.changes.revive, stage.wish("deny"), Phase.SHADOW)
    wish = stage.agreed("deny", to=Phase.HIGH_IMPACT, reviving=True)
    stage.figures.set(drift=9.0)
    refused("gate_unmet", stage.changes.revive, wish, Phase.HIGH_IMPACT)
    stage.figures.set(drift=0.0)
    wish = stage.agreed("deny", to=Phase.HIGH_IMPACT, reviving=True)
    stage.changes.revive(wish, Phase.HIGH_IMPACT)
    assert stage.stands("deny") == "high_impact"
    stage.quorum.agreed.clear()
    assert stage.stands("deny") == "telemetry", "what was killed stands on its new agreement alone"


def test_the_switch_of_all_playbooks_is_revived_by_itself(stage: Stage) -> None:
    stage.changes.kill(stage.wish("playbook:*"))
    stage.clock.advance(15 * DAY)
    wish = stage.agreed("playbook:*", to=Phase.LOW_RISK, reviving=True)
    stage.changes.revive(wish, Phase.LOW_RISK)
    assert stage.house.rollout.playbooks.phase(stage.tenant, "playbook:session-theft", model=True) is None


def test_a_forged_state_lets_the_models_do_nothing_and_the_switch_mends_it(stage: Stage) -> None:
    stage.high("deny")
    forged = b'{"v":1,"type":"phases","state":{},"kid":"x","signature":""}'
    stage.house.log.append(stage.tenant, KIND, "phs_forged", 1, forged, "").result()
    stage.clock.advance(1)
    table = stage.house.rollout.phases(stage.tenant, NOWHERE)
    assert not any(table.is_live(control) for control in Control), "not even what the operator's own table lets act"
    assert stage.house.rollout.playbooks.phase(stage.tenant, "playbook:x", model=True) == Phase.TELEMETRY
    assert "phases_unverified" in stage.faults
    refused("phases_unverified", stage.changes.promote, stage.wish("reduce"))
    stage.changes.kill(stage.wish("*"))
    assert not stage.house.rollout.look(stage.tenant).broken


def test_another_process_sees_a_change_within_a_second(stage: Stage) -> None:
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(stage.house.places.root), settings, stage.clock, lambda *_: None) as other:
        other.rollout.asks(stage.quorum)
        assert not other.rollout.phases(stage.tenant, NOWHERE).is_live(Control.DENY)
        stage.high("deny")
        stage.clock.advance(1)
        assert other.rollout.phases(stage.tenant, NOWHERE).is_live(Control.DENY)
        rollout_desk(other, lambda *_: None).changes.kill(stage.wish("*"))
        stage.clock.advance(1)
        assert not stage.house.rollout.phases(stage.tenant, NOWHERE).is_live(Control.STEP_UP)


def test_one_tenants_phases_are_nobody_elses(stage: Stage) -> None:
    stage.high("deny")
    stage.changes.kill(stage.wish("reduce"))
    stage.house.tenants.create(stage.tenant + "x")
    table = stage.house.rollout.phases(stage.tenant + "x", NOWHERE)
    assert (table.is_live(Control.DENY), table.is_live(Control.REDUCE)) == (False, True)


@pytest.mark.parametrize(
    ("control", "scope", "code"),
    [
        ("nothing", Scope(), "control_unknown"),
        ("playbook:nothing", Scope(), "control_unknown"),
        ("*", Scope(), "control_unknown"),
        ("deny", Scope(percent=0), "scope_invalid"),
        ("deny", Scope(percent=101), "scope_invalid"),
        ("deny", Scope("a,percent=1"), "scope_invalid"),
        ("deny", Scope(group="g\n"), "scope_invalid"),
        ("playbook:session-theft", Scope("database"), "scope_invalid"),
    ],
)
def test_what_cannot_be_is_refused(stage: Stage, control: str, scope: Scope, code: str) -> None:
    for call in (stage.changes.promote, stage.changes.demote):
        refused(code, call, stage.wish(control, scope))


def test_a_full_disk_changes_nothing_and_leaves_no_half(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.high("deny")
    with monkeypatch.context() as patched:
        patched.setattr(stage.house.log, "append", lambda *_: (_ for _ in ()).throw(UnavailableError("disk_full", "x")))
        refused("disk_full", stage.changes.demote, stage.wish("deny"))
    assert stage.stands("deny") == "high_impact"


def test_a_long_reason_is_refused(stage: Stage) -> None:
    with pytest.raises(FaultyInputError):
        stage.changes.demote(stage.wish("step_up", why="x" * 501))


def test_a_playbook_is_promoted_for_what_people_said_of_its_steps(stage: Stage) -> None:
    folder, response = stage.house.places.playbooks(stage.tenant), stage.house.response
    folder.mkdir(parents=True)
    book = "name: bold\ntriggers: ['decision:DENY']\nphase: high_impact\nsteps: [{do: revoke_subject}]\n"
    (folder / "bold.yaml").write_text(book)
    stage.clock.advance(5)
    assert stage.stands("playbook:bold") == "low_risk", "its file says more, and a file promotes nothing for a model"
    message = refused("gate_unmet", stage.changes.promote, stage.wish("playbook:bold"))
    assert "0 verdicts were given; at least 20 are needed" in message
    for number in range(20):
        happened = Trigger(f"dec_{number}", stage.tenant, "decision:DENY", "user:eve", "", "", {"by": "model"}, 1)
        response.respond(happened)
    for pending in response.approvals.pending(stage.tenant):
        response.approvals.approve(stage.tenant, pending.step.name, pending.digest, "adm_1")
    stage.clock.advance(15 * DAY)
    stage.promote("playbook:bold")
    assert response.phases.phase(stage.tenant, "playbook:bold", model=True) == Phase.HIGH_IMPACT
    assert stage.desk.watch.turn([stage.tenant]) == 0
    response.executor.work()
    for number in range(150):
        happened = Trigger(f"many_{number}", stage.tenant, "decision:DENY", "user:eve", "", "", {"by": "model"}, 1)
        response.respond(happened)
    assert stage.desk.watch.turn([stage.tenant]) == 1, "it contains more on the average day than was agreed to"
    assert stage.stands("playbook:bold") == "low_risk"
    for _ in range(4):  # so many a turn
        response.executor.work()
    states = {one.state for one in response.approvals.listed(stage.tenant, (), 149)}
    assert states == {"waiting"}, "and what it had planned waits for a person"


def test_a_refusal_names_its_code(stage: Stage) -> None:
    with pytest.raises(RefusedError):
        stage.changes.demote(stage.wish("deny"), Phase.HIGH_IMPACT)
