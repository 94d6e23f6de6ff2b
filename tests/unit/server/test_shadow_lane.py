"""A candidate's lane: whatever its process does, every decision ends in exactly one count, and nobody waits."""

import threading
import time
from collections import Counter
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.decision.counts import COMPARED, MISSED
from ostiary.decision.shadow import Compared, Flip, enforced
from ostiary.errors import UnavailableError, VerificationError
from ostiary.server.settings.shadow import ShadowSection
from ostiary.server.shadow.candidates import Started
from ostiary.server.shadow.lane import Lane
from ostiary.server.shadow.orders import Answer, GoneError, LateError
from ostiary.server.shadow.tallies import MAX_CELLS, OTHER, Tallies
from ostiary.testing.shadow_counts import MemoryShadowCounts
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import DecisionRecord

HOUR = 3_600 * 10**9
STARTED = Started("bundle", "sha256:0123456789abcdef0123", 5)
QUICK = ShadowSection(deadline_ms=10, cpu_share=4, cpu_burst_s=600)
Behaviour = str


class ScriptedRunner:
    """A process that does what it is told, one behaviour an asking."""

    def __init__(self, script: list[Behaviour]) -> None:
        self.script, self.cpu_ns, self.killed = script, 0, False
        self.gate: threading.Event | None = None
        self.begun = threading.Event()

    def ask(self, record: bytes) -> Answer:
        self.begun.set()
        if self.gate is not None:
            self.gate.wait(10)
        told = msgspec.json.decode(record, type=DecisionRecord)
        behaviour = self.script.pop(0) if self.script else "match"
        self.cpu_ns += 1_000
        if behaviour == "late":
            raise LateError
        if behaviour == "crash":
            raise GoneError
        if behaviour == "faulty":
            return Answer(fault="record_not_replayable")
        before = enforced(told)
        after = before
        if behaviour == "looser":
            after = msgspec.structs.replace(before, effect=Effect.ALLOW, would=Effect.ALLOW)
        name = "dec_of_another" if behaviour == "mixed up" else told.receipt.decision_id
        return Answer(Compared(name, before, after))

    def kill(self) -> None:
        self.killed = True
        if self.gate is not None:
            self.gate.set()

    def close(self) -> None:
        self.kill()


