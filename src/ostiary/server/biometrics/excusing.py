"""Whoever is excused is neither watched nor judged by behaviour: an administrator's deed, on record, no reason asked.

- Where a tenant has people they agree to it; the person it is about is none of those.
- Excusing erases what was made of the person's behaviour so far. Ending it makes the person one who has not agreed.
- A decision never learns of it: who is excused is as unknown as who never agreed.
"""

from typing import Final

from ostiary.biometrics.book import Excused
from ostiary.server.agreed import Consent
from ostiary.server.deeds import record_about
from ostiary.server.wiring import House
from ostiary.vocabulary.approvals import Deed

EXCUSE: Final = "biometrics.excuse"
END: Final = "biometrics.excuse.end"


def excuse_deed(tenant: str, subject: str, *, end: bool = False) -> Deed:
    """Return the deed of excusing somebody, or of ending that."""
    return Deed(tenant, END if end else EXCUSE, subject, {"watched": "true" if end else "false"}, frozenset({subject}))


def excuse(house: House, who: str, tenant: str, subject: str, proposal: str = "", *, end: bool = False) -> Consent:
    """Excuse somebody from being watched, or end that.

    Raises:
        RefusedError: ``approval_…``.
        UnavailableError: it cannot be recorded; nothing was changed.
    """
    deed = excuse_deed(tenant, subject, end=end)
    consent = house.agreed.need(deed, proposal, who)
    # In the person's own words of the log, so that it is erased with the person: it may hint at a person's health.
    record_about(subject, house, who, tenant, deed.kind, {"subject": subject, **consent.told})
    excused = None if end else Excused(house.clock.now_ns(), who, consent.proposal)
    house.templates.excuse(tenant, subject, excused)
    if house.biometrics is not None:
        house.biometrics.tend()
    return consent
