"""Attack: a candidate, or whoever sells one, tries to make a study say less than what the change would do."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.stories.impact_scene import ADAPTIVE, DAY_NS, GUARDRAILS, NOW_NS, Scene

from ostiary.audit.entry import SALT_BYTES, record_aad
from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.server.impact.order import ImpactLimits
from ostiary.server.impact.page import page, sentences
from ostiary.server.impact.run import Kept, Span, check_impact, policy_impact, span_of
from ostiary.server.reports import Reports

EVER = Span(0, NOW_NS + 1_000 * DAY_NS)
ONE = ImpactLimits(workers=1, wall_s=40)
REACHES_OUT = 'deny contains {"rule": "x"} if http.send({"url": "http://127.0.0.1"}).status_code == 200\n'
ENDLESS = """deny contains {"rule": "x"} if {
    some a in numbers.range(1, 9999)
    some b in numbers.range(1, 9999)
    a * b == -1
}
"""
HUNGRY = """deny contains {"rule": "x"} if {
    count([x | some a in numbers.range(1, 99999); x := numbers.range(1, a)]) > 0
}
"""
NASTY = '<script>alert(1)</script>\x1b[31m=cmd|" /C"'


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("impact"))
    for action in ("read", "write", "odd", "worse", NASTY):
        scene.ask(action)
        scene.ask(action, "bob")
    yield scene
    scene.house.close()


@pytest.fixture(scope="module")
def opened(scene: Scene) -> Kept:
    """A study of a candidate that lets everybody write."""
    source = scene.candidate(
        "opened",
        guardrails=GUARDRAILS.replace('"worse"}', '"worse", "write"}')
        .replace("no-write", "off")
        .replace('input.action.name == "write"', 'input.action.name == "nothing"'),
    )
    return policy_impact(scene.house, "test", "default", source, EVER, ONE)


def test_new_allows_come_first_with_whom_they_let_in(opened: Kept) -> None:
    report = opened.report
    assert (report.decisions, report.replayed) == (10, 10)
    assert (report.flips[0].direction, report.flips[0].count) == ("new_allows", 2)
    assert {hit.name for hit in report.newly_allowed.most} == {"user:alice", "user:bob"}
    assert {hit.name for hit in report.resources.most} == {"doc:1"}
    assert report.agreement["DENY"] == {"ALLOW": 2, "DENY": 4}
    assert {"rule:may", "rule:no-write"} <= {rule.rule for rule in report.rules}
    red = [line for kind, line in sentences(report, opened.digest) if kind == "new_allows"]
    assert len(red) == 3
    assert report.latency.inflation is not None


def test_the_bundle_in_force_flips_nothing(scene: Scene) -> None:
    kept = policy_impact(scene.house, "test", "default", scene.candidate("same"), EVER, ONE)
    assert all(each.count == 0 for each in kept.report.flips)
    assert (kept.report.replayed, kept.report.reasons_only, kept.report.new_allows) == (10, 0, 0)


def test_a_candidate_that_waits_for_a_later_day_is_seen(scene: Scene) -> None:
    later = 'allow contains {"rule": "later"} if input.time.unix > 1800050000\n'
    kept = policy_impact(
        scene.house, "test", "default", scene.candidate("later", guardrails=GUARDRAILS + later), EVER, ONE
    )
    assert kept.report.new_allows == 0
    assert kept.report.later.changed == kept.report.later.asked == 10
    assert any("dates matter" in line for _, line in sentences(kept.report, kept.digest))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (REACHES_OUT, "policy_refused"),
        ('allow contains {"rule": "x"} if time.now_ns() > 0\n', "policy_refused"),
        ('allow contains {"rule": "x"} if input.risk.score < 2\n', "policy_refused"),
        ("deny contains {", "policy_refused"),
        (ENDLESS, "impact_timeout"),
        (HUNGRY, "impact_"),
    ],
)
def test_a_hostile_candidate_is_refused_within_its_limits(scene: Scene, text: str, code: str) -> None:
    source = scene.candidate(f"hostile{abs(hash(text))}", guardrails=GUARDRAILS + text)
    limits = ImpactLimits(workers=1, wall_s=4, memory_bytes=2 * 1024**3)
    with pytest.raises(RefusedError) as refused:
        policy_impact(scene.house, "test", "default", source, EVER, limits)
    assert refused.value.code.startswith(code)


def test_a_report_stands_while_the_log_is_what_it_was(scene: Scene, opened: Kept) -> None:
    scene.ask("read")  # what comes later is not in the report, and takes nothing from it
    assert check_impact(scene.house, "default", opened.digest).new_allows == 2


def test_a_log_that_was_altered_afterwards_voids_the_report(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ask("read")
    scene.ask("write")
    kept = policy_impact(scene.house, "test", "default", scene.candidate("same"), EVER, ONE)
    _raw(scene, "DELETE FROM records WHERE idx = (SELECT min(idx) FROM records WHERE kind = 'decision')")
    with pytest.raises(VerificationError) as changed:
        check_impact(scene.house, "default", kept.digest)
    assert changed.value.code == "impact_log_changed"
    scene.house.close()


def test_a_record_that_was_sealed_anew_stops_the_study(tmp_path: Path) -> None:
    """The attacker has the database and the vault's keys, but not the log's past."""
    scene = Scene(tmp_path)
    record = scene.ask("write")
    forged = msgspec.json.encode(msgspec.structs.replace(record, outcome=scene.ask("read").outcome))
    name = record.receipt.decision_id
    aad = record_aad("default", "decision", name)
    sealed = scene.house.vault.encrypt("default", record.subject_key, b"z" * SALT_BYTES + forged, aad)
    _raw(scene, "UPDATE records SET sealed = ? WHERE record_id = ?", sealed, name)
    with pytest.raises(VerificationError) as altered:
        policy_impact(scene.house, "test", "default", scene.candidate("same"), EVER, ONE)
    assert altered.value.code == "record_altered"
    scene.house.close()


def _raw(scene: Scene, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(scene.house.places.database)) as connection, connection:
        connection.execute(statement, values)


def test_a_report_of_another_tenant_or_of_nobody_is_unknown(scene: Scene, opened: Kept) -> None:
    for tenant, digest in (("other", opened.digest), ("default", "sha256:" + "0" * 64)):
        with pytest.raises(RefusedError) as unknown:
            check_impact(scene.house, tenant, digest)
        assert unknown.value.code == "report_unknown"


def test_another_kind_of_report_is_no_impact(scene: Scene) -> None:
    reports = Reports(scene.house.store.snapshots, scene.house.ring)
    kept = reports.keep("default", "shadow", "x", b"{}", NOW_NS)
    with pytest.raises(RefusedError):
        check_impact(scene.house, "default", kept.digest)


def test_names_from_outside_do_nothing_in_a_page_or_a_terminal(opened: Kept) -> None:
    shown = msgspec.structs.replace(
        opened.report.flips[0].shown[0], action=NASTY, subject=NASTY, resource=NASTY, reasons_after=(NASTY,)
    )
    flips = [msgspec.structs.replace(opened.report.flips[0], shown=[shown])]
    report = msgspec.structs.replace(opened.report, flips=flips, undecidable={NASTY: 1})
    text = page(report, opened.digest)
    assert "<script" not in text
    assert "\x1b" not in text
    assert not any("\x1b" in line for _, line in sentences(report, opened.digest))


def test_the_study_is_on_record_with_its_digest(scene: Scene, opened: Kept) -> None:
    assert opened.digest in {deed["report"] for deed in scene.deeds("policy.impact")}


def test_each_subjects_last_access_alone(scene: Scene) -> None:
    kept = policy_impact(
        scene.house, "test", "default", scene.candidate("last"), Span(0, EVER.to_ns, last_of_subjects=True), ONE
    )
    assert kept.report.decisions == 2


def test_recorded_verdicts_count_where_only_the_adaptive_rules_differ(scene: Scene) -> None:
    source = scene.candidate("milder", adaptive=ADAPTIVE.replace('== "worse"', '== "worst"'))
    kept = policy_impact(scene.house, "test", "default", source, EVER, ONE)
    assert kept.report.agreement["DENY"]["STEP_UP"] == 2
    assert [each.count for each in kept.report.flips if each.direction == "loosened"] == [2]


def test_recorded_proposals_count_where_only_the_guardrails_differ(scene: Scene) -> None:
    source = scene.candidate("no-odd", guardrails=GUARDRAILS.replace('== "write"', 'in {"write", "odd"}'))
    kept = policy_impact(scene.house, "test", "default", source, EVER, ONE)
    assert kept.report.agreement["STEP_UP"] == {"DENY": 2}
    # Guardrails: once for each action. Adaptive rules: the first, to compare, and where they are told of a new denial.
    assert kept.report.evaluations == len({"read", "write", "odd", "worse", NASTY}) + 2


def test_erased_records_are_counted_and_told(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ask("read", "bob")
    scene.ask("read")
    scene.house.vault.shred("default", "user:bob")
    kept = policy_impact(scene.house, "test", "default", scene.candidate("same"), EVER, ONE)
    assert (kept.report.decisions, kept.report.replayed, kept.report.undecidable) == (2, 1, {"erased": 1})
    scene.house.close()


@pytest.mark.parametrize(("days", "begin", "end"), [(0, None, None), (-1, None, None), (3, 5, None), (None, 9, 9)])
def test_a_time_that_is_none_is_refused(days: float | None, begin: int | None, end: int | None) -> None:
    with pytest.raises(FaultyInputError):
        span_of(NOW_NS, days, begin, end)
