"""Puts in force here what was put in force at another replica: policy bundles and risk models, by their digests.

Files lie on each replica's own disk (or one that they share) and are laid there by whoever runs them; which of them is
in force is one signed note in the store. A replica that finds something else on its disk says so and fails closed:
without its policy a tenant is denied, without its model it is not scored.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from ostiary.errors import OstiaryError, UnavailableError
from ostiary.server.activation import MODEL, POLICY, SHIPPED, Activations
from ostiary.server.chores import Chore
from ostiary.server.policies import Policies
from ostiary.server.scorers import Scorers

if TYPE_CHECKING:
    from ostiary.server.wiring import House

LOOK_S: Final = 0.5
_ANEW: Final = 20
"""Looks after which everything is compared, changed or not: what lies on the disk may have been mended."""
OnFault = Callable[[str, BaseException], None]


def in_force_chores(house: "House", on_fault: OnFault) -> list[Chore]:
    """Return the looking after it, where there are other replicas."""
    if not house.together.several:
        return []

    def living() -> list[str]:
        return [row.tenant for row in house.tenants.living()]

    follower = InForceFollower(house.activations, house.policies, house.scorers, living, on_fault)
    return [Chore("replica_differs", LOOK_S, follower.look)]


class InForceFollower:
    """Follows the other replicas; used by one thread."""

    def __init__(
        self,
        activations: Activations,
        policies: Policies,
        scorers: Scorers,
        tenants: Callable[[], Iterable[str]],
        on_fault: OnFault,
    ) -> None:
        """Compare what ``policies`` and ``scorers`` have with what ``activations`` notes, for ``tenants``."""
        self._activations = activations
        self._policies = policies
        self._scorers = scorers
        self._tenants = tenants
        self._on_fault = on_fault
        self._mark: bytes | None = None
        self._looks = 0
        self.apart: frozenset[str] = frozenset()

    def look(self) -> None:
        """Follow, if anything was put in force since the last look.

        Raises:
            UnavailableError: the store is away.
        """
        mark = self._activations.mark()
        self._looks += 1
        if mark == self._mark and not (self.apart and self._looks % _ANEW == 0):
            return
        self.apart = frozenset(one for tenant in self._tenants() for one in self._differs(tenant))
        self._mark = mark

    def _differs(self, tenant: str) -> list[str]:
        differs = []
        for kind, follow in ((POLICY, self._policies.follow), (MODEL, self._scorers.follow)):
            try:
                known = self._activations.known(tenant, kind)
                # What comes with Ostiary differs while replicas are replaced by newer ones, and is each one's own.
                if known is None or known.source == SHIPPED or follow(tenant, known.digest):
                    continue
                text = f"what lies here for tenant `{tenant}` is not `{known.digest}`, which is in force"
                self._on_fault(f"{kind}_differs", UnavailableError("replica_differs", text))
            except OstiaryError as fault:
                self._on_fault(fault.code, fault)
            differs.append(f"{tenant}/{kind}")
        return differs
