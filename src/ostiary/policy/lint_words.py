"""Whether every rule has words: an id in shape, an explanation, and help for who was refused."""

from collections.abc import Iterator

from ostiary.policy.bundle import Bundle
from ostiary.policy.findings import Finding, error, warning
from ostiary.policy.rego_tree import Module
from ostiary.policy.rulebook import RULE_ID, Annotation, annotations
from ostiary.vocabulary.effects import Effect


def word_findings(bundle: Bundle, modules: list[Module]) -> Iterator[Finding]:
    """Yield what is missing in the words of live rules."""
    known: dict[str, Annotation] = {}
    for path, source in bundle.live_sources.items():
        for block in annotations(path, source):
            yield from _block_findings(block, known)
    for module in modules:
        if not module.is_test:
            yield from _id_findings(module, bundle.live_sources[module.path], known)


def _block_findings(block: Annotation, known: dict[str, Annotation]) -> Iterator[Finding]:
    if block.fault:
        yield warning("annotation_malformed", block.file, block.line, block.fault)
    if not block.rule:
        return
    first = known.setdefault(block.rule, block)
    if first.body != block.body:
        yield warning("rule_id_twice", block.file, block.line, f"`{block.rule}` has other words in {first.file}")
    words = block.words()
    if not words.explanation:
        yield warning("explanation_missing", block.file, block.line, f"`{block.rule}` has no description")
    if words.effect is not Effect.ALLOW and not words.remediation:
        yield warning("remediation_missing", block.file, block.line, f"`{block.rule}` does not say what helps")


def _id_findings(module: Module, source: str, known: dict[str, Annotation]) -> Iterator[Finding]:
    for rule in sorted(module.rule_ids):
        line = next((number for number, text in enumerate(source.split("\n"), 1) if f'"{rule}"' in text), 1)
        if not RULE_ID.match(rule):
            yield error("rule_id_invalid", module.path, line, f"`{rule[:80]}` is no rule id: use a-z, 0-9 and hyphens")
        elif rule not in known:
            yield warning("rule_unannotated", module.path, line, f"`{rule}` has no METADATA annotation")
