r"""What a bundle must not do, found before it runs. OPA's own parser says what a source means.

Errors (the bundle is refused):

- a source that is too long or nested too deeply; that does not parse or compile; a missing entry point;
- a builtin that reaches out or hides a clock, chance or file (`BANNED`), called or merely named, in tests too;
- a guardrail that can reach ``data.ostiary.adaptive``, ``input.risk`` or ``input.guardrails``, itself or through any
  package it uses: also by ``data[x]``, ``with``, an import's alias, or by handing on ``data`` or ``input`` whole;
- an allow without a condition; a rule id out of shape; a live rule that reads ``data.examples``.

Warnings: a rule id without words for the person it concerns; ``print`` left in a live rule.

>>> bundle = Bundle.of({"g.rego": '''package ostiary.guardrails
... decision := {"deny": [{"rule": "x"}]} if input.risk.score > 0.5''',
...     "a.rego": "package ostiary.adaptive\ndecision := {}"})
>>> [(each.code, each.file, each.line) for each in lint(bundle) if each.severity == "error"]
[('guardrail_sees_score', 'g.rego', 2)]
"""

from collections.abc import Iterator

import msgspec

from ostiary.errors import FaultyInputError
from ostiary.policy.bundle import EXAMPLES, Bundle
from ostiary.policy.findings import Finding, error, lines_of, warning
from ostiary.policy.limits import LintLimits
from ostiary.policy.lint_reach import reach_findings
from ostiary.policy.lint_words import word_findings
from ostiary.policy.opa_library import load_library
from ostiary.policy.rego_text import nesting, raw_nesting
from ostiary.policy.rego_tree import Module, Parser, where

REACHES_OUT = "reaches the network"
HAS_CLOCK = "reads the clock, so the decision could not be replayed"
HAS_CHANCE = "depends on chance, so the decision could not be replayed"
READS_FILES = "fetches whatever its schema refers to, files and addresses alike"
BANNED = {
    "crypto.x509.parse_and_verify_certificates": HAS_CLOCK,
    "crypto.x509.parse_and_verify_certificates_with_options": HAS_CLOCK,
    "http.send": REACHES_OUT,
    "io.jwt.decode_verify": HAS_CLOCK,
    "io.jwt.encode_sign": HAS_CHANCE,
    "io.jwt.encode_sign_raw": HAS_CHANCE,
    "json.match_schema": READS_FILES,
    "json.verify_schema": READS_FILES,
    "net.lookup_ip_addr": REACHES_OUT,
    "opa.runtime": "shows the configuration of the process",
    "rand.intn": HAS_CHANCE,
    "test.sleep": "only waits",
    "time.now_ns": HAS_CLOCK,
    "trace": "writes traces",
    "uuid.rfc4122": HAS_CHANCE,
}
BANNED_FAMILIES = {"http": REACHES_OUT, "opa": "shows the engine's inside", "rand": HAS_CHANCE}
ENTRY_POINTS = (("ostiary", "guardrails"), ("ostiary", "adaptive"))
_PERMISSIVE = {"allow", "allowed", "authorized", "grant", "granted", "permit", "permitted"}


def lint(bundle: Bundle, limits: LintLimits | None = None) -> list[Finding]:
    """Return what is wrong with ``bundle``, by file and line. Parses and compiles, never evaluates."""
    limits = limits or LintLimits()
    found = [finding for path, text in bundle.all_sources.items() for finding in _text_findings(path, text, limits)]
    modules: list[Module] = []
    if not found:
        modules, found = _parse(bundle)
    if not found:
        found = list(_tree_findings(bundle, modules)) or list(_compile(bundle))
        found += word_findings(bundle, modules)
    return sorted(set(found), key=lambda each: (each.severity, each.file, each.line, each.code, each.text))


def _text_findings(path: str, text: str, limits: LintLimits) -> Iterator[Finding]:
    size = len(text.encode())
    if size > limits.max_source_bytes:
        yield error("source_too_long", path, 1, f"{size} bytes, {limits.max_source_bytes} are allowed")
    elif nesting(text) > limits.max_nesting or raw_nesting(text) > limits.max_raw_nesting:
        yield error("source_too_deep", path, 1, f"brackets nest deeper than {limits.max_nesting}")
    if "\0" in text:
        yield error("source_has_nul", path, 1, "the source holds a zero byte")


