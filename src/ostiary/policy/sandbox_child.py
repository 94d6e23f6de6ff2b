"""The inside of the throw-away process: ``python -m ostiary.policy.sandbox_child``, orders on stdin, report on stdout.

- Limits are set before the first byte of policy is looked at.
- Lint comes first; with an error nothing is evaluated.
"""

import base64
import resource
import sys
from collections.abc import Iterator

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.bundle import Bundle
from ostiary.policy.engine import OpaEngine
from ostiary.policy.findings import Finding, error, errors, warning
from ostiary.policy.limits import SandboxLimits
from ostiary.policy.lint import lint
from ostiary.policy.monotone import check_monotone, made_up
from ostiary.policy.rego_tests import TestReport, run_tests
from ostiary.policy.sandbox import Order, Report


def main() -> None:
    """Read the order, do it, write the report."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    confine(order.limits)
    sys.stdout.buffer.write(msgspec.json.encode(carry_out(order)))
    sys.stdout.buffer.flush()


def confine(limits: SandboxLimits) -> None:
    """Give up what this process does not need."""
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.max_report_bytes + 1),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most, most) if hard == resource.RLIM_INFINITY or most < hard else (hard, hard))


def carry_out(order: Order) -> Report:
    """Return the report of one order."""
    try:
        bundle = Bundle({path: base64.b64decode(text) for path, text in order.files.items()})
    except OstiaryError as fault:
        return Report([error(fault.code, "", 0, fault.message)])
    findings = lint(bundle)
    tests = TestReport()
    if order.task != "lint" and not errors(findings):
        tests = run_tests(bundle)
        findings += [] if tests.tests else [warning("no_tests", "", 0, "the bundle brings no tests of its own")]
        if order.task == "activate" and not tests.failed:
            findings += probe(bundle)
    return Report(findings, tests, bundle.digest, bundle.revision)


def probe(bundle: Bundle) -> Iterator[Finding]:
    """Yield what shows only when the bundle is asked: no answer, an odd one, milder proposals for higher scores."""
    with OpaEngine(bundle) as engine:
        verdict = engine.guardrails(made_up(1))
    if verdict.error:
        yield error("guardrails_fail", "", 0, f"the guardrails fail on a plain request: {verdict.error}")
    for sentence in check_monotone(bundle):
        code = "adaptive_fails" if sentence.startswith("the adaptive rules fail") else "adaptive_not_monotone"
        yield error(code, "", 0, sentence)


if __name__ == "__main__":
    main()
