import msgspec
import pytest

from ostiary.decision.explain import explain
from ostiary.decision.parts import AlreadyAnsweredError
from ostiary.decision.phases import PhaseTable
from ostiary.decision.ports import ResourceFacts, SubjectFacts
from ostiary.decision.replay import Said, replay
from ostiary.decision.search import Page, SearchCall, Searcher
from ostiary.errors import FaultyInputError
from ostiary.testing.parts import FixedEngine, FixedScorer, StaticDirectory
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.entities import Subject
from ostiary.vocabulary.reasons import Reason
from ostiary.vocabulary.verdicts import AdaptiveVerdict, GuardrailVerdict, RuleHit, Unmet

GRANT = RuleHit("readers-read", Effect.ALLOW)


class EvenRecordsOnly(FixedEngine):
    """Permits records with an even number."""

    def guardrails(self, document):
        super().guardrails(document)
        even = int(msgspec.json.decode(document)["resource"]["id"].rsplit("-", 1)[1]) % 2 == 0
        return GuardrailVerdict(hits=(GRANT,)) if even else GuardrailVerdict()


@pytest.fixture
def searching(rig):
    directory = StaticDirectory(
        subjects={("user", "alice"): SubjectFacts(known=True)},
        resources={("record", f"record-{n}"): ResourceFacts(known=True) for n in range(10)},
        actions=["read", "write"],
    )
    return rig.policy(EvenRecordsOnly(GuardrailVerdict())).use(directory=directory)


FIRST = Page()


def search(rig, page=FIRST, **changes):
    call = rig.call(**changes)
    wanted = SearchCall(call.pep, "resource", call.request, call.presented, page)
    return Searcher(rig.decider).search(rig.receipt(), wanted)


def test_a_search_names_what_policy_permits_and_is_one_record(searching):
    found = search(searching)
    assert [r["id"] for r in found.answer["results"]] == [f"record-{n}" for n in range(0, 10, 2)]
    [record] = searching.recorder.records
    assert (record.kind, record.results) == ("search.resource", 5)


def test_pages_can_be_walked_to_the_end(searching):
    names, token = [], ""
    for _ in range(10):
        page = search(searching, Page(2, token)).answer
        names += [r["id"] for r in page["results"]]
        token = page["page"]["next_token"]
        if not token:
            break
    assert names == [f"record-{n}" for n in range(0, 10, 2)]


@pytest.mark.parametrize("token", ["x", "MC4=", "LTEuMDAwMA", "é", "MS5hYmNkZWYwMTIzNDU2Nzg5"])
def test_a_forged_page_token_is_an_error(searching, token):
    with pytest.raises(FaultyInputError, match=r"page\.token"):
        search(searching, Page(2, token))


def test_a_page_token_does_not_open_another_search(searching):
    token = search(searching, Page(1)).answer["page"]["next_token"]
    with pytest.raises(FaultyInputError):
        search(searching, Page(1, token), subject=Subject("user", "bob"))
    with pytest.raises(FaultyInputError):
        search(searching, Page(1, token), tenant="other")


def test_a_search_for_a_refused_subject_is_a_refusal(searching):
    found = search(searching, subject=Subject("user", "mallory"))
    assert found.record.refusal == "token_signature_invalid"


def test_a_search_that_the_deadline_answered_records_nothing(searching):
    call = searching.call()
    wanted = SearchCall(call.pep, "resource", call.request)
    assert wanted.claim.take()
    with pytest.raises(AlreadyAnsweredError):
        Searcher(searching.decider).search(searching.receipt(), wanted)
    assert searching.recorder.records == []


def unusual(score):
    step_up = RuleHit("unusual", Effect.STEP_UP, "This is unusual for you.", "Sign in again.", {"acr_values": ["a"]})
    return AdaptiveVerdict(hits=(step_up,)) if score > 0.5 else AdaptiveVerdict()


class ScoreEngine(FixedEngine):
    """Allows, and proposes a step-up above one half."""

    def adaptive(self, document):
        return unusual(msgspec.json.decode(document)["risk"]["score"])


def recorded(rig, scorer=None):
    rig.policy(ScoreEngine(GuardrailVerdict(hits=(GRANT,))), scorer or FixedScorer(0.9))
    rig.decider.decide(rig.receipt(), rig.call())
    return rig.recorder.records[-1]


def test_the_same_record_replays_to_the_same_decision(rig):
    record = recorded(rig)
    again = replay(record, rig.engine)
    assert (again.changed, again.after) == (False, Effect.STEP_UP)


def test_another_model_or_bundle_or_phase_gives_an_honest_diff(rig):
    record = recorded(rig)
    milder = replay(record, rig.engine, scorer=FixedScorer(0.1))
    assert (milder.before, milder.after) == (Effect.STEP_UP, Effect.ALLOW)
    harsher = replay(record, FixedEngine(GuardrailVerdict(hits=(GRANT, RuleHit("no", Effect.DENY)))))
    assert harsher.after == Effect.DENY
    assert replay(record, rig.engine, phases=PhaseTable()).after == Effect.ALLOW


def test_what_the_adaptive_rules_said_counts_while_they_would_be_told_the_same(rig):
    record = recorded(rig)
    said = Said(adaptive=record.adaptive)
    same = FixedEngine(GuardrailVerdict(hits=(GRANT,)))
    assert replay(record, same, said=said).after == Effect.STEP_UP
    assert [question for question, _ in same.seen] == ["guardrails"]
    for told in (RuleHit("other", Effect.ALLOW), RuleHit("readers-read", Effect.STEP_UP)):
        other = FixedEngine(GuardrailVerdict(hits=(GRANT, told)))
        replay(record, other, said=said)
        assert [question for question, _ in other.seen] == ["guardrails", "adaptive"]


def test_what_the_adaptive_rules_said_of_another_score_counts_for_nothing(rig):
    record = recorded(rig)
    asked = FixedEngine(GuardrailVerdict(hits=(GRANT,)))
    assert replay(record, asked, FixedScorer(0.1), said=Said(adaptive=record.adaptive)).after == Effect.ALLOW


def test_a_refusal_replays_as_itself(rig):
    rig.decider.decide(rig.receipt(), rig.call(subject=Subject("user", "mallory")))
    assert not replay(rig.recorder.records[0], rig.engine).changed


def test_a_search_cannot_be_replayed(searching):
    search(searching)
    with pytest.raises(FaultyInputError):
        replay(searching.recorder.records[0], searching.engine)


def test_why_goes_from_the_sentence_to_the_sum(rig):
    told = explain(recorded(rig))
    assert told.sentence == "user:alice was asked to prove again who they are: read on record record-1."
    assert told.because == "This is unusual for you."
    assert told.rules[0]["remediation"] == "Sign in again."
    assert told.law["sum"] == "max(ALLOW, STEP_UP) = STEP_UP"
    assert told.signals[0]["text"] == "network first seen"


def test_why_names_the_unmet_condition(rig):
    denied = GuardrailVerdict(unmet=(Unmet("readers-read", "subject is in no group that may read", "Ask for it."),))
    rig.policy(FixedEngine(denied)).decider.decide(rig.receipt(), rig.call())
    told = explain(rig.recorder.records[0])
    assert told.unmet[0]["condition"] == "subject is in no group that may read"
    assert told.reasons[0]["code"] == Reason.NO_ALLOW_RULE
