"""Who carries out each kind of step: sessions, devices, tokens, models, cases, notices.

Rules:

- Each handler knows its effect by ``act.key`` or by what it changes: done twice is done once.
- A step whose trigger does not name what it needs is refused (``fact_missing``): nothing is guessed.
- Whatever a handler makes of texts from outside was bounded and made harmless when the trigger came in.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from typing_extensions import override

from ostiary.errors import OstiaryError, RefusedError, UnavailableError
from ostiary.response.blocks import ModelBlocks
from ostiary.response.cases import CaseBook
from ostiary.response.matters import facts_of, links, matter
from ostiary.response.outbox import Letter, Outbox
from ostiary.response.ports import Act, Blast, DeviceControl, EffectHandler, Quarantined, SessionControl, TokenControl
from ostiary.response.steps import StepKind

SHOWN: Final = 50
CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
NOBODY: Final = "nobody_to_tell"


class Handler:
    """Common to all: a kind, nobody hit, nothing to take back."""

    def __init__(self, kind: StepKind) -> None:
        """Carry out ``kind``."""
        self._kind = kind

    @property
    def kind(self) -> StepKind:
        """The kind it carries out."""
        return self._kind

    def preview(self, act: Act) -> Blast:
        """Return whom it would hit now."""
        session = (act.trigger.session_id,) if act.trigger.session_id else ()
        return Blast(sessions=session, count=len(session))

    def undo(self, act: Act) -> str:
        """Refuse: most effects end with a new sign-in, not with a step back."""
        raise RefusedError("step_not_undoable", f"`{act.step.do}` cannot be taken back")


class TerminateSession(Handler):
    """Ends the session that the trigger names."""

    def __init__(self, sessions: SessionControl) -> None:
        """Act on ``sessions``."""
        super().__init__(StepKind.TERMINATE_SESSION)
        self._sessions = sessions

    def perform(self, act: Act) -> str:
        """End it."""
        name = _needed(act.trigger.session_id, "session_id")
        return _word(self._sessions.terminate(act.tenant, name, **_told(act)))


class ReduceSession(Handler):
    """Takes privileges and lifetime from the session that the trigger names."""

    def __init__(self, sessions: SessionControl) -> None:
        """Act on ``sessions``."""
        super().__init__(StepKind.REDUCE_SESSION)
        self._sessions = sessions

    def perform(self, act: Act) -> str:
        """Reduce it."""
        name, step = _needed(act.trigger.session_id, "session_id"), act.step
        changed = self._sessions.reduce(
            act.tenant, name, privileges=step.privileges, lifetime_s=step.lifetime_s, **_told(act)
        )
        return _word(changed)


class DemandStepUp(Handler):
    """Demands a step-up of the session that the trigger names, else of all sessions of its device or subject."""

    def __init__(self, sessions: SessionControl) -> None:
        """Act on ``sessions``."""
        super().__init__(StepKind.DEMAND_STEP_UP)
        self._sessions = sessions

    @override
    def preview(self, act: Act) -> Blast:
        return _blast(self._names(act))

    def perform(self, act: Act) -> str:
        """Demand it."""
        acr, told = act.step.acr_values, _told(act)
        changed = [self._sessions.demand_step_up(act.tenant, name, acr_values=acr, **told) for name in self._names(act)]
        return _word(any(changed))

    def _names(self, act: Act) -> list[str]:
        trigger = act.trigger
        if trigger.session_id:
            return [trigger.session_id]
        if trigger.device_id:
            return [one.session_id for one in self._sessions.of_device(act.tenant, trigger.device_id)]
        subject = _needed(trigger.subject, "subject")
        return [one.session_id for one in self._sessions.of_subject(act.tenant, subject)]


class RevokeSubject(Handler):
    """Ends everything that the subject began."""

    def __init__(self, sessions: SessionControl) -> None:
        """Act on ``sessions``."""
        super().__init__(StepKind.REVOKE_SUBJECT)
        self._sessions = sessions

    @override
    def preview(self, act: Act) -> Blast:
        found = list(self._sessions.of_subject(act.tenant, act.trigger.subject)) if act.trigger.subject else []
        return _blast([one.session_id for one in found], [one.device_id for one in found])

    def perform(self, act: Act) -> str:
        """Revoke the subject."""
        subject = _needed(act.trigger.subject, "subject")
        ended = self._sessions.revoke_subject(act.tenant, subject, **_told(act))
        return f"{len(ended)}_sessions_ended"


class QuarantineDevice(Handler):
    """Shuts out the device that the trigger names."""

    def __init__(self, devices: DeviceControl, sessions: SessionControl) -> None:
        """Act on ``devices``; ``sessions`` tell who is on them."""
        super().__init__(StepKind.QUARANTINE_DEVICE)
        self._devices = devices
        self._sessions = sessions

    @override
    def preview(self, act: Act) -> Blast:
        name = act.trigger.device_id
        found = list(self._sessions.of_device(act.tenant, name)) if name else []
        return _blast([one.session_id for one in found], [name])

    def perform(self, act: Act) -> str:
        """Put it in quarantine."""
        name = _needed(act.trigger.device_id, "device_id")
        found = self._devices.quarantine(act.tenant, name, now_ns=act.at_ns, reason=act.reason, cause=act.trigger.id)
        return _word(_is_own(found, act))

    @override
    def undo(self, act: Act) -> str:
        name = _needed(act.trigger.device_id, "device_id")
        if not _is_own(self._devices.find(act.tenant, name), act):
            return UNCHANGED  # it is out by somebody else's word, which this step does not take back
        self._devices.release(act.tenant, name, now_ns=act.at_ns, cause=act.trigger.id)
        return CHANGED


class DisableToken(Handler):
    """Switches off the service token or enforcement point that the fact ``pep`` names."""

    def __init__(self, tokens: TokenControl) -> None:
        """Act on ``tokens``."""
        super().__init__(StepKind.DISABLE_TOKEN)
        self._tokens = tokens

    @override
    def preview(self, act: Act) -> Blast:
        name = str(act.trigger.facts.get("pep") or "")
        return Blast(others=(name,) if name else (), count=1 if name else 0)

    def perform(self, act: Act) -> str:
        """Switch it off."""
        return _word(self._tokens.disable(act.tenant, _fact(act, "pep")))

    @override
    def undo(self, act: Act) -> str:
        return _word(self._tokens.enable(act.tenant, _fact(act, "pep")))


class BlockModel(Handler):
    """Blocks the model version that the fact ``model`` names; ``on_change`` makes the tenant's scorer load anew."""

    def __init__(self, blocks: ModelBlocks, on_change: Callable[[str], object]) -> None:
        """Act on ``blocks``."""
        super().__init__(StepKind.BLOCK_MODEL)
        self._blocks = blocks
        self._on_change = on_change

    @override
    def preview(self, act: Act) -> Blast:
        name = str(act.trigger.facts.get("model") or "")
        return Blast(others=(name,) if name else (), count=1 if name else 0)

    def perform(self, act: Act) -> str:
        """Block it."""
        name = _fact(act, "model")
        self._blocks.block(act.tenant, name, act.reason, act.at_ns)
        self._on_change(act.tenant)
        return _word(self._blocks.is_blocked_by(act.tenant, name, act.reason, act.at_ns))

    @override
    def undo(self, act: Act) -> str:
        name = _fact(act, "model")
        own = self._blocks.is_blocked_by(act.tenant, name, act.reason, act.at_ns)
        changed = own and self._blocks.free(act.tenant, name)
        self._on_change(act.tenant)
        return _word(changed)


