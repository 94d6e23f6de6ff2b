"""The phases in force: what the newest signed statement says, where its agreements hold, over the operator's own table.

- A control without a setting stands where ``[phases]`` puts it: the operator's word, told by ``ostiary doctor``.
- An agreement is asked for again while the state is in force, every five seconds, and whenever people look. One that
  expired or was revoked, and one that nobody can tell of now, holds no more: the control falls to the highest phase
  that still has one.
- No state that can be believed = telemetry for everything: the models may do nothing, and it is loud.
- A state that nobody can read now is another thing: what was read in the last three seconds holds on, and then nothing
  is decided. Whoever makes the log slow does not switch the models off.
- What is asked on the deciding path is a table made beforehand; one thread makes it anew, at most once a second, and
  the others do not wait for it. Where there is nothing that is fresh enough they wait a moment, and are refused.
"""

import threading
from collections.abc import Mapping
from typing import Final

import msgspec

from ostiary.decision.phases import PhaseRules, PhaseTable
from ostiary.decision.ports import Directory
from ostiary.errors import OstiaryError, VerificationError
from ostiary.keys import TenantSecrets
from ostiary.server.rollout.chain import Chain, OnFault
from ostiary.server.rollout.figures import KnownFigures
from ostiary.server.rollout.in_force import InForce, NoQuorum, unknown
from ostiary.server.rollout.playbooks import PlaybookRollout
from ostiary.server.rollout.statement import Holds, Read, Rung, Setting
from ostiary.storage.hurry import in_a_hurry
from ostiary.vocabulary.approvals import Deed, QuorumCheck
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.rollout import NOWHERE, WHOLE, FiguresSource, Scope, Where

