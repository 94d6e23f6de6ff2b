"""Which rules of a bundle applied to a request, and what was missing first for each that did not.

- Told from the lines that OPA touched: of a rule that did not hold, the last line touched before one that was not is
  the condition that failed; where nothing was touched, the first condition is (OPA's index had ruled it out).
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
"""

from collections.abc import Mapping

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


def told_of(
    book: RuleBook, sources: Mapping[str, str], hit: set[str], touched: Mapping[str, set[int]]
) -> list[RuleTold]:
    """Return every annotated rule, those that applied first.

    Args:
        book: the bundle's rules.
        sources: path → Rego text.
        hit: ids of the rules that applied.
        touched: lines that were evaluated, by path.
    """
    told = [_told(words, sources.get(words.file, ""), hit, touched.get(words.file, set())) for words in book.values()]
    return sorted(told, key=lambda each: (not each.applies, each.rule))


def _told(words: RuleWords, source: str, hit: set[str], touched: set[int]) -> RuleTold:
    effect = words.effect.name if words.effect is not None else ""
    if words.rule in hit:
        return RuleTold(words.rule, effect, applies=True, file=words.file, line=words.line, title=words.title)
    line, condition = _condition(source.split("\n"), words.line, touched)
    return RuleTold(words.rule, effect, False, condition, words.file, line, words.title)


def _condition(lines: list[str], first: int, touched: set[int]) -> tuple[int, str]:
    body = _body(lines, first)
    if not body:
        return first, ""
    reached = body[0]
    for row, text in body:
        if row not in touched:
            break
        reached = (row, text)
    return reached


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
                found.append((number, bare.strip("{} ")))
            continue
        bare = text.strip()
        if bare not in {"", "}"} and not bare.startswith("#"):
            found.append((number, bare))
    return found
