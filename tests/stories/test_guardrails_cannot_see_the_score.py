"""Attack: an author lets a guardrail read the score, or the adaptive rules, by every road Rego offers.

The guardrails decide what is allowed at all; if a score could reach them, a model could loosen a decision. Their input
never holds one (the decision builds it so); this lint is the second fence, and it must hold against disguise.
"""

import pytest

from ostiary.policy.bundle import Bundle
from ostiary.policy.lint import lint

FRAME = {
    "e.rego": "package ostiary.guardrails\ndecision := {}\n",
    "a.rego": "package ostiary.adaptive\ndecision := {}\nscore := input.risk.score\n",
}
SCORE = "guardrail_sees_score"
WHOLE = "guardrail_takes_whole_input"
ADAPTIVE = "guardrail_reaches_adaptive"


def errors(files: dict[str, str]) -> set[str]:
    return {each.code for each in lint(Bundle.of(FRAME | files)) if each.severity == "error"}


ROADS = [
    ("p if input.risk", SCORE),
    ('p if input["risk"]', SCORE),
    ("p if input[`risk`]", SCORE),
    ("p := input.risk.score", SCORE),
    ("p := input.guardrails.floor", SCORE),
    ("p if not input.risk", SCORE),
    ('p := $"{input.risk}"', SCORE),
    ("p := {input.risk: 1}", SCORE),
    ("p := {1: input.risk}", SCORE),
    ("p[input.risk] := 1", SCORE),
    ("p contains input.risk", SCORE),
    ("p(input.risk) := 1", SCORE),
    ("p := [1 | input.risk]", SCORE),
    ("p := {x | x := input.risk}", SCORE),
    ("p if every x in [1] { x == input.risk }", SCORE),
    ("p := 1 if false\nelse := input.risk", SCORE),
    ("p if true with input.context as input.risk", SCORE),
    ("import input.risk\np := 1", SCORE),
    ("import input.risk as weather\np := weather", SCORE),
    ("p := input", WHOLE),
    ("p := input[x]", WHOLE),
    ('p if { k := concat("", ["ri", "sk"]); input[k] }', WHOLE),
    ("p if { some x; input[x] }", WHOLE),
    ('p := object.get(input, "risk", 0)', WHOLE),
    ('p := json.filter(input, ["risk"])', WHOLE),
    ("p := json.marshal(input)", WHOLE),
    ("p if walk(input, x)", WHOLE),
    ("p := [v | some v in input]", WHOLE),
    ('p if { some "risk", x in input }', WHOLE),
    ('p if "x" in input', WHOLE),
    ("p := [input][0]", WHOLE),
    ('p := {"a": input}.a.risk', WHOLE),
    ("p := f(input)\nf(x) := x.risk", WHOLE),
    ("p := $`{input}`", WHOLE),
    ("import input as weather\np := weather.context", WHOLE),
    ("import input as weather\np := weather.risk", SCORE),
    ("p if true with input as {}", WHOLE),
    ("p := data.ostiary.adaptive.score", ADAPTIVE),
    ('p := data["ostiary"]["adaptive"].score', ADAPTIVE),
    ('p := data.ostiary["adaptive"].score', ADAPTIVE),
    ("p := data.ostiary", ADAPTIVE),
    ("p := data.ostiary[x]", ADAPTIVE),
    ("p := data.ostiary[input.context.x].score", ADAPTIVE),
    ('p := data[concat("", ["osti", "ary"])]', ADAPTIVE),
    ("p := data", ADAPTIVE),
    ("p := data[x]", ADAPTIVE),
    ("p if walk(data, x)", ADAPTIVE),
    ("p := object.get(data, [`ostiary`, `adaptive`], 0)", ADAPTIVE),
    ('p := {"a": data}.a.ostiary.adaptive', ADAPTIVE),
    ("p := graph.reachable(data, {1})", ADAPTIVE),
    ("p if true with data.x as data.ostiary.adaptive.score", ADAPTIVE),
    ("p if true with data.ostiary.adaptive as {}", ADAPTIVE),
    ("import data.ostiary.adaptive\np := adaptive.score", ADAPTIVE),
    ("import data.ostiary.adaptive as weather\np := weather.score", ADAPTIVE),
    ("import data.ostiary as o\np := o.adaptive.score", ADAPTIVE),
    ("import data.ostiary as o\np := o[x].score", ADAPTIVE),
]


