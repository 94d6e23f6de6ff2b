"""Without a model the likelihood ratio scores: the odd access above the usual one, and it says how little it knows."""

from ostiary.risk.cold_start import DIGEST, LikelihoodRatio
from ostiary.signals.book import ProfileBook
from ostiary.signals.features import INDEX, NAMES, extract
from ostiary.testing.organisation import Organisation
from ostiary.vocabulary.events import AccessEvent
from ostiary.vocabulary.scoring import RiskScore

SCORER = LikelihoodRatio()


def scored(book: ProfileBook, event: AccessEvent) -> RiskScore:
    return SCORER.score(event, extract(event, book.view(event)))


def test_the_night_visit_scores_above_nearly_everything_usual() -> None:
    organisation, book = Organisation(people=16, days=12), ProfileBook("default")
    usual = []
    for event in organisation.history():
        usual.append(scored(book, event).score or 0.0)
        book.learn(event)
    odd = scored(book, organisation.story("2am-dba").events[-1])
    assert odd.score is not None
    assert odd.score > sorted(usual[len(usual) // 2 :])[int(0.98 * (len(usual) // 2))]
    assert odd.model == DIGEST


def test_more_odds_never_score_lower_and_a_stranger_is_uncertain() -> None:
    event = AccessEvent("e", "default", 10**18, "ann", "read", "db", "orders")
    row = extract(event, ProfileBook("default").view(event))
    assert SCORER.score(event, row).uncertainty == 1.0
    before = 0.0
    for odds in (-5.0, 0.0, 3.0, 9.0):
        row[INDEX["odds"]] = odds
        score = SCORER.score(event, row).score
        assert score is not None
        assert score >= before
        before = score


def test_what_cannot_be_scored_is_unavailable() -> None:
    event = AccessEvent("e", "default", 10**18, "ann", "read", "db", "orders")
    assert not SCORER.score(event, [0.0]).available
    assert not SCORER.score(event, [float("nan")] * len(NAMES)).available