class Log:
    """A log that keeps what it is given, or refuses."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.rows: list[tuple[str, dict[str, Any], str]] = []
        self.fault = fault

    def append(
        self, tenant: str, kind: str, record_id: str, time_ns: int, payload: bytes, subject_key: str
    ) -> Future[Any]:
        done: Future[Any] = Future()
        if self.fault is not None:
            done.set_exception(self.fault)
        else:
            self.rows.append((record_id, msgspec.json.decode(payload), subject_key))
            done.set_result(None)
        return done


class Rig:
    """A lane over fakes."""

    def __init__(self, runner: ScriptedRunner, section: ShadowSection = QUICK, **changes: Any) -> None:
        self.counts, self.log, self.notes = MemoryShadowCounts(), changes.get("log", Log()), list[tuple[str, str]]()
        self.tallies = Tallies(self.counts)
        self.lane = Lane(
            "default",
            changes.get("started", STARTED),
            section,
            self.tallies,
            self.log,
            open_runner=changes.get("open_runner", lambda _bundle: runner),
            busy=changes.get("busy", lambda: False),
            note=lambda state, fault: self.notes.append((state, fault)),
        )

    def told(self) -> Counter[str]:
        late = time.monotonic() + 20
        while not self.lane.idle():
            assert time.monotonic() < late
            time.sleep(0.001)
        self.lane.close()
        self.tallies.flush()
        found: Counter[str] = Counter()
        for (_, what), count in self.counts.hourly("default", STARTED.digest, 0, 99).items():
            found[what] += count
        return found


def offer(rig: Rig, count: int, proposal: Effect = Effect.ALLOW, *, live: bool = False) -> None:
    for number in range(count):
        rig.lane.offer(record_of(f"dec_{number}", "user:ada", HOUR + number, proposal, live=live))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["match", "looser", "late", "crash", "faulty", "mixed up"]), max_size=20))
def test_every_decision_ends_in_exactly_one_count(script: list[Behaviour]) -> None:
    rig = Rig(ScriptedRunner(list(script)))
    offer(rig, len(script) + 2, Effect.STEP_UP, live=True)
    told = rig.told()
    assert sum(told[what] for what in (COMPARED, *MISSED)) == len(script) + 2
    assert told["late"] == script.count("late")
    assert told["crashed"] == script.count("crash")
    assert told["faulty"] == script.count("faulty") + script.count("mixed up")
    assert told["flip_looser"] == script.count("looser") == told["logged"] == len(rig.log.rows)


def test_a_difference_is_recorded_with_both_answers_under_its_subject_and_named_after_its_decision() -> None:
    rig = Rig(ScriptedRunner(["looser"]))
    offer(rig, 1, Effect.DENY, live=True)
    rig.told()
    ((name, told, subject),) = rig.log.rows
    assert (name, subject) == ("dec_0/shadow/0123456789abcdef", "user:ada")
    assert (told["decision_id"], told["flip"], told["candidate"]) == ("dec_0", Flip.LOOSER, STARTED.digest)
    assert (told["before"]["effect"], told["after"]["effect"]) == ("deny", "allow")


def test_a_flood_is_bounded_in_records_and_exact_in_counts() -> None:
    rig = Rig(ScriptedRunner(["looser"] * 9), ShadowSection(max_logged_per_hour=4, cpu_burst_s=600))
    offer(rig, 9, Effect.DENY, live=True)
    told = rig.told()
    assert (told["flip_looser"], told["logged"], told["unlogged"], len(rig.log.rows)) == (9, 4, 5, 4)


@pytest.mark.parametrize(
    "changes", [{"busy": lambda: True}, {"log": Log(UnavailableError("overloaded", "too many"))}], ids=["busy", "full"]
)
def test_a_busy_log_gets_no_differences_and_they_are_counted(changes: dict[str, Any]) -> None:
    rig = Rig(ScriptedRunner(["looser"] * 3), **changes)
    offer(rig, 3, Effect.DENY, live=True)
    told = rig.told()
    assert (told["flip_looser"], told["unlogged"], told["logged"]) == (3, 3, 0)


def test_over_the_budget_decisions_are_left_out_and_counted() -> None:
    runner = ScriptedRunner([])
    rig = Rig(runner, ShadowSection(cpu_share=0.001, cpu_burst_s=0.000_001))
    rig.lane.offer(record_of("dec_a", "user:ada", HOUR))
    while not rig.lane.idle():
        time.sleep(0.001)
    offer(rig, 5)
    told = rig.told()
    assert (told[COMPARED], told["sampled_out"]) == (1, 5)


def test_what_finds_no_room_is_counted_and_nobody_waits() -> None:
    runner = ScriptedRunner([])
    runner.gate = threading.Event()
    rig = Rig(runner, ShadowSection(max_waiting=2, cpu_burst_s=600))
    offer(rig, 50)  # while the candidate hangs: whoever waited for it would wait here for ever
    runner.gate.set()
    told = rig.told()
    assert told["dropped"] >= 47
    assert told["dropped"] + told[COMPARED] == 50


def test_a_candidate_that_cannot_start_is_down_and_is_not_tried_at_every_decision() -> None:
    tries: list[str] = []

    def refuse(bundle: str) -> ScriptedRunner:
        tries.append(bundle)
        raise VerificationError("candidate_changed", "the candidate was changed")

    rig = Rig(ScriptedRunner([]), open_runner=refuse)
    offer(rig, 5)
    assert rig.told()["down"] == 5
    assert rig.notes == [("refused", "candidate_changed")]
    assert tries == ["sha256:bundle"]


def test_a_model_under_another_live_bundle_than_the_one_at_hand_is_stale() -> None:
    runner = ScriptedRunner([])

    def only_first(bundle: str) -> ScriptedRunner:
        if bundle != "sha256:bundle":
            raise UnavailableError("candidate_stale", "another bundle")
        return runner

    rig = Rig(runner, open_runner=only_first, started=Started("model", STARTED.digest, 5))
    offer(rig, 1)
    rig.lane.offer(msgspec.structs.replace(record_of("dec_x", "user:ada", HOUR), bundle="sha256:newer"))
    assert rig.told() == {COMPARED: 1, "flip_match": 1, "score_12": 1, "stale": 1}


def test_closing_ends_a_process_that_hangs() -> None:
    runner = ScriptedRunner([])
    runner.gate = threading.Event()
    rig = Rig(runner)
    offer(rig, 1)
    assert runner.begun.wait(20)
    rig.lane.close()
    assert runner.killed


def test_made_up_names_do_not_grow_the_counts_and_sums_stay_exact() -> None:
    store = MemoryShadowCounts()
    tallies = Tallies(store)
    rig = Rig(ScriptedRunner([]))
    rig.lane.close()
    from ostiary.decision.shadow import cell_of  # noqa: PLC0415

    for number in range(MAX_CELLS + 50):
        record = record_of(f"dec_{number}", "user:ada", HOUR, resource_type=f"made-up-{number}")
        tallies.compared("default", "sha256:x", cell_of(record, Effect.ALLOW, enforced(record)), HOUR)
    tallies.flush()
    rows = store.summed("default", "sha256:x", COMPARED, 0, 99)
    assert sum(row.count for row in rows) == MAX_CELLS + 50
    assert len(rows) == MAX_CELLS + 1
    assert [row.count for row in rows if row.resource_class == OTHER] == [50]


def test_counts_that_could_not_be_written_are_written_later() -> None:
    class Away(MemoryShadowCounts):
        away = True

        def add(self, tenant: str, counts: Any) -> None:
            if self.away:
                raise UnavailableError("storage_unavailable", "the disk is away")
            super().add(tenant, counts)

    store = Away()
    tallies = Tallies(store)
    for tenant in ("a", "b"):
        tallies.count(tenant, "sha256:x", "late", HOUR, 3)
    with pytest.raises(UnavailableError):
        tallies.flush()
    tallies.count("a", "sha256:x", "late", HOUR)
    store.away = False
    tallies.flush()
    assert store.hourly("a", "sha256:x", 0, 9) == {(1, "late"): 4}
    assert store.hourly("b", "sha256:x", 0, 9) == {(1, "late"): 3}
