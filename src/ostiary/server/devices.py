"""The device book of a house: rules from the settings, records in the log, and what falls when a device falls."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ostiary.audit import AuditLog
from ostiary.errors import FaultyInputError, UnavailableError
from ostiary.identity.algorithms import PublicKey
from ostiary.identity.attestation import PcrPolicy
from ostiary.identity.devices import Device, DeviceBook, DeviceChange, DeviceRegistry, DeviceRules, Standing
from ostiary.identity.devices.challenges import Challenges
from ostiary.identity.devices.envelope import read_jwk
from ostiary.keys import VerifyingKey, random_bytes
from ostiary.server.settings.devices import DevicesSection, Fall, ProducerSection, RegistersSection
from ostiary.server.shared import Shared
from ostiary.sessions import SessionLedger
from ostiary.vocabulary.ids import RANDOM_BYTES, make_id

RECORD_WAIT_S: Final = 10.0
_MAX_NONCES: Final = 100_000
_MAX_PEM: Final = 16_384
_PUBLIC: Final = ("kty", "crv", "x", "y")
OnFault = Callable[[str, BaseException], None]


class BookLog:
    """A ``DeviceLog`` over the audit log: one record of kind ``device`` for each change, under its owner's name."""

    def __init__(self, log: AuditLog) -> None:
        """Write to ``log``."""
        self._log = log

    def record(self, device: Device, action: str, at_ns: int, told: Mapping[str, Any]) -> str:
        """Write one record and wait until it is on disk; return its id.

        Raises:
            UnavailableError: it cannot be written, or not in time: a playbook's step is then tried again, not given up.
        """
        record_id = make_id("dvc", at_ns, random_bytes(RANDOM_BYTES))
        body = {"v": 1, "type": "device", "action": action, "device": device.device_id, **told}
        owner = device.subjects[0] if device.subjects else ""
        future = self._log.append(device.tenant, "device", record_id, at_ns, msgspec.json.encode(body), owner)
        try:
            future.result(timeout=RECORD_WAIT_S)
        except TimeoutError as late:
            raise UnavailableError("record_failed", "the record was not on disk in time") from late
        return record_id


def open_devices(
    settings: DevicesSection,
    registry: DeviceRegistry,
    log: AuditLog,
    shared: Shared,
    on_fault: OnFault,
    audience: str,
) -> DeviceBook:
    """Return the book; ``audience`` is our public address, for which devices make their messages.

    Raises:
        FaultyInputError: ``config_invalid`` when a producer's key cannot be read.
    """
    memory = shared.once("device-challenge", _MAX_NONCES)
    challenges = Challenges(shared.secret("device-challenge"), memory, settings.challenge_s)
    producers = {(one.tenant, one.name): _producer_key(one) for one in settings.producers}
    return DeviceBook(
        registry,
        BookLog(log),
        challenges,
        rules_of(settings),
        audience=audience,
        producers=producers,
        on_fault=on_fault,
    )


def rules_of(settings: DevicesSection) -> DeviceRules:
    """Return the registry's rules."""
    return DeviceRules(
        posture_max_age_s=settings.posture_max_age_s,
        attestation_max_age_s=settings.attestation_max_age_s,
        required=settings.required,
        patch_max_age_s=settings.patch_max_age_s,
        attestation_required=settings.attestation_required,
        attestation_keys=settings.attestation_keys,
        message_age_s=settings.message_age_s,
        clock_skew_s=settings.clock_skew_s,
        interval_s=settings.interval_s,
        challenge_s=settings.challenge_s,
        pcrs={one.kind: _policy(one) for one in settings.registers},
    )


def _policy(section: RegistersSection) -> PcrPolicy:
    golden = {number: frozenset(map(bytes.fromhex, values)) for number, values in section.golden.items()}
    return PcrPolicy(section.bank, tuple(sorted(section.required)), golden)


def _producer_key(section: ProducerSection) -> PublicKey:
    try:
        with section.key_path.open("rb") as file:
            key = VerifyingKey.from_pem(section.name, file.read(_MAX_PEM + 1))
    except (OSError, FaultyInputError) as fault:
        text = f"the key of the device manager `{section.name}` cannot be read"
        raise FaultyInputError("config_invalid", text) from fault
    return read_jwk({name: value for name, value in key.jwk().items() if name in _PUBLIC})[1]


class SessionsFall:
    """A listener: the sessions on a device fall with it, as the settings say."""

    def __init__(self, ledger: SessionLedger, settings: DevicesSection) -> None:
        """Take whose sessions fall, and how far."""
        self._ledger = ledger
        self._falls: dict[Standing, Fall] = {
            Standing.NOT_COMPLIANT: settings.on_non_compliance,
            Standing.QUARANTINED: settings.on_quarantine,
            Standing.REMOVED: settings.on_quarantine,
        }

    def __call__(self, change: DeviceChange) -> None:
        """Let the sessions fall; what fell already is left as it is."""
        fall = self._falls.get(change.current, "nothing")
        if fall == "nothing":
            return
        reason = f"device_{change.current.value}"
        for session in self._ledger.of_device(change.tenant, change.device_id):
            act = self._ledger.terminate if fall == "terminate" else self._ledger.demand_step_up
            act(change.tenant, session.session_id, at_ns=change.at_ns, reason=reason, cause=change.cause)
