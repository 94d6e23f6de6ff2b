"""Finds what was granted for a request, on the deciding path: ``decision.ports.GrantReader``.

1. Which subjects have grants at all is looked up once a second; a decision about anybody else costs one look.
2. A grant is read anew before it is told: taken back, it is told no more, in any process. Whether people still agree to
   it is asked about then, too.
3. Who names an approval (``context.approval.id``) asks by that one alone; its id opens nothing by itself.
4. What cannot be read or verified is no grant, and is told.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ostiary.approvals.access import AccessRequest, Asked, Grant, deed_of, scope
from ostiary.approvals.glass import SECOND_NS
from ostiary.errors import RefusedError
from ostiary.server.access.book import AccessBook, subject_digest
from ostiary.server.agreed import Agreed
from ostiary.vocabulary.entities import EvaluationRequest

LOOK_NS: Final = SECOND_NS
MAX_TENANTS: Final = 10_000
MAX_TOLD: Final = 8
_NONE: Final[tuple[Mapping[str, Any], ...]] = ()


class GrantReader:
    """Tells policy of grants; safe for several threads."""

    def __init__(self, book: AccessBook, agreed: Agreed, on_fault: Callable[[str, BaseException], None]) -> None:
        """Look in ``book``."""
        self._book = book
        self._agreed = agreed
        self._on_fault = on_fault
        self._known: dict[str, tuple[int, dict[str, tuple[str, ...]]]] = {}

    def grants(
        self, tenant: str, subject: str, request: EvaluationRequest, now_ns: int
    ) -> tuple[Mapping[str, Any], ...]:
        """Return the grants that cover a request, as policy sees them; ``subject`` is the verified ``type:id``."""
        try:
            return self._grants(tenant, subject, request, now_ns)
        except Exception as fault:  # noqa: BLE001 - what cannot be read was not granted
            self._on_fault("access_grants_unreadable", fault)
            return _NONE

    def forget(self, tenant: str) -> None:
        """Look again at the next decision: this process has just granted something."""
        self._known.pop(tenant, None)

    def _grants(
        self, tenant: str, subject: str, request: EvaluationRequest, now_ns: int
    ) -> tuple[Mapping[str, Any], ...]:
        names = self._names(tenant, now_ns)
        if not names or not (own := names.get(subject_digest(subject))):
            return _NONE
        named = _named(request.context)
        judged = scope(request.action.properties, request.resource.properties)
        what = (request.action.name, request.resource.type, request.resource.id)
        found = []
        for name in own:
            grant = self._book.named(tenant, name)
            if grant is None or not grant.covers(subject, *what, judged, now_ns) or (named and named != grant.id):
                continue
            if self._agreed_to(grant):
                found.append(_told(grant))
        return tuple(found[:MAX_TOLD])

    def _names(self, tenant: str, now_ns: int) -> dict[str, tuple[str, ...]]:
        known = self._known.get(tenant)
        if known is not None and 0 <= now_ns - known[0] < LOOK_NS:
            return known[1]
        found = self._book.names(tenant)
        if len(self._known) >= MAX_TENANTS:
            self._known.clear()
        self._known[tenant] = (now_ns, found)
        return found

    def _agreed_to(self, grant: Grant) -> bool:
        try:
            if grant.proposal:
                self._agreed.still(deed_of(_request(grant), grant.deed_kind), grant.proposal)
        except RefusedError:
            return False
        return True


def _request(grant: Grant) -> AccessRequest:
    """Return as much of a grant's request as people agreed to."""
    asked = Asked(grant.subject, grant.action, grant.resource_type, grant.resource_id, grant.scope)
    return AccessRequest(grant.request, grant.tenant, "", asked, "", grant.until_ns, grant.reason, 0, 0)


def _named(context: Mapping[str, Any]) -> str:
    """Return the id of the approval that a request names; what is no id names one that nobody has."""
    approval = context.get("approval")
    if approval is None:
        return ""
    named = approval.get("id") if isinstance(approval, dict) else None
    return named if isinstance(named, str) and named else "-"


def _told(grant: Grant) -> Mapping[str, Any]:
    return {
        "id": grant.id,
        "action": grant.action,
        "resource": {"type": grant.resource_type, "id": grant.resource_id},
        "until": grant.until_ns / SECOND_NS,
    }
