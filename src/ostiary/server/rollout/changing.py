"""What people do with phases: promote, demote, pull the switch, revive. Each is a signed statement in the log.

- Up goes one phase at a time, through the gate, and from ``low_risk`` on with people's agreement. What they agreed to
  is made of what this deployment knows: nothing is read from the proposal.
- Down goes at once, by one person, however far. So does the kill switch: one control, or everything of the models.
- A control whose switch was pulled comes back by ``revive`` alone, through its gate and with people's agreement.
- Where no state can be believed nothing goes up. The switch works all the same: it follows the last good statement,
  and from there on there is a state again.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ostiary.decision.gates import Condition, Gate, conditions
from ostiary.decision.phases import PLAYBOOK
from ostiary.errors import FaultyInputError, OstiaryError, RefusedError, VerificationError
from ostiary.keys import sha256_hex
from ostiary.server.rollout.force import DEED, Rollout, target_of
from ostiary.server.rollout.gathering import Gates, Gathering
from ostiary.server.rollout.settling import Settings, expanded, killed, lowered, raised, switches_of
from ostiary.server.rollout.statement import ALL_PLAYBOOKS, Change, Read, Rung
from ostiary.vocabulary.approvals import Deed
from ostiary.vocabulary.clock import Clock
from ostiary.vocabulary.effects import Control, Phase
from ostiary.vocabulary.rollout import EVERYWHERE, WHOLE, GateFigures, Scope

MAX_WHY: Final = 500
MAX_NAME: Final = 256
EVERY: Final = "*"
PATIENCE: Final = 8


class World(msgspec.Struct, frozen=True):
    """What a change needs to know of the rest of the house.

    Attributes:
        bound: values in force that an agreement holds for, by tenant: digests of model and bundle.
        own: the phase that a playbook names for itself; ``None`` when there is no such playbook.
        begun_ns: since when there is a tenant.
    """

    bound: Callable[[str], Mapping[str, str]]
    own: Callable[[str, str], Phase | None]
    begun_ns: Callable[[str], int]


class Wish(msgspec.Struct, frozen=True):
    """Who wants to move what, and why."""

    tenant: str
    control: str
    scope: Scope = WHOLE
    by: str = ""
    why: str = ""
    proposal: str = ""


class Prospect(msgspec.Struct, frozen=True):
    """What a change upwards would be.

    Attributes:
        unmet: one sentence for each condition of the gate that is not met.
        deed: what people must agree to; ``None`` when nobody need.
        approval: ``holds``, ``not needed``, or the code of why not.
        head: the statement that all of it stands on; a change that comes between makes it void.
        conditions: everything that the gate asks for, met or not.
    """

    before: Phase
    after: Phase
    unmet: tuple[str, ...]
    figures: GateFigures
    deed: Deed | None = None
    approval: str = "not needed"
    rung: Rung | None = None
    head: Read | None = None
    conditions: tuple[Condition, ...] = ()


class Changes:
    """Changes of phases; safe for several threads and processes."""

    def __init__(self, rollout: Rollout, gates: Gates, gathering: Gathering, world: World, clock: Clock) -> None:
        """Take the parts."""
        self._rollout = rollout
        self._gates = gates
        self._gathering = gathering
        self._world = world
        self._clock = clock

    def before(self, tenant: str, control: str, scope: Scope = WHOLE) -> Phase:
        """Return where a control stands; a playbook of which nobody spoke in low risk at most, whatever it says."""
        own = self._world.own(tenant, control) if control.startswith(PLAYBOOK) else None
        own = Phase.TELEMETRY if own is None else min(own, Phase.LOW_RISK)
        return self._rollout.phase(tenant, control, scope, own)

    def since_ns(self, tenant: str, control: str, scope: Scope = WHOLE) -> int:
        """Return since when a control stands where it stands."""
        read = self._rollout.in_force(tenant).read
        found = None if read is None else read.state.find(control, scope) or read.state.find(control)
        return self._world.begun_ns(tenant) if found is None else found.since_ns

    def prospect(self, wish: Wish, to: Phase | None = None, *, reviving: bool = False) -> Prospect:
        """Return what going up would need now; changes nothing.

        Raises:
            FaultyInputError: ``control_unknown``, ``scope_invalid``.
            RefusedError: ``phase_step``, ``control_killed``, ``control_not_killed``.
            VerificationError: ``phases_unverified``.
        """
        self._check(wish)
        looked = self._rollout.look(wish.tenant)
        if looked.broken:
            raise VerificationError("phases_unverified", f"the phases of `{wish.tenant}` do not verify")
        before = self.before(wish.tenant, wish.control, wish.scope)
        after = self._next(wish, before, to, reviving=reviving)
        now = self._clock.now_ns()
        gate = self._gates.gate(wish.control, after)
        shown = self._gathering.evidence(wish.tenant, wish.control, self.since_ns(*_place(wish)), now)
        asked = conditions(gate, shown)
        missing = tuple(one.says for one in asked if not one.met)
        found = Prospect(before, after, missing, shown.figures, head=looked.read, conditions=asked)
        if after <= Phase.SHADOW and not reviving:
            return found
        rung = Rung(after, wish.proposal, self._bound(wish, found, gate), now)
        deed = Deed(wish.tenant, DEED, target_of(wish.control, wish.scope), rung.bound)
        return msgspec.structs.replace(found, rung=rung, deed=deed, approval=self._approval(deed, wish.proposal, now))

    def promote(self, wish: Wish, to: Phase | None = None) -> Read:
        """Take a control one phase further.

        Raises:
            RefusedError: ``gate_unmet``, ``approval_…``, ``phases_changed``, and what ``prospect`` raises.
            UnavailableError: it cannot be recorded, and did not happen.
        """
        return self._raise(wish, to, "promote")

    def revive(self, wish: Wish, to: Phase) -> Read:
        """Bring back a control whose switch was pulled; raises what ``promote`` raises."""
        return self._raise(wish, to, "revive")

    def demote(self, wish: Wish, to: Phase | None = None, told: Mapping[str, str] | None = None) -> Read:
        """Take a control down at once; without ``to`` by one phase. ``told`` marks what the gate does by itself.

        Raises:
            RefusedError: ``phase_step``, ``phases_changed``.
            UnavailableError: it cannot be recorded, and did not happen.
        """
        self._check(wish)
        return self._insist(lambda: self._lower(wish, to, told))

    def kill(self, wish: Wish) -> Read:
        """Pull the switch of one control, or of everything that a model may cause (``*``); one person is enough."""
        if wish.control not in {EVERY, ALL_PLAYBOOKS}:
            self._check(msgspec.structs.replace(wish, scope=WHOLE))
        return self._insist(lambda: self._kill(msgspec.structs.replace(wish, scope=WHOLE)))

    def _insist(self, change: Callable[[], Read]) -> Read:
        """Do what only takes down, again where somebody else was quicker: it must not fail for that."""
        for _ in range(PATIENCE):
            try:
                return change()
            except RefusedError as no:
                if no.code != "phases_changed":
                    raise
        return change()

    def _lower(self, wish: Wish, to: Phase | None, told: Mapping[str, str] | None) -> Read:
        head, now = self._rollout.chain.last_good(wish.tenant), self._clock.now_ns()
        rules = self._rollout.look(wish.tenant).rules
        stands = self.before(wish.tenant, wish.control, wish.scope)
        before = max((stands, *rules.scoped(wish.control))) if wish.scope.whole else stands
        after = Phase(max(before - 1, 0)) if to is None else to
        if after >= before:
            raise RefusedError("phase_step", f"`{wish.control}` stands in {before.name.lower()}: that is not down")
        state = None if head is None else head.state
        settings = lowered(state, wish.control, wish.scope, stands, after, now)
        change = _change("demote" if told is None else "auto", wish, before.name.lower(), after, told or {})
        return self._add(wish.tenant, head, change, settings, () if state is None else state.killed)

    def _kill(self, wish: Wish) -> Read:
        head, now = self._rollout.chain.last_good(wish.tenant), self._clock.now_ns()
        state, controls = (None if head is None else head.state), expanded(wish.control)
        before = "" if wish.control in {EVERY, ALL_PLAYBOOKS} else self._name(wish)
        dead = tuple(sorted({*(() if state is None else state.killed), *controls}))
        change = _change("kill", wish, before, Phase.TELEMETRY, {})
        return self._add(wish.tenant, head, change, killed(state, controls, now), dead)

    def _raise(self, wish: Wish, to: Phase | None, what: str) -> Read:
        found = self.prospect(wish, to, reviving=what == "revive")
        if found.unmet:
            raise RefusedError("gate_unmet", "; ".join(found.unmet))
        now = self._clock.now_ns()
        if found.deed is not None:
            self._rollout.quorum.check(found.deed, wish.proposal, now)
        head = found.head
        state = None if head is None else head.state
        rung = found.rung if found.after > Phase.SHADOW else None
        settings = () if state is None else state.settings
        if wish.control != ALL_PLAYBOOKS:  # there it is the switch alone that comes back
            settings = raised(state, wish.control, wish.scope, found.after, rung, now)
        still = () if state is None else tuple(one for one in state.killed if one != wish.control)
        told = {"figures": "sha256:" + sha256_hex(msgspec.json.encode(found.figures))}
        change = _change(what, wish, found.before.name.lower(), found.after, told)
        return self._add(wish.tenant, head, change, settings, still)

    def _next(self, wish: Wish, before: Phase, to: Phase | None, *, reviving: bool) -> Phase:
        read = self._rollout.in_force(wish.tenant).read
        switches = (wish.control,) if reviving else switches_of(wish.control)
        dead = read is not None and any(read.state.is_killed(one) for one in switches)
        if reviving:
            if not dead:
                raise RefusedError("control_not_killed", f"the switch of `{wish.control}` was not pulled")
            if to is None or to == Phase.TELEMETRY or not wish.scope.whole:
                raise RefusedError("phase_step", "name the phase that it comes back to, for everybody")
            return to
        if dead:
            raise RefusedError("control_killed", f"the switch of `{wish.control}` was pulled: it must be revived")
        after = before + 1 if to is None else to
        if after != before + 1 or after > Phase.HIGH_IMPACT:
            text = f"`{wish.control}` stands in {before.name.lower()}: it goes up one phase at a time"
            raise RefusedError("phase_step", text)
        return Phase(after)

    def _bound(self, wish: Wish, found: Prospect, gate: Gate) -> dict[str, str]:
        # In this scope and for everybody: a control that was moved in between is not the one that people looked at.
        places = dict.fromkeys((wish.scope, WHOLE))
        stood: list[object] = [
            None if found.head is None else found.head.state.find(wish.control, scope) for scope in places
        ]
        if wish.control == ALL_PLAYBOOKS and found.head is not None:
            # This switch has no setting that tells when it was pulled: pulled again, it needs another agreement.
            stood.append(found.head.digest)
        return {
            **self._world.bound(wish.tenant),
            "from": found.before.name.lower(),
            "to": found.after.name.lower(),
            "previous": "sha256:" + sha256_hex(msgspec.json.encode(stood)),
            "gate": "sha256:" + sha256_hex(msgspec.json.encode(gate)),
            "impact": found.figures.impact,
            "redteam": found.figures.redteam,
        }

    def _approval(self, deed: Deed, proposal: str, now_ns: int) -> str:
        try:
            self._rollout.quorum.check(deed, proposal, now_ns)
        except OstiaryError as no:
            return no.code
        return "holds"

    def _add(self, tenant: str, head: Read | None, change: Change, settings: Settings, dead: tuple[str, ...]) -> Read:
        made = self._rollout.chain.add(tenant, head, change, settings, dead)
        self._rollout.look(tenant)
        return made

    def _name(self, wish: Wish) -> str:
        return self.before(wish.tenant, wish.control).name.lower()

    def _check(self, wish: Wish) -> None:
        control, scope = wish.control, wish.scope
        if control.startswith(PLAYBOOK):
            if control != ALL_PLAYBOOKS and self._world.own(wish.tenant, control) is None:
                raise RefusedError("control_unknown", f"there is no playbook `{control.removeprefix(PLAYBOOK)[:80]}`")
            if scope.resource_class:
                raise FaultyInputError("scope_invalid", "a playbook knows no class of resources")
        elif control not in set(Control):
            raise RefusedError("control_unknown", f"there is no control `{control[:80]}`")
        check_scope(scope)
        if len(wish.why) > MAX_WHY:
            raise FaultyInputError("request_invalid", f"a reason has at most {MAX_WHY} characters")


def check_scope(scope: Scope) -> None:
    """Refuse a scope that cannot be.

    Raises:
        FaultyInputError: ``scope_invalid``.
    """
    if not 1 <= scope.percent <= EVERYWHERE:
        raise FaultyInputError("scope_invalid", "a canary is 1 to 100 percent")
    for text in (scope.resource_class, scope.group):
        if len(text) > MAX_NAME or not text.isprintable() or "," in text:
            raise FaultyInputError("scope_invalid", f"a class or group has at most {MAX_NAME} printable characters")


def _place(wish: Wish) -> tuple[str, str, Scope]:
    return wish.tenant, wish.control, wish.scope


def _change(what: str, wish: Wish, before: str, after: Phase, told: Mapping[str, str]) -> Change:
    name = after.name.lower()
    return Change(what, wish.control, wish.scope, before, name, wish.by, wish.why, wish.proposal, told)
