"""The device book: everything that may happen to a device, in one place, recorded before it counts.

1. A change is written to the audit log, then to the registry, then told to the listeners; a listener that fails is told
   again by the next ``sweep``, so a change is never lost and may be told twice.
2. One thread at a time changes a device here; another process is found out by the row's version.
3. A quarantine ends by an administrator's word alone: no report and no quote lifts it.
4. Another tenant's device answers exactly as one that never was.
5. A quote that fails on its registers, its counters or its key is itself evidence: the device is no longer attested.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ostiary.errors import RefusedError, UnavailableError
from ostiary.identity.devices import attesting, enrolment, reporting
from ostiary.identity.devices.challenges import Challenges
from ostiary.identity.devices.judging import Judgement, facts_of, judge
from ostiary.identity.devices.model import Device, DeviceChange, Invitation, Standing
from ostiary.identity.devices.ports import DeviceLog, DeviceRegistry, Enrolled, Listener
from ostiary.identity.devices.reasons import DeviceRefusal
from ostiary.identity.devices.settings import DeviceRules
from ostiary.vocabulary.devices import UNKNOWN_DEVICE, DeviceFacts

_TRIES: Final = 3
_LOCKS: Final = 64
Change = Callable[[Device], Device]
OnFault = Callable[[str, BaseException], None]


class DeviceBook:
    """All devices of all tenants; safe for several threads."""

    def __init__(
        self,
        registry: DeviceRegistry,
        log: DeviceLog,
        challenges: Challenges,
        rules: DeviceRules,
        *,
        audience: str,
        producers: reporting.Producers,
        on_fault: OnFault,
    ) -> None:
        """Take the parts; ``audience`` is our public address, for which messages must be made."""
        self._registry, self._log, self._challenges = registry, log, challenges
        self.rules = msgspec.structs.replace(rules, producers=frozenset(producers))
        self._audience, self._producers, self._on_fault = audience, producers, on_fault
        self._listeners: list[Listener] = []
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    # asking

    def device(self, tenant: str, device_id: str | None, now_ns: int, key: str = "") -> DeviceFacts:
        """Return what is known of a device at ``now_ns``; implements the decision's ``DeviceReader``.

        ``key`` is the thumbprint that the access proved: the device that holds it is the one, whatever it is called.
        """
        found = self._registry.by_key(tenant, key) if key else None
        if found is None or found.standing is Standing.REMOVED:
            found = self._find(tenant, device_id) if device_id else None
        return facts_of(found, self.rules, now_ns) if found else UNKNOWN_DEVICE

    def find(self, tenant: str, device_id: str) -> Device:
        """Return one device.

        Raises:
            RefusedError: ``device_unknown``.
        """
        found = self._find(tenant, device_id)
        if found is None:
            raise RefusedError(DeviceRefusal.DEVICE_UNKNOWN, "there is no such device")
        return found

    def of_tenant(self, tenant: str) -> list[Device]:
        """Return a tenant's devices in the order of their ids."""
        return [one for one in self._registry.of_tenant(tenant) if one.standing is not Standing.REMOVED]

    def judge(self, device: Device, now_ns: int) -> Judgement:
        """Return how a device stands at ``now_ns``."""
        return judge(device, self.rules, now_ns)

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of every change of standing from now on; it must be quick and stand being told twice."""
        self._listeners.append(listener)

    # coming in

    def challenge(self, purpose: str, now_ns: int) -> str:
        """Return a nonce for ``enrol`` or ``attest``."""
        return self._challenges.issue(purpose, now_ns)

    def draft(
        self,
        tenant: str,
        *,
        life_s: int,
        now_ns: int,
        by: str,
        subjects: tuple[str, ...] = (),
        kind: str = "other",
        name: str = "",
        ak_name: bytes = b"",
    ) -> tuple[Invitation, str]:
        """Return an invitation and its code, which is never seen again; it lets nobody in before it is stored.

        Raises:
            FaultyInputError: ``device_invitation_invalid``.
        """
        until = enrolment.expires(now_ns, life_s)
        return enrolment.make_invitation(
            tenant, subjects=subjects, kind=kind, name=name, ak_name=ak_name, by=by, until_ns=until
        )

    def invite(self, invitation: Invitation, now_ns: int) -> None:
        """Store an invitation, after whoever made it has written that down."""
        self._registry.invite(invitation, now_ns)

    def enrol(self, text: str, now_ns: int) -> Device:
        """Enrol the device that sent ``text``.

        Raises:
            RefusedError: ``device_…`` or ``quote_…``.
            UnavailableError: the log or the registry is away; nothing has happened.
        """
        asked = enrolment.read_enrolment(text, self._audience, self._registry, self._challenges, self.rules, now_ns)
        device = asked.device
        self._challenges.use(device.tenant, asked.nonce, now_ns)
        told = {"kind": device.kind, "attestation_key": device.ak_trust}
        device = msgspec.structs.replace(device, cause=self._log.record(device, "device.enrol", now_ns, told))
        end = self._registry.enrol(device, asked.invitation.code_hash, now_ns)
        if end is not Enrolled.OK:
            self._log.record(device, "device.enrol_refused", now_ns, {"refused": end})
            raise _not_enrolled(end)
        return device

    def report(self, text: str, now_ns: int) -> Device:
        """Take a posture report.

        Raises:
            RefusedError: ``device_…``.
            UnavailableError: nothing has happened.
        """
        message, device, source = reporting.open_report(text, self._find, self._producers)

        def change(now: Device) -> Device:
            return reporting.take_report(now, message, source, self._audience, self.rules, now_ns)

        return self._change(device, change, "device.report", now_ns, source=source)

    def attest(self, text: str, now_ns: int) -> Device:
        """Take an attestation; one whose quote is refused takes the level away that an earlier one gave.

        Raises:
            RefusedError: ``device_…`` or ``quote_…``.
            UnavailableError: nothing has happened.
        """
        message, device = attesting.open_attestation(text, self._find)
        refusal: list[RefusedError] = []

        def change(now: Device) -> Device:
            try:
                return attesting.take_attestation(now, message, self._audience, self._challenges, self.rules, now_ns)
            except RefusedError as no:
                if not no.code.startswith("quote_"):
                    raise
                refusal.append(no)
                return msgspec.structs.replace(now, attested_ns=0)

        changed = self._change(device, change, "device.attest", now_ns, refused=refusal)
        if refusal:
            raise refusal[0]
        return changed

    # administrators' and playbooks' words

    def quarantine(self, tenant: str, device_id: str, *, now_ns: int, reason: str, cause: str = "") -> Device:
        """Shut a device out until it is released.

        Raises:
            RefusedError: ``device_unknown``.
        """

        def change(now: Device) -> Device:
            return msgspec.structs.replace(
                now, quarantined_ns=now.quarantined_ns or now_ns, quarantine_reason=now.quarantine_reason or reason
            )

        found = self.find(tenant, device_id)
        return self._change(found, change, "device.quarantine", now_ns, reason=reason, cause=cause)

    def release(self, tenant: str, device_id: str, *, now_ns: int, cause: str = "", rebase: bool = False) -> Device:
        """Let a device in again; ``rebase`` takes the registers of its next quote for its own.

        Raises:
            RefusedError: ``device_unknown``.
        """

        def change(now: Device) -> Device:
            changed = msgspec.structs.replace(now, quarantined_ns=0, quarantine_reason="")
            return msgspec.structs.replace(changed, baseline=None, attested_ns=0) if rebase else changed

        found = self.find(tenant, device_id)
        return self._change(found, change, "device.release", now_ns, cause=cause, rebase=rebase)

    def remove(self, tenant: str, device_id: str, *, now_ns: int, cause: str = "") -> None:
        """Forget a device; it is unknown from now on.

        Raises:
            RefusedError: ``device_unknown``.
        """

        def change(now: Device) -> Device:
            return msgspec.structs.replace(now, standing=Standing.REMOVED)

        self._change(self.find(tenant, device_id), change, "device.remove", now_ns, cause=cause)

    def forget_subject(self, tenant: str, subject: str, now_ns: int) -> int:
        """Take a person's name off the devices and codes that bear it; return how many devices those were."""
        self._registry.withdraw(tenant, subject)
        named = [one for one in self.of_tenant(tenant) if subject in one.subjects]
        for one in named:
            self._change(one, lambda now: _without(now, subject), "device.disown", now_ns)
        return len(named)

    # time

    def sweep(self, now_ns: int) -> int:
        """Judge anew what time has changed and tell what has not been told; return how many devices that were."""
        due = self._registry.due(now_ns)
        for device in due:
            try:
                if 0 < device.due_ns <= now_ns and device.standing is not Standing.REMOVED:
                    self._change(device, lambda now: now, "device.judge", now_ns)
                else:
                    self._tell_again(device, now_ns)
            except Exception as fault:  # noqa: BLE001 - one device must not keep the others from being judged
                self._on_fault("device_not_judged", fault)
        return len(due)

    # within

    def _find(self, tenant: str, device_id: str) -> Device | None:
        found = self._registry.find(tenant, device_id)
        return None if found is None or found.standing is Standing.REMOVED else found

    def _change(self, device: Device, change: Change, action: str, now_ns: int, **told: Any) -> Device:
        with self._lock(device):
            for _ in range(_TRIES):
                before = self.find(device.tenant, device.device_id)
                after = self._judged(change(before), now_ns)
                if not (action == "device.judge" and after.standing is before.standing):
                    words = {"standing": after.standing, "why": after.why, **_plain(told)}
                    record = self._log.record(after, action, now_ns, words)
                    after = msgspec.structs.replace(after, cause=record)
                if self._registry.replace(after, scrub=action == "device.disown"):
                    self._tell(after, now_ns)
                    return after
        raise UnavailableError(DeviceRefusal.DEVICE_BUSY, "the device is being changed by somebody else, try again")

    def _tell_again(self, device: Device, now_ns: int) -> None:
        with self._lock(device):
            now = self._registry.find(device.tenant, device.device_id)
            if now is not None:
                self._tell(now, now_ns)

    def _lock(self, device: Device) -> threading.Lock:
        return self._locks[hash((device.tenant, device.device_id)) % _LOCKS]

    def _judged(self, device: Device, now_ns: int) -> Device:
        told = judge(device, self.rules, now_ns)
        standing = device.standing if device.standing is Standing.REMOVED else told.standing
        return msgspec.structs.replace(
            device, standing=standing, why=told.why, due_ns=told.due_ns, version=device.version + 1
        )

    def _tell(self, device: Device, now_ns: int) -> None:
        """Tell the listeners, and note that they know; what fails stays untold for the next sweep."""
        if device.standing is device.told or not self._listeners:
            return
        reason = (device.why or (device.standing.value,))[0] if device.standing is not Standing.REMOVED else "removed"
        change = DeviceChange(
            tenant=device.tenant,
            device_id=device.device_id,
            subject=device.subjects[0] if device.subjects else "",
            previous=device.told,
            current=device.standing,
            reason=reason,
            at_ns=now_ns,
            cause=device.cause,
            subjects=device.subjects,
        )
        for listener in self._listeners:
            try:
                listener(change)
            except Exception as fault:  # noqa: BLE001 - told again by the next sweep
                self._on_fault("device_change_untold", fault)
                return
        if device.standing is Standing.REMOVED:
            self._registry.remove(device.tenant, device.device_id)
        else:
            self._registry.replace(msgspec.structs.replace(device, told=device.standing, version=device.version + 1))


def _not_enrolled(end: Enrolled) -> RefusedError:
    if end is Enrolled.KEY_TAKEN:
        return RefusedError(DeviceRefusal.DEVICE_EXISTS, "a device with this key is enrolled already")
    if end is Enrolled.AK_TAKEN:
        text = "a device with this attestation key is enrolled already: remove it first"
        return RefusedError(DeviceRefusal.DEVICE_ATTESTATION_KEY_TAKEN, text)
    return enrolment.code_gone()


def _without(device: Device, subject: str) -> Device:
    return msgspec.structs.replace(device, subjects=tuple(one for one in device.subjects if one != subject))


def _plain(told: dict[str, Any]) -> dict[str, Any]:
    refused = told.pop("refused", None)
    return {**told, **({"refused": refused[-1].code} if refused else {})}
