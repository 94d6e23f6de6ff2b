"""Finds the open break-glass of a request, on the deciding path: ``decision.ports.BreakGlassCheck``.

1. What may be open is looked up once a second and remembered, and whether people still agree to it is asked then; with
   nothing open a decision costs a comparison.
2. Before one is used it is read anew, with its ending: closing counts at the next decision of every process.
3. The time is that of the receipt. Once a later time was seen, an earlier one opens nothing.
4. What cannot be read or verified opens nothing, and is told.
"""

from collections.abc import Callable
from typing import Final

from ostiary.approvals.glass import SECOND_NS, Opening, deed_of
from ostiary.decision.combine import BreakGlass
from ostiary.errors import RefusedError
from ostiary.server.agreed import Agreed
from ostiary.server.break_glass.book import GRACE_NS, GlassBook
from ostiary.vocabulary.entities import EvaluationRequest

LOOK_NS: Final = SECOND_NS
MAX_TENANTS: Final = 10_000
UNREADABLE: Final = "break_glass_unreadable"


class GlassCheck:
    """Finds what covers a request; safe for several threads."""

    def __init__(self, book: GlassBook, agreed: Agreed, on_fault: Callable[[str, BaseException], None]) -> None:
        """Look in ``book``, and ask again whether people agree."""
        self._book = book
        self._agreed = agreed
        self._on_fault = on_fault
        self._known: dict[str, tuple[int, tuple[Opening, ...]]] = {}
        self._latest_ns = 0

    def find(self, tenant: str, request: EvaluationRequest, now_ns: int) -> BreakGlass | None:
        """Return what is open for ``request``, whose subject is the verified one, or ``None``."""
        try:
            return self._find(tenant, request, now_ns)
        except Exception as fault:  # noqa: BLE001 - what cannot be read opens nothing, and the denies stand
            self._on_fault(UNREADABLE, fault)
            return None

    def forget(self, tenant: str) -> None:
        """Look again at the next decision: this process has just opened or closed one."""
        self._known.pop(tenant, None)

    def _find(self, tenant: str, request: EvaluationRequest, now_ns: int) -> BreakGlass | None:
        openings = self._openings(tenant, now_ns)
        if not openings:
            return None
        subject, resource = f"{request.subject.type}:{request.subject.id}", request.resource
        covering = [one for one in openings if one.covers(subject, resource.type, resource.id, now_ns)]
        if not covering or self._went_back(tenant, now_ns):
            return None
        held = [one for one in covering if self._holds(tenant, one)]
        if not held:
            return None
        return BreakGlass(",".join(one.id for one in held), frozenset(r for one in held for r in one.terms.replaces))

    def _openings(self, tenant: str, now_ns: int) -> tuple[Opening, ...]:
        known = self._known.get(tenant)
        if known is not None and 0 <= now_ns - known[0] < LOOK_NS:
            return known[1]
        found = tuple(one for one in self._book.living(tenant) if self._agreed_to(one))
        if len(self._known) >= MAX_TENANTS:
            self._known.clear()
        self._known[tenant] = (now_ns, found)
        return found

    def _agreed_to(self, one: Opening) -> bool:
        try:
            if one.proposal:
                self._agreed.still(deed_of(one.tenant, one.terms), one.proposal)
        except RefusedError:
            return False
        return True

    def _holds(self, tenant: str, one: Opening) -> bool:
        """Return whether it is still there, the very same, and nobody has closed it meanwhile."""
        return self._book.ending(tenant, one.id) is None and self._book.find(tenant, one.id).opening == one

    def _went_back(self, tenant: str, now_ns: int) -> bool:
        self._latest_ns = max(self._latest_ns, now_ns)
        return now_ns < self._latest_ns - GRACE_NS or self._book.went_back(tenant, now_ns)
