"""The words of rules: what METADATA annotations in the Rego source say about each rule id.

- A block starts with ``# METADATA`` and is YAML behind ``#``; the rule follows it (OPA's own annotation syntax).
- ``custom.id`` names the rule as in the policy's answer, ``description`` explains, ``custom.remediation`` helps,
  ``title`` names, ``custom.effect`` says the effect where the rule's name (``deny``, ``allow`` …) does not.
- The first block of an id wins; lint complains of a second that differs.

>>> book = RuleBook.read({"a.rego": '''# METADATA
... # title: closed sessions
... # description: The session has ended.
... # custom: {id: session-ended, remediation: Sign in again.}
... deny contains {"rule": "session-ended"} if input.session.state == "ended"
... '''})
>>> book["session-ended"].explanation, book["session-ended"].line, book["session-ended"].effect
('The session has ended.', 5, <Effect.DENY: 3>)
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import yaml
from typing_extensions import override

from ostiary.errors import FaultyInputError
from ostiary.policy.plain_yaml import parse_yaml
from ostiary.vocabulary.effects import Effect

RULE_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}\Z")
_MARK: Final = re.compile(r"#\s*METADATA\s*\Z")
_HEAD: Final = re.compile(r"(?:default\s+)?([A-Za-z_]\w*)")
_EFFECT_OF_HEAD: Final = {
    "allow": Effect.ALLOW,
    "deny": Effect.DENY,
    "reduce": Effect.REDUCE,
    "step_up": Effect.STEP_UP,
    "terminate": Effect.TERMINATE,
}


class RuleWords(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the annotations say of one rule; ``line`` is the rule's own line in ``file``."""

    rule: str
    title: str = ""
    explanation: str = ""
    remediation: str = ""
    effect: Effect | None = None
    file: str = ""
    line: int = 0


class Annotation(msgspec.Struct, frozen=True):
    """One METADATA block: its YAML, the name of the rule that follows, and where that rule stands."""

    file: str
    line: int
    head: str
    body: dict[str, Any]
    fault: str = ""

    @property
    def rule(self) -> str:
        """The rule id, empty when the block names none."""
        custom = self.body.get("custom")
        name = custom.get("id") if isinstance(custom, dict) else None
        return name if isinstance(name, str) else ""

    def words(self) -> RuleWords:
        """Return the block as rule words."""
        custom = self.body.get("custom")
        custom = custom if isinstance(custom, dict) else {}
        named = str(custom.get("effect", ""))
        effect = Effect[named] if named in Effect.__members__ else _EFFECT_OF_HEAD.get(self.head)
        return RuleWords(
            rule=self.rule,
            title=_text(self.body.get("title")),
            explanation=_text(self.body.get("description")),
            remediation=_text(custom.get("remediation")),
            effect=effect,
            file=self.file,
            line=self.line,
        )


class RuleBook(Mapping[str, RuleWords]):
    """Rule id → words. An id without annotations has empty words, so that an answer is never refused for style."""

    def __init__(self, words: Mapping[str, RuleWords]) -> None:
        """Keep the words."""
        self._words = dict(words)

    @classmethod
    def read(cls, sources: Mapping[str, str]) -> "RuleBook":
        """Collect the words of every annotated rule in ``sources`` (path → Rego text)."""
        words: dict[str, RuleWords] = {}
        for path in sorted(sources):
            for block in annotations(path, sources[path]):
                if block.rule:
                    words.setdefault(block.rule, block.words())
        return cls(words)

    def words_of(self, rule: str) -> RuleWords:
        """Return the words of ``rule``, empty ones when it has none."""
        return self._words.get(rule) or RuleWords(rule)

    @override
    def __getitem__(self, rule: str) -> RuleWords:
        """Return the words of an annotated rule."""
        return self._words[rule]

    @override
    def __iter__(self) -> Iterator[str]:
        """Iterate over annotated rule ids."""
        return iter(self._words)

    @override
    def __len__(self) -> int:
        """Return how many rules are annotated."""
        return len(self._words)


def annotations(path: str, source: str) -> Iterator[Annotation]:
    """Yield every METADATA block of one source, faulty ones with ``fault`` set."""
    lines = source.split("\n")
    number = 0
    while number < len(lines):
        if not _MARK.match(lines[number].rstrip()):
            number += 1
            continue
        start = number + 1
        number = start
        while number < len(lines) and lines[number].startswith("#"):
            number += 1
        yield _annotation(path, lines, start, number)


def _annotation(path: str, lines: list[str], start: int, end: int) -> Annotation:
    head = _HEAD.match(lines[end]) if end < len(lines) else None
    name = head.group(1) if head else ""
    try:
        body = parse_yaml("\n".join(line[1:] for line in lines[start:end]))
    except (FaultyInputError, yaml.YAMLError) as fault:
        return Annotation(path, end + 1, name, {}, str(fault))
    if not isinstance(body, dict):
        return Annotation(path, end + 1, name, {}, "the annotation is no mapping")
    return Annotation(path, end + 1, name, body)


def _text(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