DEED: Final = "phase.change"
_LOOK_EVERY_NS: Final = 1_000_000_000
_STALE_NS: Final = 3 * _LOOK_EVERY_NS
_ASK_EVERY_NS: Final = 5 * _LOOK_EVERY_NS
_HURRY_S: Final = 0.25
"""Who decides waits no longer for another's look: it has an answer to give."""
MAX_ASKED: Final = 4096


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
        self._asked: dict[tuple[str, str, str], tuple[int, int, str]] = {}

    def asks(self, quorum: QuorumCheck) -> None:
        """Ask ``quorum`` whether people agreed; until then nobody did."""
        self.quorum = quorum
        self._known.clear()
        self._asked.clear()

    def measures(self, source: FiguresSource) -> None:
        """Show gates what ``source`` measures; until then they see how long a control was watched."""
        self.figures = source

    def forget_tenant(self, tenant: str) -> None:
        """Drop what is kept of a tenant that is gone, the secret of its canaries included."""
        self._known.pop(tenant, None)
        self.chain.forget_tenant(tenant)
        self._secrets.erase(tenant)

    def phases(self, tenant: str, where: Where) -> PhaseTable:
        """Return the phases of the models' controls at one place.

        Raises:
            UnavailableError: ``phases_unavailable``: nobody can tell now.
        """
        held = self.in_force(tenant)
        if held.away:
            raise unknown(tenant)
        return held.rules.table(where)

    def phase(self, tenant: str, control: str, scope: Scope = WHOLE, own: Phase = Phase.TELEMETRY) -> Phase:
        """Return where a control stands in a scope; what was never set in a narrower one stands where the tenant does.

        ``own`` is where a control stands of which nobody ever said anything: a playbook's own word.

        Raises:
            UnavailableError: ``phases_unavailable``: nobody can tell now.
        """
        held = self.in_force(tenant)
        if held.away:
            raise unknown(tenant)
        rules = held.rules
        phase = None if scope.whole else rules.of_scope(control, scope)
        if phase is None:
            phase = rules.phase(control, NOWHERE)
        return own if phase is None else phase

    def in_force(self, tenant: str) -> InForce:
        """Return what holds now, looked at no longer than a second ago, or three while somebody looks.

        Raises:
            UnavailableError: ``phases_unavailable``: somebody looks, and who decides cannot wait.
        """
        known, now = self._known.get(tenant), self._clock.now_ns()
        age = now - known.looked_ns if known is not None else _STALE_NS
        if known is not None and 0 <= age < _LOOK_EVERY_NS:
            return known
        if not self._lock.acquire(blocking=False):
            if known is not None and 0 <= age < _STALE_NS:
                return known
            if not self._lock.acquire(timeout=_HURRY_S if in_a_hurry() else -1):
                raise unknown(tenant)
        try:
            found = self._known.get(tenant)
            if found is not None and found is not known:  # whoever had the lock looked for us, too
                return found
            return self._look(tenant, now)
        finally:
            self._lock.release()

    def look(self, tenant: str, *, ask: bool = True) -> InForce:
        """Look now, whenever it was looked at before; with ``ask`` ask for every agreement anew, too."""
        with self._lock:
            if ask:
                self._asked.clear()
            return self._look(tenant, self._clock.now_ns())

    def _look(self, tenant: str, now: int) -> InForce:
        try:
            held = self._compiled(tenant, self.chain.look(tenant), now)
        except VerificationError:  # the chain has told everybody
            held = InForce(now, PhaseRules({}), broken=True, read_ns=now)
        except OstiaryError as away:
            self._on_fault("phases_unavailable", away)
            known = self._known.get(tenant)
            if known is not None and 0 <= now - known.read_ns < _STALE_NS:
                held = msgspec.structs.replace(known, looked_ns=now)
            else:
                held = InForce(now, PhaseRules({}), broken=True, away=True)
        self._known[tenant] = held
        return held

    def _compiled(self, tenant: str, read: Read | None, now: int) -> InForce:
        own: dict[str, Phase] = {control.value: phase for control, phase in self.configured.items()}
        if read is None:
            return InForce(now, PhaseRules(own), read_ns=now)
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
        return InForce(now, PhaseRules(own, scoped, key), read, lapsed=tuple(lapsed), read_ns=now)

    def _holds(self, tenant: str, lapsed: list[tuple[str, str]]) -> Holds:
        now = self._clock.now_ns()

        def holds(setting: Setting, rung: Rung) -> bool:
            target = target_of(setting.control, setting.scope)
            code = self._ask(tenant, target, rung, now)
            if code:
                lapsed.append((target, code))
            return not code

        return holds

    def _ask(self, tenant: str, target: str, rung: Rung, now: int) -> str:
        """Return why people's agreement holds no more, or nothing; an answer is good for five seconds."""
        place = (tenant, target, rung.proposal)
        asked_ns, until_ns, code = self._asked.get(place, (0, 0, ""))
        if 0 <= now - asked_ns < _ASK_EVERY_NS and (code or now < until_ns):
            return code
        try:
            approved = self.quorum.check(Deed(tenant, DEED, target, rung.bound), rung.proposal, now)
            until_ns, code = approved.expires_ns, "" if now < approved.expires_ns else "approval_expired"
        except OstiaryError as no:
            until_ns, code = 0, no.code
        if len(self._asked) >= MAX_ASKED:
            self._asked.clear()
        self._asked[place] = (now, until_ns, code)
        return code


def standing(setting: Setting, holds: Holds, ground: Phase | None) -> Phase | None:
    """Return where a setting stands: its highest rung that holds, else its base, but never above the ground by itself.

    ``ground`` is what would hold without the setting: what nobody agreed to may hold a control back, not let it act.
    """
    for rung in sorted(setting.rungs, key=lambda one: -one.phase):
        if holds(setting, rung):
            return rung.phase
    if setting.base is None:
        return None
    return setting.base if ground is None or setting.base <= Phase.SHADOW else min(setting.base, ground)


def target_of(control: str, scope: Scope) -> str:
    """Return what an agreement names: the control and its scope."""
    return f"{control}@{scope.text}"
