"""What lint says: one finding is a severity, a stable code, a place and a sentence.

>>> str(error("source_too_long", "a.rego", 1, "too long"))
'a.rego:1: error: too long (source_too_long)'
"""

from collections.abc import Iterable

import msgspec
from typing_extensions import override

from ostiary.policy.rego_text import chains
from ostiary.policy.rego_tree import Reference


class Finding(msgspec.Struct, frozen=True):
    """One thing lint found. ``file`` is empty when it concerns the bundle as a whole."""

    severity: str
    code: str
    file: str
    line: int
    text: str

    @override
    def __str__(self) -> str:
        """Return it as compilers do."""
        place = f"{self.file}:{self.line}: " if self.file else ""
        return f"{place}{self.severity}: {self.text} ({self.code})"


def error(code: str, file: str, line: int, text: str) -> Finding:
    """Return a finding that refuses the bundle."""
    return Finding("error", code, file, line, text)


def warning(code: str, file: str, line: int, text: str) -> Finding:
    """Return a finding that does not."""
    return Finding("warning", code, file, line, text)


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that refuse the bundle."""
    return [each for each in findings if each.severity == "error"]


def lines_of(source: str, reference: Reference) -> list[int]:
    """Return the lines where ``reference`` stands, the first line when the text does not show it (an alias, say)."""
    wanted = (reference.head, *reference.constant)
    exact = {line for line, parts in chains(source) if parts == wanted}
    return sorted(exact or {line for line, parts in chains(source) if parts[: len(wanted)] == wanted}) or [1]
