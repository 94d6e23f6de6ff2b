"""Rules of one kind of resource or deed name it in their own first line: OPA's index passes over them unread else.

OPA finds rules by equations of the input that stand in the rule itself; what stands in a helper is only known once the
helper was evaluated. A fifth of an evaluation of the guardrails was spent on rules of other doors.
"""

import re
from pathlib import Path

import msgspec

from ostiary.artifacts.shipped import policies_dir
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import GUARDRAILS, new_instance

_HEAD = r"^(?P<head>\w[^\n]*?(?:\{\n(?:\t[^\n]*\n)*\})?) if "
_RULE = re.compile(_HEAD + r"(?:\{\n(?P<body>(?:\t[^\n]*\n|\n)*)\}|(?P<one>[^\n]*[^{\n]))$", re.MULTILINE)
_EQUATION = re.compile(r'input\.(?:resource\.type|action\.name|pep\.id) == "[^"]+"')

MOST_LINES = 95


def _rules() -> list[tuple[str, list[str]]]:
    """Return head and lines of each rule of the guardrails."""
    folder = Path(policies_dir()) / "guardrails"
    texts = [file.read_text() for file in sorted(folder.glob("*.rego")) if not file.name.endswith("_test.rego")]
    found = [match for text in texts for match in _RULE.finditer(text)]
    return [(one["head"], [line.strip() for line in (one["body"] or one["one"]).splitlines()]) for one in found]


def _equations() -> dict[str, set[str]]:
    """Return the equations that hold wherever a helper does, for helpers of one rule; through other helpers too."""
    rules = [(head.split()[0], lines) for head, lines in _rules() if " contains " not in head.partition("\n")[0]]
    names = [name for name, _ in rules]
    known = {
        name: {line for line in lines if _EQUATION.fullmatch(line)} for name, lines in rules if names.count(name) == 1
    }
    for _ in range(4):
        for name, lines in rules:
            if name in known:
                known[name] |= {one for line in lines for one in known.get(line, ())}
    return {name: found for name, found in known.items() if found}


def test_the_reader_of_this_test_sees_the_rules() -> None:
    assert len(_rules()) > 250
    assert _equations()["calls_tool"] == {'input.resource.type == "tool"', 'input.action.name == "tool.call"'}
    assert 'input.resource.type == "console"' in _equations()["at_console"]


def test_a_rule_says_itself_what_its_helper_says() -> None:
    equations, silent = _equations(), []
    for head, lines in _rules():
        if " contains " not in head.partition("\n")[0]:
            continue
        wanted = set[str]().union(*(equations.get(line, ()) for line in lines))
        if wanted and not wanted & set(lines):
            silent.append(" ".join((head.partition("\n")[0], *lines)))
    assert not silent, f"name the type or the deed in the rule itself, before its helper: {silent}"


def test_a_plain_access_looks_at_few_lines() -> None:
    """Each line that OPA looks at costs about a microsecond; the bound is what there is, with a little room."""
    bundle = Bundle.load(policies_dir())
    document = msgspec.json.encode(bundle.all_data["examples"]["developer"])
    opa = new_instance(bundle)
    try:
        told = msgspec.json.decode(opa.evaluate(GUARDRAILS, document, coverage=True))
    finally:
        opa.close()
    looked_at = {
        (name, row)
        for name, file in told["coverage"]["files"].items()
        for span in file.get("covered", [])
        for row in range(span["start"]["row"], span["end"]["row"] + 1)
    }
    assert 40 < len(looked_at) <= MOST_LINES, len(looked_at)
