"""Slow drift, and who tries to get around the watch over it: weekends, small steps, waiting, enrolling anew, the disk."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest

from ostiary.defence.anchors import BASELINE_DAYS, REPLACE, Baseline, Baselines
from ostiary.defence.drift import RULE, Anchor, Day, Watched, proven, step
from ostiary.errors import RefusedError, VerificationError
from ostiary.keys import SigningKey
from ostiary.vocabulary.approvals import Approved, Deed

KEY = SigningKey.from_seed("k1", bytes(32))
OTHER = SigningKey.from_seed("k1", bytes([1]) * 32)
NOW = 10**18


def steady(seed: int, count: int, drift: Sequence[float] = (0.0, 0.0), *, only_weekends: bool = False) -> list[Day]:
    """Return days of two measures; after the baseline each drifts by so many deviations a day."""
    rng, days = Random(seed), []  # noqa: S311 - a simulation
    for number in range(BASELINE_DAYS + count):
        since, weekend = max(0, number + 1 - BASELINE_DAYS), number % 7 >= 5
        moves = since if weekend or not only_weekends else 0
        days.append(Day(number, tuple(rng.gauss(0.0, 1.0) + by * moves for by in drift), weekend))
    return days


def watch(days: Sequence[Day], anchor: Anchor | None = None) -> tuple[int, Watched]:
    """Return how many days after the baseline the first alarm came (0: never), and what was seen."""
    anchor, watched = anchor or Anchor.of(days[:BASELINE_DAYS]), Watched()
    for number, day in enumerate(days[BASELINE_DAYS:], start=1):
        watched = step(watched, anchor, day)
        if watched.alarms:
            return number, watched
    return 0, watched


@pytest.mark.parametrize("seed", range(8))
def test_a_drifter_is_stopped_before_his_profile_has_moved_two_deviations(seed: int) -> None:
    when, watched = watch(steady(seed, 60, (0.1, 0.0)))
    assert 0 < when < 40
    assert max(watched.moved) < 2.0


def test_two_measures_that_drift_against_each_other_do_not_cancel() -> None:
    when, watched = watch(steady(1, 60, (0.1, -0.1)))
    assert 0 < when < 30
    assert watched.alarms[0].split(":")[0] in {"0", "1"}


def test_who_drifts_at_weekends_only_is_seen() -> None:
    when, _ = watch(steady(2, 120, (0.1, 0.0), only_weekends=True))
    assert when > 0
    flat = [msgspec.structs.replace(day, weekend=False) for day in steady(2, 120, (0.1, 0.0), only_weekends=True)]
    late, _ = watch(flat)
    assert not late or late >= when, "the sums of weekends see it first, or alone"


def test_steps_below_the_daily_budget_take_as_long_as_the_budget_says() -> None:
    _, watched = watch(steady(3, 400, (RULE.budget * 0.9, 0.0)))
    assert watched.alarms
    assert watched.days >= 1
    assert max(abs(one) for one in watched.moved) <= RULE.budget * watched.days + 1e-9


def test_waiting_wears_no_sum_down() -> None:
    days = steady(4, 14, (0.12, 0.0))
    anchor = Anchor.of(days[:BASELINE_DAYS])
    watched = Watched()
    for day in days[BASELINE_DAYS:]:
        watched = step(watched, anchor, day)
    later = msgspec.structs.replace(days[-1], number=days[-1].number + 400)
    assert step(watched, anchor, later).sums == step(watched, anchor, msgspec.structs.replace(later, number=99)).sums
    assert step(watched, anchor, days[-1]) == watched, "a day told twice counts once"


def test_an_alarm_stays_until_the_subject_proves_himself_and_the_anchor_stays_after_it() -> None:
    days = steady(5, 60, (0.2, 0.0))
    when, watched = watch(days)
    honest = msgspec.structs.replace(days[0], number=500)
    assert step(watched, Anchor.of(days[:BASELINE_DAYS]), honest).alarms == watched.alarms
    assert proven(watched).alarms == ()
    assert proven(watched).moved == watched.moved
    assert when


class Ledger:
    """What was written down, by subject."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], str] = {}

    def last(self, tenant: str, subject: str) -> str:
        return self.told.get((tenant, subject), "")

    def write(self, baseline: Baseline, approval: str) -> None:
        assert approval or baseline.serial == 1
        self.told[baseline.tenant, baseline.subject] = baseline.digest


