"""Putting a bundle or a model in force: one way for the API and for the command line.

The record says by whose agreement. A report that is named must be there, be what was signed, and be about this bundle.
"""

from ostiary.errors import RefusedError
from ostiary.policy.bundle import Bundle
from ostiary.server.activation import MODEL, POLICY
from ostiary.server.deeds import record_deed
from ostiary.server.policies import BundleStatus
from ostiary.server.reports import Reports
from ostiary.server.wiring import House

IMPACT = "impact"


def activate_bundle(house: House, who: str, tenant: str, proposal: str = "", impact: str = "") -> BundleStatus:
    """Put a tenant's bundle as it is on disk in force.

    Raises:
        RefusedError: it does not pass, or people did not agree; ``report_unknown``, ``report_of_another``.
        FaultyInputError: it is malformed.
        VerificationError: ``report_tampered``.
    """
    if impact:
        report = Reports(house.store.snapshots, house.ring).find(tenant, impact)
        if (report.kind, report.about) != (IMPACT, Bundle.load(house.policies.source(tenant)).digest):
            raise RefusedError("report_of_another", "this report is not about what the bundle would change")
    status = house.policies.reload(tenant, proposal=proposal, by=who, impact=impact)
    told = _by_whom(house, tenant, POLICY)
    record_deed(house, who, tenant, "bundle.reload", digest=status.digest, source=status.source, **told)
    return status


def activate_model(house: House, who: str, tenant: str, proposal: str = "") -> str:
    """Load a tenant's risk model as it is on disk; return its digest, empty when there is none.

    Raises:
        OstiaryError: it does not load, or people did not agree to it.
    """
    if house.agreed.has_people(tenant):
        house.scorers.agree(tenant, proposal=proposal, by=who)
    scorer = house.scorers.reload(tenant)
    digest = scorer.digest if scorer else ""
    record_deed(house, who, tenant, "model.reload", digest=digest, **_by_whom(house, tenant, MODEL))
    return digest


def _by_whom(house: House, tenant: str, kind: str) -> dict[str, str]:
    known = house.activations.known(tenant, kind)
    return {"proposal": known.proposal} if known and known.proposal else {}
