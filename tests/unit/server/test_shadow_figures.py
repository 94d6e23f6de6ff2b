"""What a gate is shown is counted from the true decisions: exact, by control, and not known where nobody told."""

from collections.abc import Iterator

import msgspec
import pytest

from ostiary.server.feedback.book import FeedbackBook
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.shadow.figures import false_positive_rate
from ostiary.server.shadow.judged import Judged
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.rollout import GateFigures
from ostiary.vocabulary.verdicts import DecisionRecord

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
START = 1_790_000_000_000_000_000 // DAY * DAY


class Scene:
    """A house whose decisions are written and watched as those of a server are."""

    def __init__(self, house: House, clock: FakeClock) -> None:
        self.house, self.clock, self.number = house, clock, 0

    def decide(self, tenant: str = "default", proposal: Effect = Effect.ALLOW, **more: object) -> DecisionRecord:
        self.number += 1
        at_ns = self.clock.now_ns()
        name = f"dec_{self.number}"
        record = record_of(name, str(more.pop("subject", "user:ada")), at_ns, proposal, tenant=tenant, **more)  # type: ignore[arg-type]
        payload = msgspec.json.encode(record)
        self.house.log.append(tenant, "decision", name, at_ns, payload, record.subject_key).result(10)
        self.house.shadow.live.offer(record)
        return record

    def judge(self, record: DecisionRecord, verdict: str) -> None:
        target = f"decision:{record.receipt.decision_id}"
        FeedbackBook(self.house).say(record.tenant, target, verdict, "looked at it", by="ann", source="test")

    def figures(self, control: str, since_ns: int, tenant: str = "default") -> GateFigures:
        while not self.house.shadow.idle():
            continue
        self.clock.advance(2)
        return self.house.figures.figures(tenant, control, since_ns, self.clock.now_ns())


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    clock = FakeClock(START)
    places = Places(tmp_path_factory.mktemp("figures") / "data")
    settings = load(None, environ={}, options={}).settings
    with open_house(places, settings, clock, lambda _reason, _fault: None) as house:
        for tenant in ("days", "rates", "empty", "minutes"):
            house.tenants.create(tenant)
        yield Scene(house, clock)


def test_what_was_never_watched_is_not_known(scene: Scene) -> None:
    found = scene.figures("step_up", START, "empty")
    assert (found.days, found.decisions, found.false_positive_rate, found.judged) == (None, None, None, 0)
    assert scene.figures("no-such-control", START) == GateFigures()


def test_each_control_is_counted_as_if_it_alone_were_live(scene: Scene) -> None:
    for day in range(4):
        for number in range(5):
            scene.decide("days", Effect.DENY if number == 0 else Effect.ALLOW, subject=f"user:{number}", score=0.2)
        scene.decide("days", Effect.STEP_UP, subject="user:blind", score=None)
        scene.decide("days", Effect.TERMINATE, subject="user:out", allowed=False)
        if day < 3:
            scene.clock.advance(DAY / 1e9)
    told = scene.figures("step_up", START, "days")
    assert told.decisions == 28
    assert told.would_interrupt_a_day == pytest.approx(8 / told.days if told.days else 0)
    assert told.would_block == 0
    assert told.subjects_share == pytest.approx(6 / 7)
    assert told.resources_share == 1.0
    deny = scene.figures("deny", START, "days")
    assert (deny.would_block, deny.decisions) == (4, 28)
    assert scene.figures("terminate", START, "days").would_block == 4  # it ends what policy only turns away
    assert scene.figures("reduce", START, "days").would_interrupt_a_day == 0
    assert told.days is not None
    assert 3 <= told.days <= 3.1


def test_a_span_leaves_out_what_came_before_it(scene: Scene) -> None:
    for _ in range(3):
        scene.decide("minutes", Effect.STEP_UP)
        scene.clock.advance(60)
    middle = scene.clock.now_ns()
    scene.decide("minutes")
    assert scene.figures("step_up", middle, "minutes").decisions == 1
    assert scene.figures("step_up", middle - 61 * 10**9, "minutes").decisions == 2


def test_verdicts_become_a_rate_of_honest_accesses_and_a_later_one_counts(scene: Scene) -> None:
    since = scene.clock.now_ns()
    hits = [scene.decide("rates", Effect.STEP_UP, score=0.5) for _ in range(4)]
    for _ in range(96):
        scene.decide("rates")
    assert scene.figures("step_up", since, "rates").false_positive_rate is None
    scene.judge(hits[0], "confirm")
    scene.judge(hits[1], "dismiss")
    told = scene.figures("step_up", since, "rates")
    assert told.judged == 2
    assert told.false_positive_rate == pytest.approx(2 / 98)
    assert told.calibration_error == pytest.approx(0.0)
    scene.judge(hits[1], "confirm")
    assert scene.figures("step_up", since, "rates").false_positive_rate == 0
    assert scene.figures("step_up", since, "rates").judged == 2
    assert scene.figures("deny", since, "rates").judged == 0


def test_a_report_counts_only_when_it_verifies(scene: Scene) -> None:
    house, now = scene.house, scene.clock.now_ns()
    about = house.policies.status("default").digest
    body = b'{"flips":[{"direction":"new_allows","count":3},{"direction":"loosened","count":4}]}'
    kept = house.reports.keep("default", "impact", about, body, now)
    red = house.reports.keep("default", "redteam", about, b'{"passed": true}', now)
    told = scene.figures("step_up", START)
    assert (told.impact, told.new_allows, told.redteam, told.redteam_passed) == (kept.digest, 3, red.digest, True)
    data = house.store.snapshots.load("default", "report", kept.digest) or b""
    house.store.snapshots.save("default", "report", kept.digest, data.replace(b'":3', b'":0'), now)
    told = scene.figures("step_up", START)
    assert (told.impact, told.new_allows) == ("", None)
    assert scene.figures("step_up", START, "empty").redteam == ""


def test_the_rate_is_never_flattered_by_what_is_harmful() -> None:
    wrong = [Judged("a", 1, harmful=False, reach=frozenset(), score=None)]
    right = [Judged("b", 1, harmful=True, reach=frozenset(), score=None)]
    assert false_positive_rate(10, 10, wrong) == 1.0
    assert false_positive_rate(10, 10, right) == 0.0
    assert false_positive_rate(100, 10, [*wrong, *right]) == pytest.approx(5 / 95)
