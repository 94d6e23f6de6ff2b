"""A shipped rule for one kind of thing says so in a first line that OPA's index reads (`guardrails/decision.rego`).

Whoever writes only the name of what asks the same makes every other request begin that rule, and pay for it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ostiary.artifacts.shipped import policies_dir

# Names that ask for one kind of thing, and nothing a rule's first line can be found by.
KINDS = frozenset(
    {
        "asks_language_model",
        "asks_model",
        "calls_tool",
        "feature_action",
        "llm_blind",
        "loading",
        "model_used",
        "promoting",
        "tool_acts",
        "trains",
    }
)
_PLAIN = re.compile(r'input\.[\w.]+ == "[^"]+"')
_HEADS = ("deny ", "step_up ", "reduce ", "terminate ", "obligations ", "allow ", "}")


def _first_lines(source: str) -> Iterator[tuple[str, str]]:
    """Yield the first two lines of each body of a rule that adds to one of the sets."""
    lines = source.splitlines()
    for at, line in enumerate(lines[:-2]):
        if line.endswith("if {") and line.startswith(_HEADS):
            yield lines[at + 1].strip(), lines[at + 2].strip()


def test_rules_for_one_kind_name_it_first() -> None:
    seen = 0
    for path in sorted(Path(policies_dir()).glob("guardrails/*.rego")):
        if path.name.endswith("_test.rego"):
            continue
        for first, second in _first_lines(path.read_text("utf-8")):
            assert first not in KINDS, f"{path.name}: `{first}` stands alone in a rule's first line"
            if second in KINDS:
                assert _PLAIN.fullmatch(first), f"{path.name}: `{first}` before `{second}` is nothing to be found by"
                seen += 1
    assert seen > 40