class OpenCase(Handler):
    """Opens a case about what the trigger names, or adds to the open one."""

    def __init__(self, cases: CaseBook) -> None:
        """Act on ``cases``."""
        super().__init__(StepKind.OPEN_CASE)
        self._cases = cases

    @override
    def preview(self, act: Act) -> Blast:
        del act
        return Blast()

    def perform(self, act: Act) -> str:
        """Open it."""
        about, subject = matter(act.trigger)
        case = self._cases.open(
            act.tenant,
            act.step.text or f"{act.playbook}: {act.trigger.kind}",
            topic=f"{act.playbook}/{about}",
            key=act.key,
            by=act.reason,
            now_ns=act.at_ns,
            subject=subject,
            links=links(act),
        )
        return case.case_id


class Notify(Handler):
    """Puts a letter in the outbox for each sink."""

    def __init__(self, outbox: Outbox) -> None:
        """Act on ``outbox``."""
        super().__init__(StepKind.NOTIFY)
        self._outbox = outbox

    @override
    def preview(self, act: Act) -> Blast:
        names = tuple(self._sinks(act))
        return Blast(others=names, count=len(names))

    def perform(self, act: Act) -> str:
        """Post the letters; a tenant without a sink has nobody to tell, and that is no fault."""
        faults: list[OstiaryError] = []
        for sink in self._sinks(act):
            letter = Letter("", act.tenant, sink, act.playbook, act.step.text, facts_of(act), act.at_ns)
            try:
                self._outbox.post(letter, act.key)
            except OstiaryError as fault:  # a sink that is full must not keep the others from being told
                faults.append(fault)
        if faults:  # what can still be told decides: it is tried again, and who was told is told once
            raise next((fault for fault in faults if isinstance(fault, UnavailableError)), faults[0])
        return CHANGED if self._sinks(act) else NOBODY

    def _sinks(self, act: Act) -> list[str]:
        return [act.step.sink] if act.step.sink else self._outbox.names(act.tenant)


def handlers(
    *,
    sessions: SessionControl,
    devices: DeviceControl | None,
    tokens: TokenControl,
    blocks: ModelBlocks,
    on_block: Callable[[str], object],
    cases: CaseBook,
    outbox: Outbox,
) -> list[EffectHandler]:
    """Return everybody who carries out steps; without a book of devices nobody quarantines one."""
    found: list[EffectHandler] = [
        TerminateSession(sessions),
        ReduceSession(sessions),
        DemandStepUp(sessions),
        RevokeSubject(sessions),
        DisableToken(tokens),
        BlockModel(blocks, on_block),
        OpenCase(cases),
        Notify(outbox),
    ]
    return [*found, QuarantineDevice(devices, sessions)] if devices is not None else found


def _told(act: Act) -> dict[str, Any]:
    return {"at_ns": act.at_ns, "reason": act.reason, "cause": act.trigger.id}


def _needed(value: str, name: str) -> str:
    if not value:
        raise RefusedError("fact_missing", f"the trigger names no `{name}`")
    return value


def _fact(act: Act, name: str) -> str:
    value = act.trigger.facts.get(name)
    return _needed(value if isinstance(value, str) else "", name)


def _word(changed: bool) -> str:  # noqa: FBT001 - what the ledgers return
    return CHANGED if changed else UNCHANGED


def _blast(sessions: Iterable[str], devices: Iterable[str] = ()) -> Blast:
    names, places = list(dict.fromkeys(sessions)), [name for name in dict.fromkeys(devices) if name]
    return Blast(tuple(names[:SHOWN]), tuple(places[:SHOWN]), count=len(names) + len(places))


def _is_own(found: Quarantined, act: Act) -> bool:
    return (found.quarantined_ns, found.quarantine_reason) == (act.at_ns, act.reason)
