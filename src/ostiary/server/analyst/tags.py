"""Which technique of MITRE ATLAS or ATT&CK, and which OWASP risk of language models, a rule or a playbook stands for.

What an inspector finds names its own, and so does a playbook; this table is for the shipped rules of decisions. A rule
of an operator's own has none until it is entered here or its playbook says so.

>>> tags_of(["risk-step-up", "drift-step-up"])
('AML.T0012', 'AML.T0015')
"""

from collections.abc import Iterable
from typing import Final

_RULES: Final[dict[str, tuple[str, ...]]] = {
    "biometrics-": ("AML.T0012",),
    "biometrics-drift": ("AML.T0020",),
    "biometrics-replayed": ("AML.T0015",),
    "decision-probing": ("AML.T0024.002",),
    "drift-": ("AML.T0015",),
    "index-": ("AML.T0085.000",),
    "llm-foreign-data": ("AML.T0057", "LLM02:2025"),
    "llm-prompt-": ("AML.T0051", "LLM01:2025"),
    "mcp-foreign-data": ("AML.T0057", "LLM02:2025"),
    "mcp-": ("AML.T0053", "LLM06:2025"),
    "model-probing": ("AML.T0024.002",),
    "model-quarantined": ("AML.T0018", "LLM04:2025"),
    "model-unusable": ("AML.T0011.000", "LLM03:2025"),
    "question-budget-spent": ("AML.T0024.002",),
    "risk-": ("AML.T0012",),
    "risk-unavailable": (),
    "session-risk-": ("AML.T0012",),
    "session-stolen": ("AML.T0012", "T1539"),
}
_KINDS: Final = {
    "biometrics-drift": "poisoning",
    "decision-probing": "extraction",
    "drift-": "drift",
    "llm-": "injection",
    "mcp-": "injection",
    "model-probing": "extraction",
    "question-budget-spent": "extraction",
}


def tags_of(rules: Iterable[str]) -> tuple[str, ...]:
    """Return the techniques and risks of rules, each once, in order."""
    return tuple(sorted({tag for rule in rules for tag in _RULES.get(_longest(rule, _RULES), ())}))


def kind_of(rules: Iterable[str]) -> str:
    """Return what kind of detection these rules make; ``risk`` where they say nothing more precise."""
    found = [_KINDS[name] for rule in rules if (name := _longest(rule, _KINDS))]
    return found[0] if found else "risk"


def _longest(rule: str, names: Iterable[str]) -> str:
    return max((name for name in names if rule.startswith(name)), key=len, default="")
