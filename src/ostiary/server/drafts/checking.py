"""Lint and a bundle's own tests, for what is in force and for drafts: in the throw-away process, one at a time.

1. Nothing is put in force here, whatever the report says; a draft is not even kept.
2. That somebody tried a draft out is on record, with its digest and what was found.
3. The last report of a bundle is kept, signed, by its digest; of so many bundles of a tenant.
"""

import threading
from typing import Final

import msgspec

from ostiary.errors import RefusedError
from ostiary.policy.bundle import Bundle
from ostiary.policy.findings import Finding
from ostiary.policy.rego_tests import TestResult
from ostiary.policy.sandbox import try_out
from ostiary.server.deeds import record_deed
from ostiary.server.drafts.reading import bundle_here
from ostiary.server.impact.candidates import changed, current_bundle
from ostiary.server.signed_shelf import SignedShelf
from ostiary.server.wiring import House

KEPT: Final = 10
BUSY: Final = "draft_busy"
_SHELF: Final = "policy_check"
_one_at_a_time = threading.Lock()


class Check(msgspec.Struct, frozen=True):
    """What lint and tests said of one bundle.

    Attributes:
        ok: no error of lint, and every test passed.
        passed: how many tests passed; ``failed`` are the others.
        coverage: share of live lines that the tests touch, in percent, by file.
    """

    digest: str
    at_ns: int
    by: str
    ok: bool
    findings: list[Finding]
    passed: int
    failed: list[TestResult]
    coverage: dict[str, float]


def check_in_force(house: House, who: str, tenant: str) -> Check:
    """Check the bundle as it lies there, and keep the report.

    Raises:
        RefusedError: ``draft_busy``, ``policy_check_…``.
        FaultyInputError: ``bundle_…``.
    """
    bundle, _ = bundle_here(house, tenant)
    made = _checked(house, who, bundle)
    record_deed(house, who, tenant, "policy.check", digest=made.digest, ok=made.ok, failed=len(made.failed))
    shelf = _shelf(house)
    shelf.save(tenant, made.digest, made, made.at_ns)
    for old in sorted(shelf.all(tenant), key=lambda one: one.at_ns)[:-KEPT]:
        shelf.delete(tenant, old.digest)
    return made


def last_check(house: House, tenant: str, digest: str) -> Check | None:
    """Return the last report of a bundle, or ``None``.

    Raises:
        VerificationError: ``shelf_tampered``.
    """
    return _shelf(house).load(tenant, digest)


def check_draft(house: House, who: str, tenant: str, file: str, text: str) -> Check:
    """Check the bundle in force with one file changed; nothing is kept but that it was tried.

    Raises:
        RefusedError: ``draft_busy``, ``bundle_not_in_force``, ``policy_check_…``.
        FaultyInputError: ``bundle_…``.
    """
    made = _checked(house, who, changed(current_bundle(house, tenant), file, text))
    errors = sum(one.severity == "error" for one in made.findings)
    told = {"file": file, "digest": made.digest, "ok": made.ok, "errors": errors, "failed": len(made.failed)}
    record_deed(house, who, tenant, "policy.draft", **told)
    return made


def _checked(house: House, who: str, bundle: Bundle) -> Check:
    if not _one_at_a_time.acquire(blocking=False):
        raise RefusedError(BUSY, "another policy is being tried out: try again in a moment")
    try:
        report = try_out(bundle, "test")
    finally:
        _one_at_a_time.release()
    failed = report.tests.failed
    return Check(
        digest=bundle.digest,
        at_ns=house.clock.now_ns(),
        by=who,
        ok=report.ready,
        findings=report.findings,
        passed=len(report.tests.tests) - len(failed),
        failed=failed,
        coverage=report.tests.coverage,
    )


def _shelf(house: House) -> SignedShelf[Check]:
    return SignedShelf(house.store.snapshots, house.ring, _SHELF, Check, "reports")
