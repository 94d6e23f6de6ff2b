"""The phases in force: what the newest signed statement says, where its agreements hold, over the operator's own table.

- A control without a setting stands where ``[phases]`` puts it: the operator's word, told by ``ostiary doctor``.
- An agreement is asked for again whenever the state is looked at. One that expired or was revoked, and one that nobody
  can tell of now, holds no more: the control falls to the highest phase that still has one.
- No state that can be believed = telemetry for everything: the models may do nothing, and it is loud.
- What is asked on the deciding path is a table made beforehand; one thread makes it anew, at most once a second, and
  the others do not wait for it.
"""

import threading
from collections.abc import Mapping
from typing import Final

from ostiary.decision.phases import PhaseRules, PhaseTable
from ostiary.decision.ports import Directory
from ostiary.errors import OstiaryError, VerificationError
from ostiary.keys import TenantSecrets
from ostiary.server.rollout.chain import Chain, OnFault
from ostiary.server.rollout.figures import KnownFigures
from ostiary.server.rollout.in_force import InForce, NoQuorum
from ostiary.server.rollout.playbooks import PlaybookRollout
from ostiary.server.rollout.statement import Holds, Read, Rung, Setting
from ostiary.vocabulary.approvals import Deed, QuorumCheck
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.rollout import NOWHERE, WHOLE, FiguresSource, Scope, Where

DEED: Final = "phase.change"
_LOOK_EVERY_NS: Final = 1_000_000_000
_STALE_NS: Final = 3 * _LOOK_EVERY_NS


class Rollout:
    """Phases by tenant; a ``PhaseSource``, safe for several threads."""

    def __init__(
        self,
        configured: Mapping[Control, Phase],
        chain: Chain,
        secrets: TenantSecrets,
        directory: Directory,
        clock: Clock,
        on_fault: OnFault,
    ) -> None:
        """Take the operator's table, the chain of statements, the canaries' secrets, and who knows groups."""
        self.configured = dict(configured)
        self.chain = chain
        self.playbooks = PlaybookRollout(self.in_force, directory)
        self.quorum: QuorumCheck = NoQuorum()
        self.figures: FiguresSource = KnownFigures()
        self._secrets = secrets
        self._clock = clock
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._known: dict[str, InForce] = {}

    def asks(self, quorum: QuorumCheck) -> None:
        """Ask ``quorum`` whether people agreed; until then nobody did."""
        self.quorum = quorum
        self._known.clear()

    def measures(self, source: FiguresSource) -> None:
        """Show gates what ``source`` measures; until then they see how long a control was watched."""
        self.figures = source

    def forget_tenant(self, tenant: str) -> None:
        """Drop what is kept of a tenant that is gone, the secret of its canaries included."""
        self._known.pop(tenant, None)
        self.chain.forget_tenant(tenant)
        self._secrets.erase(tenant)

    def phases(self, tenant: str, where: Where) -> PhaseTable:
        """Return the phases of the models' controls at one place."""
        return self.in_force(tenant).rules.table(where)

    def phase(self, tenant: str, control: str, scope: Scope = WHOLE, own: Phase = Phase.TELEMETRY) -> Phase:
        """Return where a control stands in a scope; what was never set in a narrower one stands where the tenant does.

        ``own`` is where a control stands of which nobody ever said anything: a playbook's own word.
        """
        rules = self.in_force(tenant).rules
        phase = None if scope.whole else rules.of_scope(control, scope)
        if phase is None:
            phase = rules.phase(control, NOWHERE)
        return own if phase is None else phase

    def in_force(self, tenant: str) -> InForce:
        """Return what holds now, looked at no longer than a second ago."""
        known, now = self._known.get(tenant), self._clock.now_ns()
        age = now - known.looked_ns if known is not None else _STALE_NS
        if known is not None and 0 <= age < _LOOK_EVERY_NS:
            return known
        if not self._lock.acquire(blocking=known is None or not 0 <= age < _STALE_NS):
            assert known is not None  # noqa: S101 - INVARIANT: only who has something newer than three seconds goes on
            return known
        try:
            return self._look(tenant, now)
        finally:
            self._lock.release()

    def look(self, tenant: str) -> InForce:
        """Look now, whenever it was looked at before."""
        with self._lock:
            return self._look(tenant, self._clock.now_ns())

    def _look(self, tenant: str, now: int) -> InForce:
        try:
            held = self._compiled(tenant, self.chain.look(tenant), now)
        except VerificationError:  # the chain has told everybody
            held = InForce(now, PhaseRules({}), broken=True)
        except OstiaryError as away:
            self._on_fault("phases_unavailable", away)
            held = InForce(now, PhaseRules({}), broken=True)
        self._known[tenant] = held
        return held

    def _compiled(self, tenant: str, read: Read | None, now: int) -> InForce:
        own: dict[str, Phase] = {control.value: phase for control, phase in self.configured.items()}
        if read is None:
            return InForce(now, PhaseRules(own))
        lapsed: list[tuple[str, str]] = []
        holds = self._holds(tenant, lapsed)
        whole = [one for one in read.state.settings if one.scope.whole]
        narrow = [one for one in read.state.settings if not one.scope.whole and not read.state.is_killed(one.control)]
        for setting in whole:
            phase = standing(setting, holds, own.get(setting.control))
            if phase is not None:
                own[setting.control] = phase
        own.update(dict.fromkeys(read.state.killed, Phase.TELEMETRY))
        stand = [(one, standing(one, holds, own.get(one.control))) for one in narrow]
        scoped = [(one.control, one.scope, phase) for one, phase in stand if phase is not None]
        key = self._secrets.of(tenant) if scoped else b""
        return InForce(now, PhaseRules(own, scoped, key), read, lapsed=tuple(lapsed))

    def _holds(self, tenant: str, lapsed: list[tuple[str, str]]) -> Holds:
        now = self._clock.now_ns()

        def holds(setting: Setting, rung: Rung) -> bool:
            try:
                approved = self.quorum.check(deed_of(tenant, setting.control, setting.scope, rung), rung.proposal, now)
            except OstiaryError as no:
                lapsed.append((target_of(setting.control, setting.scope), no.code))
                return False
            return approved.expires_ns > now

        return holds


def standing(setting: Setting, holds: Holds, ground: Phase | None) -> Phase | None:
    """Return where a setting stands: its highest rung that holds, else its base, but never above the ground by itself.

    ``ground`` is what would hold without the setting: what nobody agreed to may hold a control back, not let it act.
    """
    held = [rung.phase for rung in setting.rungs if holds(setting, rung)]
    if held or setting.base is None:
        return max(held) if held else None
    return setting.base if ground is None or setting.base <= Phase.SHADOW else min(setting.base, ground)


def target_of(control: str, scope: Scope) -> str:
    """Return what an agreement names: the control and its scope."""
    return f"{control}@{scope.text}"


def deed_of(tenant: str, control: str, scope: Scope, rung: Rung) -> Deed:
    """Return what people must have agreed to for a rung to hold."""
    return Deed(tenant, DEED, target_of(control, scope), rung.bound)
