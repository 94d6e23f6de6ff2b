"""``ostiary policy test|lint|impact|filter|activate``: what a bundle promises and would do, and putting it in force."""

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from ostiary.cli.impact.verbs import policy as impact_of_policy
from ostiary.cli.output import err, out, print_json
from ostiary.cli.places import Config, Data, Json, Proposal, Tenant, check_living, open_data
from ostiary.cli.policy_filter import command as filter_for_asker
from ostiary.errors import RefusedError
from ostiary.policy.bundle import Bundle
from ostiary.policy.findings import Finding
from ostiary.policy.rego_tests import TestReport, TestResult
from ostiary.policy.sandbox import Report, try_out

command = App(name="policy", help="Check policy bundles: lint them, run their tests, see what they would do.")
command.command(impact_of_policy, name="impact")
command.command(filter_for_asker, name="filter")


class LintAnswer(msgspec.Struct, frozen=True):
    """What ``policy lint --json`` prints."""

    ok: bool
    digest: str
    findings: list[Finding]


class TestAnswer(msgspec.Struct, frozen=True):
    """What ``policy test --json`` prints."""

    ok: bool
    digest: str
    passed: int
    failed: int
    tests: list[TestResult]
    coverage: dict[str, float]
    findings: list[Finding]


@command.command
def lint(bundle: Path, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Refuse what a bundle must not do: reach out, read clocks, let a guardrail see a score. By file and line.

    Args:
        bundle: folder or OPA archive.
        json: print one JSON object.
    """
    report = try_out(Bundle.load(bundle), "lint")
    if json:
        print_json(LintAnswer(not report.errors, report.digest, report.findings))
    else:
        _show(report.findings)
        out.print(f"{len(report.errors)} errors, {len(report.findings) - len(report.errors)} warnings")
    _refuse(report)


@command.command(name="test")
def run_tests(bundle: Path, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Run the ``test_*`` rules of a bundle, after linting it, as before it may go live.

    Args:
        bundle: folder or OPA archive.
        json: print one JSON object.
    """
    report = try_out(Bundle.load(bundle), "activate")
    if json:
        print_json(_test_answer(report))
    else:
        _show(report.findings)
        _show_tests(report.tests)
    _refuse(report)


@command.command
def activate(
    *,
    proposal: Proposal = "",
    impact: Annotated[str, Parameter(help="Digest of the impact report that people were shown.")] = "",
    data: Data = None,
    config: Config = None,
    tenant: Tenant = "default",
    json: Json = False,
) -> None:
    """Put the tenant's bundle as it is on disk in force, if it passes; a running server takes it at its next reload."""
    from ostiary.server.activating import activate_bundle  # noqa: PLC0415 - the whole server, which checks do not need
    from ostiary.server.deeds import COMMAND_LINE  # noqa: PLC0415 - as above

    with open_data(data, config) as house:
        check_living(house, tenant)
        alone = not house.agreed.has_people(tenant)
        status = activate_bundle(house, COMMAND_LINE, tenant, proposal, impact)
    if alone:
        err.print("one administrator did this: the tenant has named no people", style="yellow")
    if json:
        print_json(status)
    else:
        out.print(f"{status.digest} ({status.source}, {status.rules} rules) is in force", markup=False)


def _test_answer(report: Report) -> TestAnswer:
    tests = report.tests
    failed = len(tests.failed)
    passed = len(tests.tests) - failed
    return TestAnswer(report.ready, report.digest, passed, failed, tests.tests, tests.coverage, report.findings)


def _show(findings: list[Finding]) -> None:
    for each in findings:
        out.print(str(each), markup=False)


def _show_tests(tests: TestReport) -> None:
    for each in tests.failed:
        detail = f": {each.text}" if each.text else ""
        out.print(f"{each.file}:{each.line}: {each.outcome}: {each.package}.{each.name}{detail}", markup=False)
    for path, percent in tests.coverage.items():
        if percent < 100:  # noqa: PLR2004 - whole coverage needs no line
            err.print(f"{path}: {percent:g} % of its lines are tested", markup=False)
    out.print(f"{len(tests.tests) - len(tests.failed)} passed, {len(tests.failed)} failed")


def _refuse(report: Report) -> None:
    if not report.ready:
        codes = [each.code for each in report.errors] or ["policy_tests_failed"]
        text = f"the bundle may not go live: {len(report.errors)} errors, {len(report.tests.failed)} failed tests"
        raise RefusedError(codes[0], text, codes)
