"""The shadow report: exact from the log, without names where they do not belong, honest about what it does not know."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ostiary.errors import FaultyInputError, RefusedError
from ostiary.server.places import Places
from ostiary.server.settings import load
from ostiary.server.shadow.report.gathering import Asked, first_index
from ostiary.server.shadow.report.making import make
from ostiary.server.shadow.report.sheet import Sheet
from ostiary.server.shadow.report.words import sentence, warnings
from ostiary.server.wiring import House, open_house
from ostiary.testing.fake_clock import FakeClock
from ostiary.testing.shadow_records import record_of
from ostiary.vocabulary.effects import Effect

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
END = 1_790_000_000_000_000_000 // DAY * DAY + 12 * HOUR


def write(house: House, name: str, subject: str, at_ns: int, proposal: Effect = Effect.ALLOW, **more: object) -> None:
    record = record_of(name, subject, at_ns, proposal, **more)  # type: ignore[arg-type]
    payload = msgspec.json.encode(record)
    house.log.append("default", "decision", name, at_ns, payload, subject).result(10)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Ten days; ada is stopped twice a day at a database, bob once in all; before it, and after the span, more."""
    places = Places(tmp_path_factory.mktemp("report") / "data")
    settings = load(None, environ={}, options={}).settings
    with open_house(places, settings, FakeClock(END), lambda _reason, _fault: None) as house:
        write(house, "dec_old", "user:old", END - 40 * DAY, Effect.STEP_UP)
        for day in range(10):
            at = END - (10 - day) * DAY + HOUR
            for number in range(8):
                write(
                    house, f"dec_{day}_{number}", f"user:u{number}", at + number, score=0.001 * (number + 1) + day / 1e5
                )
            for number in range(2):
                asked = {"score": 0.6 + 0.01 * number, "groups": ("finance",), "resource_type": "database"}
                write(house, f"dec_ada_{day}_{number}", "user:ada", at + 9 + number, Effect.STEP_UP, **asked)
        write(house, "dec_bob", "user:bob", END - 2 * DAY, Effect.DENY, score=0.9)
        write(house, "dec_turned_away", "user:eve", END - 2 * DAY, Effect.STEP_UP, allowed=False)
        yield house


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verdicts") / "v.csv"
    path.write_text("event_id,label\ndec_bob,1\ndec_ada_1_0,0\ndec_ada_2_0,0\ndec_ada_3_1,1\ndec_1_1,0\nunknown,1\n")
    return path


def test_a_control_is_counted_exactly_and_alone(house: House) -> None:
    sheet, digest = make(house, Asked("default", "step_up", budget=1.5))
    assert (sheet.decisions, sheet.would_interrupt, sheet.would_block, sheet.users_affected) == (102, 21, 0, 2)
    assert (sheet.budget.worst, sheet.budget.days_over) == (3, 10)
    assert sheet.budget.average == pytest.approx(21 / 14)
    assert sum(one.interrupts for one in sheet.daily) == 21
    assert len(sheet.daily) == 15
    assert digest.startswith("sha256:")
    deny, _ = make(house, Asked("default", "deny"))
    assert (deny.would_block, deny.users_affected) == (1, 1)
    assert "would have interrupted 21 of 102 accesses, of 2 people and accounts" in sentence(sheet)
    assert any("budget of 1.5 a day would have been broken on 10 of 15 days" in one for one in warnings(sheet))


def test_people_are_told_in_words_and_the_most_affected_first(house: House) -> None:
    sheet, _ = make(house, Asked("default", "step_up"))
    ada, bob = sheet.people
    assert (ada.name, ada.hits, ada.days, bob.name) == ("user:ada", 20, 10, "user:bob")
    assert "asked for a fresh proof 20 times on 10 days, always at a database (groups: finance)" in ada.words
    assert "network first seen" in ada.words


def test_precision_and_thresholds_rest_on_what_people_said(house: House, verdicts: Path) -> None:
    sheet, _ = make(house, Asked("default", "step_up", verdicts=verdicts))
    one = sheet.precision
    assert (one.judged, one.harmful, one.value) == (4, 2, 0.5)
    assert one.false_positive_rate == pytest.approx(10.5 / (102 - 10.5))
    assert one.low is not None
    assert one.low < 0.2
    assert 10 <= len(sheet.steps) <= 50
    rising = [step.threshold for step in sheet.steps]
    assert rising == sorted(rising)
    assert all(
        a.a_day >= b.a_day and (a.users or 0) >= (b.users or 0)
        for a, b in zip(sheet.steps, sheet.steps[1:], strict=False)
    )
    top = sheet.steps[-1]
    assert top.a_day == pytest.approx(1 / 14)
    assert (top.users, top.precision, top.recall) == (1, 1.0, 0.5)
    assert sum(band.rows for band in sheet.reliability) == 5
    assert sheet.patterns[0].of == "group"
    assert (sheet.patterns[0].name, sheet.patterns[0].wrong, sheet.patterns[0].judged) == ("finance", 2, 3)


def test_without_verdicts_nothing_is_claimed(house: House) -> None:
    sheet, _ = make(house, Asked("default", "step_up"))
    assert (sheet.precision.value, sheet.precision.false_positive_rate, sheet.calibration_error) == (None, None, None)
    assert sheet.reliability == ()
    assert any("precision needs verdicts" in note for note in sheet.notes)
    assert any("drift needs a live model" in note for note in sheet.notes)


@pytest.mark.parametrize("anonymous", [False, True])
def test_the_kept_copy_holds_no_name_whatever_is_shown(house: House, verdicts: Path, *, anonymous: bool) -> None:
    sheet, digest = make(house, Asked("default", "step_up", verdicts=verdicts, anonymous=anonymous))
    body = house.reports.find("default", digest).body
    assert re.search(rb"\bada\b", body) is None, "its bare letters may stand in a pseudonym's hex"
    assert b"network first seen" not in body
    assert ("user:ada" in {one.name for one in sheet.people}) is not anonymous
    kept = msgspec.json.decode(body, type=Sheet)
    assert kept.people[0].name != "user:ada"
    assert kept.people[0].hits == 20
    again = msgspec.json.decode(
        house.reports.find("default", make(house, Asked("default", "step_up"))[1]).body, type=Sheet
    )
    assert again.people[0].name == kept.people[0].name


def test_what_is_asked_for_must_be_there(house: House) -> None:
    for asked, code in (
        (Asked("default", "frob"), "control_unknown"),
        (Asked("default", "deny", days=0), "days_invalid"),
    ):
        with pytest.raises(FaultyInputError) as told:
            make(house, asked)
        assert told.value.code == code
    with pytest.raises(RefusedError) as refused:
        make(house, Asked("default", candidate="model"))
    assert refused.value.code == "candidate_not_running"


def test_a_long_log_is_not_read_from_its_beginning(house: House) -> None:
    later = first_index(house.log, END - 5 * DAY)
    assert 0 < later < house.log.head().size
    rows = house.log.store.rows(0, later)
    assert all(row.time_ns < END - 5 * DAY for row in rows)
    assert first_index(house.log, 0) == 0


def test_erased_people_are_in_no_report(tmp_path: Path) -> None:
    settings = load(None, environ={}, options={}).settings
    with open_house(Places(tmp_path / "data"), settings, FakeClock(END), lambda _reason, _fault: None) as house:
        for name in ("ann", "joe"):
            write(house, f"dec_{name}", f"user:{name}", END - HOUR, Effect.STEP_UP)
        house.vault.shred("default", "user:ann")
        sheet, _ = make(house, Asked("default", "step_up"))
        assert [one.name for one in sheet.people] == ["user:joe"]
