"""Before a bundle goes live: rules that read how somebody types must not propose less when it gets worse."""

import pytest

from ostiary.policy.behaviour_grid import behaviours, speaks_of_behaviour
from ostiary.policy.bundle import Bundle
from ostiary.policy.monotone import check_monotone, score_grid

HEAD = 'package ostiary.adaptive\ndecision := {"proposals": proposals}\n'
STEP_UP = 'proposals contains {"rule": "typing", "effect": "STEP_UP"} if '


def bundle_of(condition):
    data = "biometrics: {from: 1.8}\n"
    rules = HEAD + STEP_UP + "{ " + condition + " }"
    return Bundle.of(
        {"g.rego": "package ostiary.guardrails\ndecision := {}", "a.rego": rules, "thresholds/data.yaml": data}
    )


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("input.biometrics.llr == data.thresholds.biometrics.from", "evidence"),
        ("input.biometrics.llr > 1; input.biometrics.llr < 3", "evidence"),
        ("input.biometrics.liveness > 0.5", "liveness"),
        ("input.biometrics.drift < 6", "drift"),
    ],
)
def test_worse_that_proposes_less_is_found(condition, what):
    found = check_monotone(bundle_of(condition))
    assert found
    assert all(what in sentence for sentence in found)


def test_worse_that_proposes_more_is_fine():
    condition = "input.biometrics.llr >= data.thresholds.biometrics.from"
    assert check_monotone(bundle_of(condition)) == []
    assert check_monotone(bundle_of("input.biometrics.liveness <= 0.1")) == []


def test_the_walk_looks_closely_at_the_thresholds():
    bundle = bundle_of("input.biometrics.llr > 1")
    nats = [value for value, _ in dict(behaviours(bundle, score_grid(bundle)))["enrolled evidence"]]
    assert {1.8, 1.799999, 1.800001, -50.0, 50.0} <= set(nats)
    assert nats == sorted(nats)


def test_bundles_that_do_not_speak_of_it_are_not_walked():
    assert not speaks_of_behaviour(bundle_of("input.risk.score > 0.5"))
