"""The validation report: metrics of one model, signed by somebody who did not make it.

>>> metrics_digest({"auc": 0.91}) == metrics_digest({"auc": 0.91}) != metrics_digest({"auc": 0.92})
True
"""

import math
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.keys import SigningKey, sha256_hex
from ostiary.pipeline.registry.model import Version
from ostiary.pipeline.registry.people import People
from ostiary.pipeline.registry.sealed import parse_envelope, read_statement, seal_statement

PREDICATE_TYPE: Final = "urn:ostiary:model-report:v1"
MAX_METRICS: Final = 256


class Findings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The predicate of a report.

    Attributes:
        tenant: whose model it is.
        model: its name.
        statement: digest of the signed manifest that was judged. The root digest, which it is about, tells nothing
            of the files' names: the same bytes under other names are another model to a loader.
        metrics: number by name.
        passed: whether the validator thinks it good enough.
        made_ns: when.
        datasets: digests of the data it was judged on.
        notes: anything else, by name: digest of an attack report for instance.
    """

    tenant: str
    model: str
    statement: str
    metrics: dict[str, float]
    passed: bool
    made_ns: int
    datasets: list[str] = []
    notes: dict[str, str] = {}


class Report(msgspec.Struct, frozen=True):
    """A report that was checked."""

    digest: str
    metrics_digest: str
    findings: Findings
    validator: str


def metrics_digest(metrics: dict[str, float]) -> str:
    """Return the digest of a report's metrics, the same on every machine."""
    plain = {name: float(value) for name, value in metrics.items()}
    return "sha256:" + sha256_hex(msgspec.json.encode(plain, order="sorted"))


def check_report(people: Callable[[str], People], version: Version, evidence: bytes) -> Report:
    """Return the report about ``version``, or refuse.

    Raises:
        RefusedError: ``report_missing``, ``report_other_model``, ``report_untrusted``, ``report_own_work``,
            ``report_not_passed``, ``report_malformed``.
        FaultyInputError: ``statement_malformed``.
        UnavailableError: ``people_unreadable``.
    """
    if not evidence:
        raise RefusedError("report_missing", "there is no validation report")
    opened = parse_envelope(evidence)
    about, findings = read_statement(opened.payload, PREDICATE_TYPE, Findings)
    judged = (about, findings.tenant, findings.model, findings.statement)
    if judged != (version.digest, version.tenant, version.name, version.statement):
        raise RefusedError("report_other_model", f"the report is about `{findings.model[:80]}` as `{about}`")
    known, trainer = people(version.tenant), version.trainer
    validators = [one for one in known.validators if opened.signers(one.keys)]
    if not validators:
        raise RefusedError("report_untrusted", "nobody who may validate has signed the report")
    makers = known.behind(trainer.names, frozenset(trainer.keys))
    if any(not makers.isdisjoint(one.names) for one in validators):
        raise RefusedError("report_own_work", "the report is signed by somebody who made the model")
    _check_findings(findings)
    return Report(opened.digest, metrics_digest(findings.metrics), findings, validators[0].name)


def _check_findings(findings: Findings) -> None:
    numbers = findings.metrics.values()
    if not 0 < len(findings.metrics) <= MAX_METRICS or not all(math.isfinite(one) for one in numbers):
        raise RefusedError("report_malformed", f"a report has 1 to {MAX_METRICS} finite metrics")
    if not findings.passed:
        raise RefusedError("report_not_passed", "the validator did not pass the model")


def make_report(name: str, digest: str, findings: Findings, keys: Iterable[SigningKey]) -> bytes:
    """Return a report, signed by ``keys``."""
    return seal_statement(PREDICATE_TYPE, name, digest, findings, keys)