def _parse(bundle: Bundle) -> tuple[list[Module], list[Finding]]:
    modules: list[Module] = []
    found: list[Finding] = []
    parser = Parser()
    try:
        for path, text in bundle.all_sources.items():
            try:
                modules.append(parser.parse(path, text))
            except FaultyInputError as fault:
                found.append(error("parse_error", path, int(fault.pointer or 1), fault.message))
    finally:
        parser.close()
    return modules, found


def _tree_findings(bundle: Bundle, modules: list[Module]) -> Iterator[Finding]:
    for module in modules:
        source = bundle.all_sources[module.path]
        yield from _builtin_findings(module, source)
        yield from _root_findings(bundle, module)
        if not module.is_test:
            yield from _live_findings(module, source)
    live = [module for module in modules if not module.is_test]
    for package in ENTRY_POINTS:
        if not any(module.package == package and _has_rule(module, "decision") for module in live):
            text = f"`data.{'.'.join(package)}.decision` is missing"
            yield error("entry_point_missing", "", 0, text)
    yield from reach_findings(live, bundle.all_sources)


def _builtin_findings(module: Module, source: str) -> Iterator[Finding]:
    # Checked as spelled and as resolved: whichever way OPA reads a name that an import also gives.
    for reference in module.spelled | module.references:
        name = ".".join((reference.head, *reference.constant))
        why = BANNED.get(name) or BANNED_FAMILIES.get(reference.head)
        if why is not None:
            for line in lines_of(source, reference):
                yield error("builtin_banned", module.path, line, f"`{name}` {why}")


def _root_findings(bundle: Bundle, module: Module) -> Iterator[Finding]:
    roots = bundle.manifest.roots
    path = "/".join(module.package)
    if roots is not None and not any(not root or f"{path}/".startswith(f"{root}/") for root in roots):
        text = f"package `{'.'.join(module.package)}` lies outside the manifest's roots"
        yield error("outside_roots", module.path, 1, text)


def _live_findings(module: Module, source: str) -> Iterator[Finding]:
    for reference in module.references:
        if reference.head == "data" and reference.constant[:1] == (EXAMPLES,):
            for line in lines_of(source, reference):
                yield error("examples_in_live_rule", module.path, line, "`data.examples` is for tests only")
        if reference.head == "print":
            for line in lines_of(source, reference):
                yield warning("print_left", module.path, line, "`print` may show values of requests")
    for rule in module.rules:
        if rule.name in _PERMISSIVE and rule.unconditional and _grants(rule.head, default=rule.default):
            line = _line_of_rule(source, rule.name, default=rule.default)
            yield error("allow_unconditional", module.path, line, f"`{rule.name}` holds without any condition")


def _grants(head: dict[str, object], *, default: bool) -> bool:
    """Whether the head, reached without a condition, says yes: ``:= true``, ``contains {…}``, a non-empty literal."""
    value = head.get("value")
    if head.get("args") or (head.get("key") is None and not isinstance(value, dict)):
        return False
    if head.get("key") is not None and not default:
        return True
    literal = isinstance(value, dict) and value.get("type") in {"array", "set", "object"} and bool(value.get("value"))
    return literal or (isinstance(value, dict) and value.get("type") == "boolean" and value.get("value") is True)


def _line_of_rule(source: str, name: str, *, default: bool) -> int:
    start = f"default {name}" if default else name
    for number, line in enumerate(source.split("\n"), 1):
        if line.startswith(start):
            return number
    return 1


def _has_rule(module: Module, name: str) -> bool:
    return any(rule.name == name and not rule.default for rule in module.rules)


class _Envelope(msgspec.Struct):
    error: dict[str, str] | None = None


def _compile(bundle: Bundle) -> Iterator[Finding]:
    """Compile everything together, tests included, by asking for a document that does not exist."""
    with load_library().new_engine() as opa:
        try:
            for path, text in bundle.all_sources.items():
                opa.add_policy(path, text)
            opa.add_data(bundle.all_data)
            fault = msgspec.json.decode(opa.evaluate(b"nothing.here", b"{}"), type=_Envelope).error
            message = (fault or {}).get("message", "")
        except FaultyInputError as refused:
            fault, message = {}, refused.message
    if fault is not None:
        yield _located(message, bundle)


def _located(message: str, bundle: Bundle) -> Finding:
    for path in sorted(bundle.all_sources, key=len, reverse=True):
        if f"{path}:" in message:
            line, text = where(message, path)
            return error("compile_error", path, line, text)
    return error("compile_error", "", 0, message.split("\n", maxsplit=1)[0])
