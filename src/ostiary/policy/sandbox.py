"""A throw-away process for policy that nobody has tried yet: parse, lint, compile, test and probe it there.

- Started anew (never forked: Go would hang), with a bare environment, limits on CPU, memory, files and answer, and a
  wall clock after which it is killed with its children.
- Nothing of an unknown bundle is evaluated before lint has found no error in it: there is no call to the outside then.
- What comes back is a report; a process that dies or is late is a refusal of the bundle, never an accident of ours.

>>> report = try_out(Bundle.of({"a.rego": "package a"}), "lint")
>>> report.ready, {each.code for each in report.errors}
(False, {'entry_point_missing'})
"""

import base64
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from typing import Literal

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.policy.bundle import Bundle
from ostiary.policy.findings import Finding, errors
from ostiary.policy.limits import SandboxLimits
from ostiary.policy.opa_library import launch_environment, library_path
from ostiary.policy.rego_tests import TestReport
from ostiary.vocabulary.unreadable import UNREADABLE

Task = Literal["lint", "test", "activate"]
_KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "SYSTEMROOT")


class Order(msgspec.Struct, frozen=True):
    """What the child is to do, on which files (base64)."""

    task: Task
    files: dict[str, str]
    limits: SandboxLimits


class Report(msgspec.Struct, frozen=True):
    """What the throw-away process found."""

    findings: list[Finding] = []
    tests: TestReport = TestReport()
    digest: str = ""
    revision: str = ""

    @property
    def errors(self) -> list[Finding]:
        """The findings that refuse the bundle."""
        return errors(self.findings)

    @property
    def ready(self) -> bool:
        """Whether the bundle may go live, as far as this task looked."""
        return not self.errors and not self.tests.failed

    def why_not(self) -> str:
        """Return one line that names the first few reasons."""
        reasons = [str(each) for each in self.errors]
        reasons += [f"{each.file}:{each.line}: `{each.name}`: {each.outcome}" for each in self.tests.failed]
        more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""  # noqa: PLR2004 - a line's worth
        return "; ".join(reasons[:3]) + more


def report_digest(report: Report) -> str:
    """Return the digest of what was found, however long it took and wherever it lay: the same bundle, the same digest.

    >>> report_digest(Report(digest="sha256:aa"))[:7]
    'sha256:'
    """
    tests = sorted(f"{each.package}.{each.name}={each.outcome}" for each in report.tests.tests)
    findings = sorted(each.code for each in report.findings)
    return "sha256:" + hashlib.sha256(msgspec.json.encode([report.digest, tests, findings])).hexdigest()


def try_out(bundle: Bundle, task: Task, limits: SandboxLimits | None = None) -> Report:
    """Do ``task`` with ``bundle`` in a process of its own: ``lint``, ``test`` (and lint), or ``activate`` (all).

    Raises:
        RefusedError: ``policy_check_timeout`` or ``policy_check_crashed``.
        UnavailableError: ``engine_missing``, or ``policy_check_unavailable`` when no process can be started.
    """
    library_path()  # say `engine_missing` here, where the command that mends it can be shown
    limits = limits or SandboxLimits()
    files = {path: base64.b64encode(text).decode() for path, text in bundle.files.items()}
    order = msgspec.json.encode(Order(task, files, limits))
    with tempfile.TemporaryFile() as answer:
        status = _run(order, answer.fileno(), limits)
        answer.seek(0)
        report = answer.read(limits.max_report_bytes + 1)
    if status != 0 or len(report) > limits.max_report_bytes:
        text = f"the policy broke the process that tried it out (status {status}): it needs too much, or crashes"
        raise RefusedError("policy_check_crashed", text)
    try:
        return msgspec.json.decode(report, type=Report)
    except UNREADABLE as fault:
        raise RefusedError("policy_check_crashed", "the process that tried the policy out gave no report") from fault


def admit(bundle: Bundle, limits: SandboxLimits | None = None) -> Report:
    """Return the report of a bundle that may go live: linted, compiled, tested and probed.

    Raises:
        RefusedError: ``policy_refused`` with the reasons, ``policy_check_timeout`` or ``policy_check_crashed``.
        UnavailableError: ``engine_missing`` or ``policy_check_unavailable``.
    """
    report = try_out(bundle, "activate", limits)
    if not report.ready:
        codes = [each.code for each in report.errors] or ["policy_tests_failed"]
        raise RefusedError("policy_refused", f"the policy bundle is refused: {report.why_not()}", codes)
    if report.digest != bundle.digest:
        raise RefusedError("policy_check_crashed", "the process that tried the policy out saw another bundle")
    return report


def _run(order: bytes, answer: int, limits: SandboxLimits) -> int:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | launch_environment()
    command = [sys.executable, "-P", "-m", "ostiary.policy.sandbox_child"]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except OSError as fault:
        raise UnavailableError("policy_check_unavailable", f"no process can be started: {fault.strerror}") from fault
    with process:
        try:
            process.communicate(order, timeout=limits.wall_s)
        except subprocess.TimeoutExpired as late:
            os.killpg(process.pid, signal.SIGKILL)
            text = f"the policy was not checked within {limits.wall_s:g} seconds"
            raise RefusedError("policy_check_timeout", text) from late
    return process.returncode
