"""A candidate that hangs, crashes, fills its memory, answers otherwise, is swapped or floods the log touches nothing.

Each candidate is real Rego in a real process; what is enforced stays as it is, and every decision is accounted for:
compared, or left out by a named cause.
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.errors import FaultyInputError, RefusedError, VerificationError
from ostiary.server.deeds import record_deed
from ostiary.server.shadow.candidates import Started
from ostiary.testing.shadow_records import record_of

ADAPTIVE = "package ostiary.adaptive\ndecision := {}\n"
LOOSE = """package ostiary.guardrails
allow contains {"rule": "anything"} if input.subject.id != ""
decision := {"allow": allow}
"""
SLOW = """package ostiary.guardrails
busy := count([1 | some i in numbers.range(1, object.get(input.context, "hang", 0)); i > 0])
allow contains {"rule": "may"} if busy >= 0
decision := {"allow": allow}
"""
GREEDY = """package ostiary.guardrails
eaten := [sprintf("%d%d", [i, i]) | some i in numbers.range(1, object.get(input.context, "eat", 0))]
allow contains {"rule": "may"} if count(eaten) >= 0
decision := {"allow": allow}
"""


class Scene:
    """A server with one candidate after the other."""

    def __init__(self, server: Any, root: Path) -> None:
        self.server, self.house, self.root = server, server.house, root
        self.number = 0

    def start(self, guardrails: str, tenant: str = "default") -> Started:
        self.number += 1
        folder = self.root / f"candidate-{self.number}"
        folder.mkdir()
        (folder / "guardrails.rego").write_text(guardrails)
        (folder / "adaptive.rego").write_text(ADAPTIVE)
        started: Started = self.house.shadow.candidates.start(tenant, "bundle", "ann", self._deed, folder)
        self.house.shadow.tend()
        return started

    def stop(self) -> None:
        self.house.shadow.candidates.stop("default", "bundle", self._deed)
        self.house.shadow.tend()

    def _deed(self, digest: str) -> str:
        return record_deed(self.house, "ann", "default", "shadow.start", digest=digest)

    def settled(self, within_s: float = 60.0) -> None:
        late = time.monotonic() + within_s
        while not self.house.shadow.idle():
            assert time.monotonic() < late, "the candidate never got through"
            time.sleep(0.02)
        self.house.log.append("default", "admin", f"mark-{time.monotonic_ns()}", 1, b"{}", "").result(10)
        self.house.shadow.settle()

    def counts(self, started: Started) -> dict[str, int]:
        found: Counter[str] = Counter()
        for (_, what), count in self.house.shadow.counts.hourly("default", started.digest, 0, 1 << 40).items():
            found[what] += count
        return dict(found)

    def differences(self, started: Started) -> list[dict[str, Any]]:
        rows = [msgspec.json.decode(one.payload or b"") for one in self.house.log.iterate("default", "shadow")]
        return [row for row in rows if row["candidate"] == started.digest]


@pytest.fixture(scope="module")
def scene(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    shadow = {"deadline_ms": 2_500, "cpu_share": 4, "cpu_burst_s": 600, "max_logged_per_hour": 5}
    return Scene(start_server(shadow=shadow), tmp_path_factory.mktemp("candidates"))


def test_a_looser_candidate_loosens_nothing_and_is_logged_with_both_answers(scene: Scene) -> None:
    started = scene.start(LOOSE)
    answers = [scene.server.ask(action).json()["decision"] for action in ("read", "delete", "step-up")]
    scene.settled()
    assert answers == [True, False, False]
    told = scene.differences(started)
    assert {(one["before"]["effect"], one["after"]["effect"]) for one in told} >= {
        ("deny", "allow"),
        ("step_up", "allow"),
    }
    assert {one["flip"] for one in told} <= {"looser", "reasons"}
    records = {one.receipt.decision_id: one.outcome.effect.name.lower() for one in scene.server.records()}
    assert all(records[one["decision_id"]] == one["before"]["effect"] for one in told)
    counts = scene.counts(started)
    assert counts["compared"] == 3
    assert counts["logged"] == len(told)
    scene.stop()


def test_a_candidate_that_hangs_is_killed_and_counted_while_answers_go_on(scene: Scene) -> None:
    started = scene.start(SLOW)
    answers = [scene.server.ask(context={"hang": hang}).status_code for hang in (0, 50_000_000, 0)]
    assert answers == [200, 200, 200]
    scene.settled()
    counts = scene.counts(started)
    assert counts["late"] + counts.get("crashed", 0) == 1
    assert sum(counts.get(what, 0) for what in ("compared", "late", "crashed", "down")) == 3
    assert scene.server.ask().json()["decision"] is True
    scene.stop()


def test_a_candidate_that_fills_its_memory_dies_alone(scene: Scene) -> None:
    started = scene.start(GREEDY)
    scene.house.shadow.settle()
    assert scene.server.ask(context={"eat": 500_000_000}).json()["decision"] is True
    scene.settled()
    counts = scene.counts(started)
    assert counts.get("crashed", 0) + counts.get("late", 0) == 1
    assert scene.house.policies.engine("default").busy_since() is None
    scene.stop()


def test_a_flood_of_differences_is_bounded_in_the_log_and_exact_in_the_counts(scene: Scene) -> None:
    started = scene.start(LOOSE.replace("anything", "everything"))
    for _ in range(12):
        scene.server.ask("delete")
    scene.settled()
    counts = scene.counts(started)
    assert counts["flip_looser"] == counts["compared"] == 12
    assert (counts["logged"], counts["unlogged"]) == (5, 7)
    assert len(scene.differences(started)) == 5
    scene.stop()


def test_files_that_change_under_a_candidate_end_it(scene: Scene) -> None:
    started = scene.start(LOOSE.replace("anything", "swapped"))
    place = scene.house.shadow.candidates.place("default", "bundle")
    (place / "guardrails.rego").write_text(LOOSE.replace("anything", "planted"))
    scene.house.shadow.tend()
    scene.server.ask("delete")
    scene.settled()
    assert scene.house.shadow.candidates.state("default", "bundle").fault == "candidate_changed"
    assert "compared" not in scene.counts(started)
    scene.stop()


def test_what_merely_lies_there_does_not_run_and_stop_needs_something_that_runs(scene: Scene) -> None:
    scene.house.shadow.tend()
    scene.server.ask()
    scene.settled()
    assert scene.house.shadow.candidates.all("default") == []
    with pytest.raises(RefusedError, match="no candidate bundle is running"):
        scene.stop()
    with pytest.raises(FaultyInputError, match="`model` or a `bundle`"):
        scene.house.shadow.candidates.place("default", "../etc")


@pytest.mark.parametrize("text", ["package ostiary.guardrails\ndecision := http.send({})", "package x\ny := "])
def test_a_bundle_that_would_not_go_live_is_no_candidate(scene: Scene, text: str) -> None:
    before = scene.house.shadow.candidates.on_disk("default", "bundle")
    with pytest.raises((RefusedError, FaultyInputError)):
        scene.start(text)
    assert scene.house.shadow.candidates.all("default") == []
    assert scene.house.shadow.candidates.on_disk("default", "bundle") == before


def test_another_tenants_candidate_hears_of_nothing(scene: Scene) -> None:
    scene.house.tenants.create("other")
    started = scene.start(LOOSE.replace("anything", "elsewhere"), tenant="other")
    scene.server.ask("delete")
    scene.settled()
    assert scene.house.shadow.candidates.all("default") == []
    assert scene.counts(started) == {}
    assert scene.house.shadow.counts.hourly("other", started.digest, 0, 1 << 40) == {}
    scene.house.shadow.candidates.stop("other", "bundle", lambda _digest: "")
    scene.house.shadow.tend()


def test_a_deleted_tenants_counts_and_candidate_do_not_come_back(scene: Scene) -> None:
    house = scene.house
    house.tenants.create("leaving")
    started = scene.start(LOOSE.replace("anything", "leaving"), tenant="leaving")
    house.shadow.live.offer(record_of("dec_1", "user:ada", house.clock.now_ns(), tenant="leaving"))
    while not house.shadow.live.idle():
        time.sleep(0.01)
    house.shadow.settle()
    assert house.shadow.counts.hourly("leaving", "live", 0, 1 << 40) != {}
    house.shadow.live.offer(record_of("dec_2", "user:ada", house.clock.now_ns(), tenant="leaving"))
    while not house.shadow.live.idle():
        time.sleep(0.01)
    house.tenants.delete("leaving")
    house.store.forget_tenant("leaving")
    house.shadow.tend()
    house.shadow.settle()
    assert house.shadow.lanes("leaving") == ()
    assert house.shadow.counts.hourly("leaving", "live", 0, 1 << 40) == {}
    assert house.shadow.counts.hourly("leaving", started.digest, 0, 1 << 40) == {}
    assert house.store.snapshots.all("leaving", "shadow_seen") == []


def test_a_model_that_nobody_trusted_signed_is_no_candidate(scene: Scene) -> None:
    folder = scene.root / "model"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(VerificationError):
        scene.house.shadow.candidates.start("default", "model", "ann", lambda _digest: "", folder)
    assert not scene.house.shadow.candidates.place("default", "model").exists()
