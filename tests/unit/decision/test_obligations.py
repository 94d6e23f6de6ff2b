import pytest

from ostiary.decision.obligations import obligations_of
from ostiary.vocabulary.effects import Effect
from ostiary.vocabulary.verdicts import Outcome, RuleHit


def step_up(*lists):
    rules = tuple(RuleHit(f"r{n}", Effect.STEP_UP, properties={"acr_values": v}) for n, v in enumerate(lists))
    outcome = Outcome(Effect.STEP_UP, Effect.STEP_UP, Effect.ALLOW, Effect.ALLOW, Effect.TERMINATE, rules=rules)
    [obligation] = obligations_of(outcome, None, None, "user:ada")
    return obligation.properties["acr_values"]


@pytest.mark.parametrize(
    ("lists", "wanted"),
    [
        ([["mfa", "phr"], ["phr"]], ["phr"]),
        ([["mfa"], ["phr"]], ["mfa", "phr"]),
        ([["mfa", "mfa"]], ["mfa"]),
        ([[], ["phr"]], ["phr"]),
        ([["mfa", 7], "phr"], ["mfa"]),
        ([], ["urn:ostiary:acr:mfa"]),
    ],
)
def test_one_sign_in_answers_every_rule_where_it_can(lists, wanted):
    assert step_up(*lists) == wanted
