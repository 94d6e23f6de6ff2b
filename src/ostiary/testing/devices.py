"""A device for tests and demonstrations: a key, a software TPM, and a book that lives in memory.

>>> book = open_book()
>>> laptop = FakeDevice(book, now_ns=NOW_NS).enrol("acme", subjects=("user:alice",))
>>> laptop.report(disk_encrypted=True, firewall=True, rooted=False, screen_lock=True, patch_age_s=60).standing.value
'compliant'
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from ostiary.identity.algorithms import PublicKey
from ostiary.identity.devices import Device, DeviceBook, DeviceRegistry, DeviceRules
from ostiary.identity.devices.challenges import Challenges, extra_for
from ostiary.identity.devices.ports import DeviceLog
from ostiary.identity.devices.speaking import Voice
from ostiary.identity.replay import MemoryReplay
from ostiary.keys import SigningKey
from ostiary.testing.device_registry import MemoryDeviceLog, MemoryDeviceRegistry
from ostiary.testing.tpm import SoftTpm

NOW_NS: Final = 1_790_000_000_000_000_000
SECOND_NS: Final = 1_000_000_000
AUDIENCE: Final = "https://pdp.example"
FINE: Final[dict[str, Any]] = {
    "disk_encrypted": True,
    "firewall": True,
    "screen_lock": True,
    "rooted": False,
    "patch_age_s": 60,
}


def _raise(_reason: str, fault: BaseException) -> None:
    raise fault


def open_book(
    rules: DeviceRules | None = None,
    *,
    registry: DeviceRegistry | None = None,
    log: DeviceLog | None = None,
    producers: Mapping[tuple[str, str], PublicKey] | None = None,
    on_fault: Callable[[str, BaseException], None] = _raise,
) -> DeviceBook:
    """Return a book; what is not given lives in memory."""
    wanted = rules or DeviceRules()
    return DeviceBook(
        registry or MemoryDeviceRegistry(),
        log or MemoryDeviceLog(),
        Challenges(b"s" * 32, MemoryReplay(0, 1000), wanted.challenge_s),
        wanted,
        audience=AUDIENCE,
        producers=producers or {},
        on_fault=on_fault,
    )


class FakeDevice:
    """One device with its own clock; ``tpm`` may be ``None``."""

    def __init__(self, book: DeviceBook, now_ns: int = NOW_NS, *, tpm: SoftTpm | None = None) -> None:
        """Make a key; nothing is enrolled yet."""
        self.book, self.now_ns, self.tpm = book, now_ns, tpm
        self.voice = Voice(SigningKey.generate("device", "ES256"), AUDIENCE)
        self.sequence = 0

    @property
    def device_id(self) -> str:
        """Its id, or nothing before it is enrolled."""
        return self.voice.device_id

    def wait(self, seconds: float) -> Self:
        """Let time go by."""
        self.now_ns += int(seconds * SECOND_NS)
        return self

    def invite(self, tenant: str, **more: Any) -> str:
        """Have an administrator make a code."""
        invitation, code = self.book.draft(tenant, life_s=3600, now_ns=self.now_ns, by="adm", **more)
        self.book.invite(invitation, self.now_ns)
        return code

    def enrolment(self, code: str, nonce: str | None = None) -> str:
        """Return the message that asks to be enrolled."""
        nonce = nonce or self.book.challenge("enrol", self.now_ns)
        if self.tpm is None:
            return self.voice.enrol(code, nonce, now_ns=self.now_ns)
        evidence = self.tpm.quote(extra_for("enrol", nonce, self.voice.thumbprint))
        return self.voice.enrol(code, nonce, now_ns=self.now_ns, evidence=evidence, ak=self.tpm.public)

    def enrol(self, tenant: str = "acme", **more: Any) -> Self:
        """Be invited and come in."""
        device = self.book.enrol(self.enrolment(self.invite(tenant, **more)), self.now_ns)
        self.voice = Voice(self.voice.key, AUDIENCE, tenant, device.device_id)
        return self

    def message(self, **posture: Any) -> str:
        """Return the next report, not sent."""
        self.sequence += 1
        return self.voice.report(posture or FINE, self.sequence, now_ns=self.now_ns)

    def report(self, **posture: Any) -> Device:
        """Send a report ten seconds after the last; without members all is fine."""
        self.wait(10)
        return self.book.report(self.message(**posture), self.now_ns)

    def attestation(self, nonce: str | None = None, tpm: SoftTpm | None = None) -> str:
        """Return an attestation, not sent.

        Raises:
            ValueError: it has no TPM.
        """
        quoter = tpm or self.tpm
        if quoter is None:
            msg = "this device has no TPM"
            raise ValueError(msg)
        nonce = nonce or self.book.challenge("attest", self.now_ns)
        extra = extra_for("attest", nonce, self.voice.tenant, self.device_id)
        return self.voice.attest(nonce, quoter.quote(extra), now_ns=self.now_ns)

    def attest(self, tpm: SoftTpm | None = None) -> Device:
        """Answer a nonce with a quote."""
        return self.book.attest(self.attestation(tpm=tpm), self.now_ns)
