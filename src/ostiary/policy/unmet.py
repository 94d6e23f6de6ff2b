"""Which rules of a bundle applied to a request, and what was missing first for each that did not.

- Told from the lines that OPA touched: of a rule that did not hold, the last line touched before one that was not is
  the condition that failed. Where nothing was touched OPA's index had ruled the rule out: then its conditions are asked
  one by one, and the first that fails by itself is told; none when that cannot be told.
- It is an explanation for people, never an input of a decision. A rule with several clauses is told by its first.

>>> source = '''package ostiary.guardrails
... # METADATA
... # title: closed countries
... # custom: {id: closed}
... deny contains {"rule": "closed"} if {
...     input.network.country == "KP"
...     not input.network.trusted
... }'''
>>> book = RuleBook.read({"g.rego": source})
>>> told_of(book, {"g.rego": source}, set(), {"g.rego": {5, 6, 7}})[0].condition
'not input.network.trusted'
>>> told_of(book, {"g.rego": source}, set(), {}, lambda conditions: [True, False])[0].condition
'not input.network.trusted'
"""

from collections.abc import Callable, Mapping
from itertools import takewhile

import msgspec

from ostiary.policy.rulebook import RuleBook, RuleWords


class RuleTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: whether it applied, and if not, its first unmet condition as the source says it."""

    rule: str
    effect: str
    applies: bool
    condition: str = ""
    file: str = ""
    line: int = 0
    title: str = ""


Holds = Callable[[list[str]], list[bool | None]]


def told_of(
    book: RuleBook,
    sources: Mapping[str, str],
    hit: set[str],
    touched: Mapping[str, set[int]],
    holds: Holds = lambda conditions: [None] * len(conditions),
) -> list[RuleTold]:
    """Return every annotated rule, those that applied first.

    Args:
        book: the bundle's rules.
        sources: path → Rego text.
        hit: ids of the rules that applied.
        touched: lines that were evaluated, by path.
        holds: tells which conditions hold when each is asked alone, ``None`` where that cannot be told.
    """
    bodies = {
        words.rule: _body(sources.get(words.file, "").split("\n"), words.line)
        for words in book.values()
        if words.rule not in hit
    }
    ruled_out = [rule for rule, body in bodies.items() if not _reached(body, touched.get(book[rule].file, set()))]
    asked = [text for rule in ruled_out for _, text in bodies[rule]]
    answers = iter(holds(asked) if asked else [])
    alone = {rule: [next(answers) for _ in bodies[rule]] for rule in ruled_out}
    told = [_told(words, bodies.get(words.rule), touched, alone) for words in book.values()]
    return sorted(told, key=lambda each: (not each.applies, each.rule))


def _told(
    words: RuleWords,
    body: list[tuple[int, str]] | None,
    touched: Mapping[str, set[int]],
    alone: Mapping[str, list[bool | None]],
) -> RuleTold:
    effect = words.effect.name if words.effect is not None else ""
    if body is None:
        return RuleTold(words.rule, effect, applies=True, file=words.file, line=words.line, title=words.title)
    reached = _reached(body, touched.get(words.file, set()))
    if reached:
        line, condition = reached[-1]
    else:
        failed = (place for place, holds in zip(body, alone.get(words.rule, []), strict=False) if holds is False)
        line, condition = next(failed, (words.line, ""))
    return RuleTold(
        words.rule, effect, applies=False, condition=condition, file=words.file, line=line, title=words.title
    )


def _reached(body: list[tuple[int, str]], touched: set[int]) -> list[tuple[int, str]]:
    """Return the conditions up to the one that failed, none when nothing was looked at."""
    return list(takewhile(lambda place: place[0] in touched, body))


def _inner(text: str) -> str:
    """Return a condition without the braces of its body, where it stands in them on one line."""
    return text[1:-1].strip() if text.startswith("{") and text.endswith("}") else text


def _body(lines: list[str], first: int) -> list[tuple[int, str]]:
    """Return the conditions of the clause that begins in line ``first``, with their lines."""
    end = first
    while end < len(lines) and (not lines[end] or lines[end][0] in " \t})#"):
        end += 1
    clause = [(number, lines[number - 1]) for number in range(first, end + 1) if number <= len(lines)]
    found: list[tuple[int, str]] = []
    inside = False
    for number, text in clause:
        if not inside:
            _, mark, rest = text.partition(" if ")
            opened = not mark and text.rstrip().endswith(" if {")
            inside = bool(mark) or opened
            bare = rest.strip()
            if mark and bare not in {"{", ""}:
                found.append((number, _inner(bare)))
            continue
        bare = text.strip()
        if bare not in {"", "}"} and not bare.startswith("#"):
            found.append((number, bare))
    return found
