"""A bundle taken apart for asking it about a whole log: which pieces a decision is made of, and what each one reads.

- A decision that is one plain object of rules (``{"allow": allow, "deny": deny}``) is the sum of its members; a member
  that is a set (``deny contains …``) is the union of its clauses. Clauses that read the same are one part.
- Taking apart renames the heads of such clauses in the text. The parse of the new text must be the parse of the old one
  but for these names; where it is not, the member stays whole.
- A decision that is anything else is one part, which reads what all of it reads.

>>> from ostiary.policy.bundle import Bundle
>>> taken = take_apart(Bundle.of({"g.rego": '''package ostiary.guardrails
... decision := {"deny": deny, "ceiling": "DENY"}
... deny contains {"rule": "x"} if input.network.country == "KP"''', "a.rego": '''package ostiary.adaptive
... decision := {"proposals": proposals}
... proposals contains {"rule": "r"} if input.risk.score > 0.5'''}))
>>> [(part.question, part.member, part.paths) for part in taken.parts]
[('guardrails', 'decision', (('network', 'country'),)), ('adaptive', 'proposals', (('risk', 'score'),))]
"""

import re
from typing import Any, Final

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.policy.bundle import Bundle
from ostiary.policy.reads import Clause, Path, Rule, RuleTree, Source, name_of
from ostiary.policy.rego_tree import Parser

QUESTIONS: Final = ("guardrails", "adaptive")
ENTRY: Final = "decision"
_FEWEST: Final = 4
_MARK: Final = "__part_"


class Part(msgspec.Struct, frozen=True):
    """One piece of a decision.

    Attributes:
        question: ``guardrails`` or ``adaptive``.
        member: of the decision; ``decision`` when it could not be taken apart.
        name: of this part, unique in the bundle.
        paths: what it can read of the input.
        rules: the rules whose union it is.
    """

    question: str
    member: str
    name: str
    paths: tuple[Path, ...]
    rules: tuple[str, ...]


class TakenApart(msgspec.Struct, frozen=True):
    """The parts, and the sources in which they can be asked for (path → Rego text)."""

    parts: tuple[Part, ...]
    sources: dict[str, str]


def take_apart(bundle: Bundle, own: str = "rerun") -> TakenApart:
    """Return the parts of both questions.

    Args:
        bundle: what is taken apart.
        own: what our own package and sources are called after: a name that the bundle's author cannot know, or he could
            add rules to that package, or a source that ours takes the place of.

    Raises:
        FaultyInputError: a source does not parse.
    """
    tree, sources, parts = RuleTree(bundle), dict(bundle.live_sources), list[Part]()
    for question in QUESTIONS:
        package = ("ostiary", question)
        for member in _members(tree, (package, ENTRY)):
            parts += _split(tree, (package, member), sources, own) or [_whole(tree, (package, member))]
    sources[f"{own}_parts.rego"] = _parts_source(parts, own)
    return TakenApart(tuple(parts), sources)


def _whole(tree: RuleTree, rule: Rule) -> Part:
    question, member = rule[0][1], rule[1]
    return Part(question, member, f"{question}/{member}", tree.reads(rule), (member,))


def _split(tree: RuleTree, rule: Rule, sources: dict[str, str], own: str) -> list[Part]:
    """Return the parts of a member that is a set of several clauses, and rename these in ``sources``."""
    (package, member), clauses = rule, tree.clauses(rule)
    taken = any(_MARK in name for _, name in tree.known)
    if taken or len(clauses) < _FEWEST or not all(_adds(clause) for _, clause in clauses):
        return []
    changed: dict[str, str] = {}
    groups: dict[tuple[Path, ...], list[str]] = {}
    count = 0
    for source in {id(source): source for source, _ in clauses}.values():
        here = [clause for at, clause in clauses if at is source]
        text = _renamed(sources[source.path], source, member, count, len(here))
        if text is None:
            return []
        changed[source.path] = text
        for number, clause in enumerate(here, count):
            groups.setdefault(tree.reads_of_clause(source, clause), []).append(f"{member}{_MARK}{number}")
        count += len(here)
    sources.update(changed)
    union = f"package {'.'.join(package)}\n{member} := {_union([f'{member}{_MARK}{n}' for n in range(count)])}\n"
    sources[f"{own}_{package[-1]}_{member}.rego"] = union
    return [
        Part(package[1], member, f"{package[1]}/{member}/{number}", paths, tuple(rules))
        for number, (paths, rules) in enumerate(sorted(groups.items()))
    ]