class Disk:
    """A store that anybody may write to."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, str], bytes] = {}

    def load(self, tenant: str, subject: str) -> bytes | None:
        return self.data.get((tenant, subject))

    def save(self, tenant: str, subject: str, data: bytes) -> None:
        self.data[tenant, subject] = data


class People:
    """Agree to one deed."""

    def __init__(self) -> None:
        self.agreed: Deed | None = None

    def check(self, deed: Deed, proposal_id: str, now_ns: int) -> Approved:
        if deed != self.agreed:
            raise RefusedError("approval_for_something_else", f"`{proposal_id}` is for something else")
        return Approved("sha256:yes", "n", now_ns + 1, ("a", "b"))


def room() -> tuple[Baselines, Disk, Ledger, People]:
    disk, ledger, people = Disk(), Ledger(), People()
    return Baselines(disk, ledger, people), disk, ledger, people


def refused(code: str, kind: type[RefusedError | VerificationError] = RefusedError) -> "pytest.RaisesExc[Exception]":
    return pytest.raises(kind, check=lambda fault: fault.code == code)


def test_who_enrols_anew_gets_no_new_baseline() -> None:
    baselines, disk, _, _ = room()
    first = baselines.freeze("t", "user:eve", steady(1, 0), KEY, NOW)
    with refused("baseline_exists"):
        baselines.freeze("t", "user:eve", steady(2, 0, (5.0, 0.0)), KEY, NOW)
    del disk.data["t", "user:eve"]
    with refused("baseline_exists"):
        baselines.freeze("t", "user:eve", steady(2, 0), KEY, NOW)
    with refused("baseline_missing", VerificationError):
        baselines.find("t", "user:eve", [KEY.public])
    assert baselines.find("other", "user:eve", [KEY.public]) is None
    assert first.serial == 1


def test_only_the_deed_that_people_agreed_to_replaces_a_baseline() -> None:
    baselines, disk, _, people = room()
    first = baselines.freeze("t", "user:ann", steady(1, 0), KEY, NOW)
    old, days = disk.data["t", "user:ann"], steady(2, 0)
    with refused("approval_for_something_else"):
        baselines.replace(first, days, NOW, "p1", KEY, NOW)
    people.agreed = baselines.deed(first, days, NOW)
    assert people.agreed.kind == REPLACE
    assert people.agreed.own == {"user:ann"}
    with refused("approval_for_something_else"):
        baselines.replace(first, steady(3, 0), NOW, "p1", KEY, NOW)
    second = baselines.replace(first, days, NOW, "p1", KEY, NOW)
    assert baselines.find("t", "user:ann", [KEY.public]) == second
    with refused("baseline_stale"):
        baselines.replace(first, days, NOW, "p1", KEY, NOW)
    disk.data["t", "user:ann"] = old
    with refused("baseline_rolled_back", VerificationError):
        baselines.find("t", "user:ann", [KEY.public])


@pytest.mark.parametrize("how", ["bytes", "values", "key", "subject"])
def test_a_baseline_that_was_changed_on_disk_is_not_believed(how: str) -> None:
    baselines, disk, _, _ = room()
    made = baselines.freeze("t", "user:ann", steady(1, 0), KEY, NOW)
    match how:
        case "bytes":
            data = b"\xff" + disk.data["t", "user:ann"]
        case "values":
            data = msgspec.msgpack.encode(msgspec.structs.replace(made, anchor=Anchor.of(steady(9, 0, (3.0, 3.0)))))
        case "key":
            data = msgspec.msgpack.encode(msgspec.structs.replace(made, signature=OTHER.sign(made.signed)))
        case _:
            other = msgspec.structs.replace(made, subject="user:bob")
            data = msgspec.msgpack.encode(msgspec.structs.replace(other, signature=KEY.sign(other.signed)))
    disk.data["t", "user:ann"] = data
    with refused("baseline_tampered", VerificationError):
        baselines.find("t", "user:ann", [KEY.public])


def test_too_few_days_make_no_baseline() -> None:
    baselines, _, _, _ = room()
    with refused("baseline_too_few_days"):
        baselines.freeze("t", "user:ann", steady(1, 0)[:10], KEY, NOW)
    assert baselines.find("t", "user:ann", [KEY.public]) is None
