"""What the guardrails can reach: nothing of the adaptive rules, nothing of a score.

A package above (``package ostiary`` with a rule ``guardrails.decision``) can add to the guardrails and counts as one.
A package below one (``a.b`` in ``package p``, ``c`` in ``package p.a``) is had by a name alone: ``a.c``, no ``data``.
Whole packages are followed, not single rules: a package that a guardrail uses in any way must itself keep away from the
score. That refuses a little too much (split the package) and lets nothing through.
"""

from collections.abc import Iterator, Mapping

from ostiary.policy.findings import Finding, error, lines_of
from ostiary.policy.rego_tree import Module, Reference

GUARDRAILS = ("ostiary", "guardrails")
ADAPTIVE = ("ostiary", "adaptive")
_SCORED = {"risk", "guardrails"}


def reach_findings(live: list[Module], sources: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each way in which a live guardrail could see a score or an adaptive rule."""
    for module in reachable(live):
        for reference in module.references | module.spelled | _own(module):
            code, text = _fault(reference)
            if code:
                for line in _lines(sources[module.path], module, reference):
                    yield error(code, module.path, line, text)


def reachable(live: list[Module]) -> list[Module]:
    """Return every module that an evaluation of the guardrails can touch, adaptive ones left out."""
    return touched_from(GUARDRAILS, [module for module in live if module.package[:2] != ADAPTIVE])


def touched_from(entry: tuple[str, ...], live: list[Module]) -> list[Module]:
    """Return every module of ``live`` that an evaluation of the package ``entry`` can touch."""
    reached = {module.path: module for module in live if _overlap(module.package, entry)}
    waiting = list(reached.values())
    while waiting:
        module = waiting.pop()
        named = module.references | module.spelled | _own(module)
        paths = {each.constant for each in named if each.head == "data"}
        for other in live:
            if other.path not in reached and any(_overlap(path, other.package) for path in paths):
                reached[other.path] = other
                waiting.append(other)
    return list(reached.values())


def _fault(reference: Reference) -> tuple[str, str]:
    first = reference.steps[0] if reference.steps else None
    if reference.head == "data" and _overlap(reference.constant, ADAPTIVE):
        return "guardrail_reaches_adaptive", f"`{reference}` reaches data.ostiary.adaptive from the guardrails"
    if reference.head == "input" and first in _SCORED:
        return "guardrail_sees_score", f"`{reference}` is not for the guardrails: they judge without the score"
    if reference.head == "input" and first is None:
        return "guardrail_takes_whole_input", f"`{reference}` could reach the score: name the member that is needed"
    return "", ""


def _own(module: Module) -> set[Reference]:
    """Return the module's own rules as the paths of ``data`` that their names stand for."""
    return {Reference("data", (*module.package, rule.name)) for rule in module.rules}


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one path lies on the other: then the one document holds the other, or part of it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _lines(source: str, module: Module, reference: Reference) -> list[int]:
    if reference in module.spelled:
        return lines_of(source, reference)
    heads = {each.head for each in module.spelled if each.head not in {"data", "input"}}
    aliased = [each for each in module.spelled if each.head in heads and _ends_alike(each, reference)]
    return sorted({line for each in aliased for line in lines_of(source, each)}) or [1]


def _ends_alike(spelled: Reference, resolved: Reference) -> bool:
    return not spelled.steps or resolved.steps[-len(spelled.steps) :] == spelled.steps
