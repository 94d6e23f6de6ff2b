"""What a model would have done: alarms, proposals, drift, and the page that tells them."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.artifacts.shipped import policies_dir
from ostiary.artifacts.statement import ArtifactPredicate
from ostiary.artifacts.verifying import VerifiedArtifact
from ostiary.errors import FaultyInputError
from ostiary.risk.calibration import Calibration
from ostiary.risk.measure.evaluate import precision_within, report
from ostiary.risk.measure.groups import group_rates
from ostiary.risk.measure.page import page
from ostiary.risk.measure.proposals import EFFECTS, Table, parse_table, propose
from ostiary.risk.measure.reference import parse_reference, reference_of
from ostiary.risk.measure.shadow import Shadow, Watch
from ostiary.risk.measure.sheet import parse_card, sheet_of
from ostiary.risk.measure.tally import empty
from ostiary.risk.measure.watching import WatchedScorer
from ostiary.risk.schema import CARD_FILE, Column, Scaling, Schema, Thresholds
from ostiary.risk.stream import Judged, Sitting
from ostiary.risk.verdicts import Verdict
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

DAY = 86_400 * 10**9
LEVELS = Thresholds(medium=0.5, high=0.9)
TABLE = Calibration([0.0], [0.0])
SCALING = Scaling(TABLE, LEVELS, LEVELS, TABLE)
SHIPPED = parse_table((policies_dir() / "thresholds" / "data.yaml").read_bytes(), "data.yaml")
scores = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def access(place: int, who: str = "ann", kind: str = "user", thing: str = "orders") -> AccessEvent:
    return AccessEvent(str(place), "t", DAY + place * DAY // 4, who, "read", "db", thing, subject_type=kind)


def judged(event: AccessEvent, score: float | None) -> Judged:
    level = "unknown" if score is None else LEVELS.level(score)
    return Judged(event, RiskScore(available=score is not None, score=score, level=level, uncertainty=0.1))


def watched(rows: Sequence[tuple[AccessEvent, float | None]], budget: float | None = None) -> Shadow:
    watch = Watch(SCALING, SHIPPED)
    for event, score in rows:
        watch.access(judged(event, score))
        watch.session(Sitting(event, event.time_ns, judged(event, score).risk, []))
    return watch.told(budget)


def test_alarms_are_counted_by_day_by_subject_and_by_group() -> None:
    people = [(access(n, f"u{n % 4}"), 0.95 if n == 3 else 0.6 if n == 5 else 0.1) for n in range(8)]
    jobs = [(access(8 + n, "cron", "job", "backup"), 0.6) for n in range(4)]
    told = watched([*people, *jobs], budget=0.4)
    by_name = {one.name: one for one in told.candidates}
    assert (told.sessions, told.accesses, told.subjects) == (12, 12, {"jobs": 1, "people": 4})
    assert told.days == pytest.approx(2.75)
    medium = by_name["level medium"]
    assert (medium.alarms, medium.subjects, medium.by_group) == (6, 3, {"jobs": 4, "people": 2})
    assert medium.share == 0.5
    assert medium.alarms_a_day == pytest.approx(6 / 2.75)
    assert medium.alarms_a_day_per_100 == pytest.approx(6 / 2.75 * 20)
    assert by_name["level high"].alarms == 1
    assert by_name["at most 0.4 a day"].alarms == 1
    assert [one.name for one in told.noisy_people] == ["user:u1", "user:u3"]
    assert [(one.name, one.alarms, one.accesses) for one in told.noisy_others] == [("job:cron", 4, 4)]
    assert told.noisy_resources[0].name == "db:backup"
    assert tuple(map(sum, zip(*told.slices, strict=True))) == (6, 1)


@given(scores, st.floats(0, 40))
def test_no_candidate_costs_more_than_it_says(drawn: list[float], budget: float) -> None:
    told = watched([(access(n), score) for n, score in enumerate(drawn)], budget)
    for one in told.candidates:
        assert one.alarms == sum(score >= (2 if one.threshold is None else one.threshold) for score in drawn)
        if one.name.startswith("1 in"):
            assert one.alarms <= len(drawn) / int(one.name.split()[2].replace(",", ""))
    assert told.candidates[-1].alarms <= budget * told.days


@given(scores)
def test_the_riskiest_sessions_are_told_highest_first(drawn: list[float]) -> None:
    told = watched([(access(n), score) for n, score in enumerate(drawn)])
    assert [one.score for one in told.riskiest] == sorted(drawn, reverse=True)[:20]
    assert all(drawn[int(one.name)] == one.score and one.level == LEVELS.level(one.score) for one in told.riskiest)


def test_a_missing_score_is_counted_and_asks_for_a_step_up_where_it_matters() -> None:
    told = watched([(access(0), None), (access(1), 0.1)])
    assert (told.unscored, told.levels) == (1, {"low": 1, "unknown": 1})
    assert {one.effect: one.accesses for one in told.proposed} == {"terminate": 0, "deny": 0, "step_up": 1, "reduce": 0}


def test_nothing_seen_is_nothing_told() -> None:
    told = watched([])
    assert (told.accesses, told.sessions, told.subjects, told.noisy_people) == (0, 0, {}, ())
    assert [one.alarms for one in told.candidates] == [0] * len(told.candidates)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 4), st.floats(0, 1))
def test_a_higher_score_never_proposes_less(low: float, high: float, sensitivity: int, uncertainty: float) -> None:
    def strength(score: float) -> int:
        risk = RiskScore(available=True, score=score, level=LEVELS.level(score), uncertainty=uncertainty)
        effect = propose(SHIPPED, sensitivity, risk)
        return len(EFFECTS) - EFFECTS.index(effect) if effect else 0

    assert strength(min(low, high)) <= strength(max(low, high))


def test_the_shipped_thresholds_are_read_and_strange_ones_are_not() -> None:
    assert SHIPPED.by_sensitivity["4"]["terminate"] == 0.99
    assert SHIPPED.uncertain.from_ == 0.8
    with pytest.raises(FaultyInputError) as raised:
        parse_table(b"by_sensitivity: {'1': {reduce: often}}", "x.yaml")
    assert raised.value.code == "thresholds_malformed"


class Constant:
    """Gives every row the same score."""

    digest = "sha256:constant"

    def score(self, event: AccessEvent, features: Sequence[float]) -> RiskScore:
        return RiskScore(available=True, score=0.25, level="low")


def test_a_watched_scorer_passes_the_answer_on_and_counts_what_moved() -> None:
    luck = np.random.default_rng(4)
    rows = luck.normal(size=(3_000, 3))
    then = parse_reference(reference_of(rows, np.full(3_000, 0.25), ["same", "moved", "gone"], ["people"] * 3_000))
    watch = WatchedScorer(Constant(), then, ["new", "same", "moved", "gone"], from_ns=2 * DAY)
    for row in luck.normal(size=(2_500, 3)):
        told = watch.score(access(9), [0.0, row[0], row[1] + 3, float("nan")])
        assert told.score == 0.25
    watch.score(access(9), [1.0])
    watch.score(access(0), [0.0, 9.0, 9.0, 9.0])
    drift = watch.drift()
    assert (drift.rows, drift.reference_rows, drift.score.verdict) == (2_500, 3_000, "quiet")
    assert [one.name for one in drift.features] == ["moved", "gone", "same"]
    assert [one.verdict for one in drift.features] == ["act", "act", "quiet"]
    assert drift.features[1].missing_now == 1.0
    assert drift.groups["people"].rows == 2_500
    assert watch.digest == Constant.digest


def verified(card: bytes) -> VerifiedArtifact:
    return VerifiedArtifact("sha256:" + "0" * 64, {CARD_FILE: card}, ArtifactPredicate("access-risk-model", DAY))


SCHEMA = Schema("sha256:set", [Column("a", "novelty", told=0.5), Column("b", "novelty"), Column("c", "time")])


class Tags(HTMLParser):
    """Collects what a page could fetch or run, and checks that its tags are balanced."""

    VOID = frozenset({"meta", "rect", "line", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: set[str] = set()
        self.fetches: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.fetches += [name for name, _ in attrs if name in {"src", "href", "srcset", "onload", "onclick"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self.VOID or self.open.pop() == tag


def test_a_page_escapes_names_fetches_nothing_and_closes_its_tags() -> None:
    evil = '"><script>alert(1)</script><img src=x>'
    card = msgspec.json.encode(
        {
            "task": evil,
            "gain_by_family": {"novelty": 0.7, "time": 0.3},
            "sources": [{"origin": evil, "events": 5}],
            "sessions_figures": {"rows": 10, "positives": 1, "roc_auc": 0.9},
            "protocol": [evil],
            "groups": group_rates(
                np.array([0.9, 0.1]), np.zeros(2, dtype=np.int64), [evil] * 2, ["a", "b"], {"1%": 0.5}
            ),
        }
    )
    told = sheet_of(verified(card), SCHEMA, SCALING)
    tally = empty()
    for n in range(60):
        attack = f"a{n % 3}" if n % 6 == 0 else ""
        verdict = Verdict(label=int(n % 6 == 0), attack=attack, kind=evil if attack else "")
        tally.add(n / 60, verdict, verdict.kind, access(n, f"{evil}{n % 9}"))
    luck = np.random.default_rng(2)
    then = parse_reference(reference_of(luck.normal(size=(50, 1)), luck.random(50), ["a"], ["people"] * 50))
    watch = WatchedScorer(Constant(), then, ["a"])
    watch.score(access(1), [1.0])
    told = msgspec.structs.replace(
        told,
        shadow=watched([(access(n, evil, thing=evil), n / 20) for n in range(20)], 2),
        measured=report("session", tally, 0.1, LEVELS),
        precision_at_budget=precision_within(tally, 10),
        drift=watch.drift(),
        notes=(evil,),
    )
    html = page(told)
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert html.count("False alarms by group") == 2
    assert tags.fetches == []
    assert not tags.found & {"script", "img", "link", "iframe", "object"}
    assert "default-src &#x27;none&#x27;" in html
    assert "prefers-color-scheme: dark" in html
    assert not re.search(r"https?://|url\(|@import", html)
    for words in (
        "What it is",
        "Gain by family",
        "What each threshold would cost",
        "Noisiest",
        "Time to detect",
        "moved",
    ):
        assert words in html


def test_a_page_without_events_tells_the_card_alone() -> None:
    html = page(sheet_of(verified(b"{}"), SCHEMA, SCALING))
    assert "What it would have done" not in html
    assert "How far the world moved" not in html


def test_families_are_told_with_gain_and_a_faulty_card_is_refused() -> None:
    told = sheet_of(verified(b'{"gain_by_family": {"time": 0.9}}'), SCHEMA, SCALING).families
    assert [(one.family, one.features, one.told, one.gain) for one in told] == [
        ("time", 1, 1.0, 0.9),
        ("novelty", 2, 0.75, 0.0),
    ]
    with pytest.raises(FaultyInputError, match="card"):
        parse_card(b"[1]")


def test_precision_within_a_budget_is_that_of_the_riskiest() -> None:
    tally = empty()
    for n, label in enumerate((0, 0, 1, 1)):
        tally.add(n / 4, Verdict(label=label), "", access(n))
    assert [precision_within(tally, room) for room in (0, 1, 2, 4)] == [None, 1.0, 1.0, 0.5]


def test_a_bundle_without_thresholds_proposes_nothing(tmp_path: Path) -> None:
    assert propose(Table(), 4, RiskScore(available=True, score=1.0, level="high")) == ""