def _adds(clause: Clause) -> bool:
    """Whether a clause only adds a value to a set."""
    head = clause.get("head") or {}
    plain = not clause.get("default") and "else" not in clause and not head.get("args") and "value" not in head
    return plain and "key" in head and len(head.get("ref") or []) == 1


def _renamed(text: str, source: Source, member: str, first: int, count: int) -> str | None:
    """Return the text with ``count`` clauses of ``member`` renamed, or ``None`` when that cannot be done for sure."""
    numbers = iter(range(first, first + count))
    pattern = re.compile(rf"^{re.escape(member)}(?= contains )", re.MULTILINE)
    if len(pattern.findall(text)) != count:
        return None
    new = pattern.sub(lambda _: f"{member}{_MARK}{next(numbers)}", text)
    parser = Parser()
    try:
        rules = parser.tree(source.path, new).get("rules") or []
    except FaultyInputError:
        return None
    finally:
        parser.close()
    names = [f"{member}{_MARK}{number}" for number in range(first, first + count)]
    told = [name_of(clause) for clause in rules if name_of(clause) in names]
    return new if told == names and [_named_back(clause) for clause in rules] == source.rules else None


def _named_back(clause: Clause) -> Clause:
    """Return a clause as it was called before it was renamed, with this member or with another one before."""
    member, mark, _ = name_of(clause).partition(_MARK)
    if not mark:
        return clause
    return {**clause, "head": {**clause["head"], "name": member, "ref": [{"type": "var", "value": member}]}}


def _members(tree: RuleTree, entry: Rule) -> list[str]:
    """Return the members of a decision that is one unconditional object ``{"a": a, "b": b}``, else the decision."""
    clauses = [clause for _, clause in tree.clauses(entry)]
    head = (clauses[0].get("head") or {}) if len(clauses) == 1 else {}
    value = head.get("value") or {}
    if value.get("type") != "object" or len(head.get("ref") or []) != 1 or head.get("args"):
        return [ENTRY]
    if "else" in clauses[0] or any(_is_condition(each) for each in clauses[0].get("body") or []):
        return [ENTRY]
    pairs = [(_text(key), _variable(item)) for key, item in value["value"]]
    plain = all(key and key == item and (entry[0], item) in tree.known for key, item in pairs)
    return sorted({key for key, _ in pairs}) if plain and pairs else [ENTRY]


def _is_condition(expression: dict[str, Any]) -> bool:
    terms = expression.get("terms")
    return not (isinstance(terms, dict) and terms.get("type") == "boolean" and terms.get("value") is True)


def _text(term: dict[str, Any]) -> str:
    return str(term.get("value")) if term.get("type") == "string" else ""


def _variable(term: dict[str, Any]) -> str:
    value = term.get("value")
    if term.get("type") == "ref" and isinstance(value, list) and len(value) == 1:
        term, value = value[0], value[0].get("value")
    return str(value) if term.get("type") == "var" else ""


def _parts_source(parts: list[Part], own: str) -> str:
    """Return one object that holds the value of each part under its name.

    OPA finds such a rule by its key; of a function's clauses it tries one after the other, which costs several times as
    much as what the parts of a usual question do.
    """
    lines = [f"package ostiary.{own}"]
    for part in parts:
        names = [f"data.ostiary.{part.question}.{rule}" for rule in part.rules]
        lines.append(f'part["{part.name}"] := {_union(names)}')
    return "\n".join(lines) + "\n"


def _union(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"union({{{', '.join(names)}}})"