@pytest.mark.parametrize(("rule", "code"), ROADS)
def test_no_road_leads_to_the_score(rule: str, code: str) -> None:
    assert code in errors({"g.rego": f"package ostiary.guardrails\n{rule}\n"})


@pytest.mark.parametrize(("rule", "code"), ROADS)
def test_nor_through_a_helper_package(rule: str, code: str) -> None:
    helper = {"h.rego": f"package weather.report\n{rule}\n", "i.rego": "package detour\nq := data.weather.report.p\n"}
    assert code in errors({"g.rego": "package ostiary.guardrails\nq := data.detour.q\n"} | helper)


@pytest.mark.parametrize(("rule", "code"), ROADS)
def test_nor_through_a_sub_package(rule: str, code: str) -> None:
    assert code in errors({"g.rego": f"package ostiary.guardrails.deep.er\n{rule}\n"})


@pytest.mark.parametrize(("rule", "code"), ROADS)
def test_nor_through_the_package_above(rule: str, code: str) -> None:
    above = f"package ostiary\nguardrails.allow contains {{}} if p\n{rule}\n"
    assert code in errors({"g.rego": above})


@pytest.mark.parametrize(
    "road",
    [
        "import data.weather\nq := weather.p",
        "import data.weather as w\nq := w.p",
        "q := data.weather[x]",
        'q := data["weather"].p',
        "q if data.weather.p with input.context as {}",
        "q := f(1)\nf(x) := data.weather.p",
        "q := $`{data.weather.p}`",
    ],
)
def test_helpers_are_followed_however_they_are_named(road: str) -> None:
    helper = {"h.rego": "package weather\np := input.risk.score\n"}
    assert errors({"g.rego": f"package ostiary.guardrails\n{road}\n"} | helper) == {SCORE}


def test_nor_through_a_package_below_that_is_had_by_a_name_alone() -> None:
    helper = {
        "h.rego": "package weather\np.q := 1\nr := p.score\n",
        "i.rego": "package weather.p\nscore := input.risk\n",
    }
    assert errors({"g.rego": "package ostiary.guardrails\nq := data.weather.r\n"} | helper) == {SCORE}


def test_nor_to_the_adaptive_rules_by_a_name_of_the_package_above() -> None:
    above = "package ostiary\nadaptive.b := 1\nguardrails.allow contains {} if adaptive.score\n"
    assert errors({"g.rego": above}) == {ADAPTIVE}


def test_a_helper_only_the_adaptive_rules_use_may_see_the_score() -> None:
    helper = {"h.rego": "package weather\np := input.risk.score\n"}
    assert errors({"a.rego": "package ostiary.adaptive\ndecision := data.weather.p\n"} | helper) == set()


def test_the_adaptive_rules_may_read_the_guardrails() -> None:
    assert errors({"a.rego": "package ostiary.adaptive\ndecision := data.ostiary.guardrails.decision\n"}) == set()


def test_tests_may_set_the_whole_input() -> None:
    tested = "package ostiary.guardrails_test\ntest_x if data.ostiary.guardrails.decision with input as {}\n"
    assert errors({"g_test.rego": tested}) == set()


@pytest.mark.parametrize("name", ["input.context.risk", "input.resource.properties.risk", "input.riskier"])
def test_other_members_are_not_the_score(name: str) -> None:
    assert errors({"g.rego": f"package ostiary.guardrails\np if {name}\n"}) == set()
