"""An impact study whose records are asked on two workers says what one machine says, and refuses what it refuses."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.stories.impact_scene import DAY_NS, GUARDRAILS, NOW_NS, Scene

from ostiary.errors import RefusedError
from ostiary.server.deeds import COMMAND_LINE
from ostiary.server.impact.order import ImpactLimits
from ostiary.server.impact.run import Span, policy_impact
from ostiary.server.impact.workers import studied_by

pytest.importorskip("distributed")

from ostiary.server.history.studies import study_over

SPAN = Span(NOW_NS - DAY_NS, NOW_NS + DAY_NS)
LIMITS = ImpactLimits(workers=1)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    made = Scene(tmp_path_factory.mktemp("studied"))
    for subject, action in (("alice", "read"), ("bob", "read"), ("alice", "write"), ("bob", "odd"), ("alice", "worse")):
        made.ask(action, subject)
    return made


SAME = ("decisions", "replayed", "undecidable", "agreement", "flips", "reasons_only", "rules", "newly_allowed")


def studied(scene: Scene, candidate: Path) -> dict[str, Any]:
    """Return what was found, without what finding it took."""
    report = policy_impact(scene.house, COMMAND_LINE, "default", candidate, SPAN, LIMITS).report
    told = msgspec.to_builtins(report)
    return {name: told[name] for name in SAME} | {"new_allows": report.new_allows}


def test_two_workers_say_what_one_machine_says(scene: Scene, client: Any) -> None:
    writing = (
        GUARDRAILS.replace('"worse"}', '"worse", "write"}')
        .replace("no-write", "no-drawing")
        .replace('input.action.name == "write"', 'input.action.name == "draw"')
    )
    candidate = scene.candidate("writing", guardrails=writing)
    here = studied(scene, candidate)
    with studied_by(study_over(client, batch=2)):
        there = studied(scene, candidate)
    assert here["decisions"] == 5
    assert here["new_allows"] == 1
    assert there == here


def test_a_candidate_that_breaks_its_process_is_refused(scene: Scene, client: Any) -> None:
    endless = GUARDRAILS.replace(
        "input.subject.known == true", "input.subject.known == true\n    count(numbers.range(1, 900000000)) > 0"
    )
    candidate = scene.candidate("endless", guardrails=endless)
    short = ImpactLimits(workers=1, wall_s=2.0, cpu_s=2)
    with studied_by(study_over(client, batch=2)), pytest.raises(RefusedError) as no:
        policy_impact(scene.house, COMMAND_LINE, "default", candidate, SPAN, short)
    assert no.value.code.startswith("impact_")
