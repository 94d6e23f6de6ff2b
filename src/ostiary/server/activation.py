"""What is in force on the deciding path, and by whose agreement: policy bundles and risk models, by digest.

1. What is put in force is noted, signed: its digest, what was there before, and what people agreed to.
2. Whatever is loaded afterwards must be what was noted. A tenant without people notes what one administrator puts in
   force, and what a start finds; one that has people refuses everything else: a folder that somebody changed on disk
   between agreement and load, an older bundle put back, a folder taken away so that another one counts. Who can write
   to the database as well can put an older note back beside its folder: what was agreed to then is what he gets.
3. An agreement is asked about again at each load: taken back or over, it holds no more.
4. Among replicas nothing goes live by a start: what is in force was put in force at one of them, and the others follow
   (``mark`` moves with every change). One that finds something else on its disk does not serve that tenant.
5. What comes with Ostiary itself needs no agreement while it is what was in force before: an update is no deed of the
   tenant's.
"""

import threading
from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.audit import SYSTEM_TENANT
from ostiary.errors import RefusedError
from ostiary.keys import KeyRing, random_bytes
from ostiary.server.agreed import Agreed, Consent, propose_command
from ostiary.server.signed_shelf import ShelfStore, SignedShelf
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.clock import Clock

POLICY: Final = "policy.activate"
MODEL: Final = "threshold.change"  # a risk model brings its thresholds; `model.promote` is the registry's
SHIPPED: Final = "shipped"
_MARK: Final = "in_force_mark"
_MARK_BYTES: Final = 16
_TARGETS: Final = {POLICY: "policy", MODEL: "risk"}
_CODES: Final = {POLICY: "policy_not_agreed", MODEL: "model_not_agreed"}


class InForce(msgspec.Struct, frozen=True):
    """What was put in force last.

    Attributes:
        digest: of the bundle or model.
        source: ``own``, ``configured`` or ``shipped``.
        bound: what people agreed to; empty when one administrator did it, or a start found it.
        proposal: what covers that.
        by: who did it.
    """

    digest: str
    source: str
    bound: Mapping[str, str]
    proposal: str
    by: str
    at_ns: int


class Activations:
    """What is in force, by tenant; safe for several threads."""

    def __init__(
        self, store: ShelfStore, ring: KeyRing, agreed: Agreed, clock: Clock, *, several: bool = False
    ) -> None:
        """Keep it in ``store``, signed with the tenant's key; ``several`` says that there are other replicas."""
        self._store = store
        self._several = several
        self._shelf = SignedShelf(store, ring, "in_force", InForce, "activation")
        self._agreed = agreed
        self._clock = clock
        self._lock = threading.Lock()

    def known(self, tenant: str, kind: str) -> InForce | None:
        """Return what was put in force last, or ``None``."""
        return self._shelf.load(tenant, kind)

    def deed(self, tenant: str, kind: str, digest: str, reports: Mapping[str, str]) -> Deed:
        """Return what people agree to: from what is in force to ``digest``, and the reports that speak for it."""
        known = self.known(tenant, kind)
        return Deed(tenant, kind, _TARGETS[kind], {**reports, "old": known.digest if known else "", "new": digest})

    def check_load(self, tenant: str, kind: str, digest: str, source: str) -> None:
        """Check that something may take effect that was just loaded; what a tenant without people loads is noted.

        Raises:
            RefusedError: ``policy_not_agreed``, ``model_not_agreed``, ``approval_…``.
            VerificationError: ``shelf_tampered``.
            UnavailableError: who agreed cannot be told now.
        """
        with self._lock:
            known = self.known(tenant, kind)
            if known is not None and known.digest == digest:
                if known.proposal:
                    self._agreed.still(Deed(tenant, kind, _TARGETS[kind], known.bound), known.proposal)
                return
            came_along = source == SHIPPED and (known is None or known.source == SHIPPED)
            if self._several and known is not None and not came_along and not self._agreed.has_people(tenant):
                text = f"`{digest}` is not what is in force at the other replicas: lay that here too, or reload this"
                raise RefusedError(_CODES[kind], text)
            if self._agreed.has_people(tenant) and not came_along:
                command = propose_command(self.deed(tenant, kind, digest, {}))
                text = f"`{digest}` is not what people agreed to: `{command}`, or put back what was in force"
                raise RefusedError(_CODES[kind], text)
            self._note(tenant, kind, digest, source, Consent(), {}, "start")

    def agree(
        self, tenant: str, kind: str, digest: str, source: str, *, proposal: str, by: str, reports: Mapping[str, str]
    ) -> Consent:
        """Note that something is to be in force from now on, if enough people agreed to it; raises as ``check_load``.

        The same again needs nobody: whoever reloads what is in force changes nothing.
        """
        with self._lock:
            known = self.known(tenant, kind)
            if known is not None and known.digest == digest:
                return Consent(known.proposal)
            deed = self.deed(tenant, kind, digest, reports)
            consent = self._agreed.need(deed, proposal, by)
            self._note(tenant, kind, digest, source, consent, deed.bound if consent.proposal else {}, by)
            return consent

    def mark(self) -> bytes:
        """Return what is another whenever anything was put in force, for any tenant."""
        return self._store.load(SYSTEM_TENANT, _MARK, _MARK) or b""

    def _note(
        self, tenant: str, kind: str, digest: str, source: str, consent: Consent, bound: Mapping[str, str], by: str
    ) -> None:
        now_ns = self._clock.now_ns()
        self._shelf.save(tenant, kind, InForce(digest, source, bound, consent.proposal, by, now_ns), now_ns)
        self._store.save(SYSTEM_TENANT, _MARK, _MARK, random_bytes(_MARK_BYTES), now_ns)
